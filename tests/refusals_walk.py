"""What a function of the contracts can refuse, read off the sources.

The reasons in it and in whatever it calls within its own contract, which is the venue's where code
of a part runs: what one part calls of another, what it asks the ClearingHouse, and the check of
health there once the part is done. Calls of other contracts end the walk.
"""

from __future__ import annotations

import re
from functools import cache

from simulator.chain.deploy.artifacts import CONTRACTS

REASON = re.compile(r'"((?:clearing|vault|oracle|roles|hedge|feed|token|provider|stable): [^"]+)"')
DEFINITION = re.compile(r"^((?:@[\w.()]+\n)*)def (\w+)\(", re.MULTILINE)
CALL = re.compile(r"\b(\w+)\.(\w+)\(")
ASKED = re.compile(r"\bHouse\(self\)\.(\w+)\(")
DELEGATED = re.compile(r'\bmethod_id\("(\w+)\(')
PASSED_ON = re.compile(r"\braw_call\(code, msg\.data")
IMPORT = re.compile(r"^from (?:contracts\.modules|\.) import (\w+)", re.MULTILINE)

# Code shared by delegatecall: where a function that a contract only passes on has its row.
PARTS = {
    "ClearingHouse": (
        "Trading", "LiquidationEngine", "CollateralSale", "BackOffice", "Governance",
        "Settlement", "StorageReader",
    ),
    "HedgeVault": ("VaultStrategy", "VaultExits"),
}  # fmt: skip
# All whose code runs on the venue's storage: what they call of each other and ask is walked.
VENUE = ("ClearingHouse", *PARTS["ClearingHouse"], "Deleveraging")
# An operation that has asked for margin is checked in the end; the check refuses nothing else.
DEMAND, CHECK = ("margin", "_require_initial_margin"), ("risk_engine", "_check_health")
DEMANDED = "(initial margin demanded)"
# Reasons of shared code that are meant for other callers and never met below these functions.
NEVER = {
    # Reductions open no position and take no seat; the liquidator's account is his cross account.
    ("LiquidationEngine", "_close"): {"clearing: too many accounts", "clearing: wrong market"},
    ("Deleveraging", "_close_between"): {"clearing: too many accounts"},
    ("Settlement", "settle_position"): {"clearing: too many accounts"},
    ("CollateralSale", "_buy"): {"clearing: wrong market"},
    ("AaveHedge", "exit_slice"): {"clearing: wrong market"},
    # The venue asks itself.
    ("ClearingHouse", "valuation"): {"clearing: delegatecall only"},
    # USDC of the caller's own, and an NFT that was found pledged.
    ("BackOffice", "rearrange"): {"clearing: no collateral", "clearing: no consent"},
    ("pledged_liquidity", "_burn"): {"clearing: bad pledge"},
    # Counted a moment before; an age that was just found positive.
    ("venue", "_add_collateral"): {"clearing: no collateral"},
    ("PriceOracle", "add_aggregator"): {"oracle: no feed"},
    # Unwinding mints nothing.
    ("VaultStrategy", "_unwind"): {"vault: no idle assets"},
    # Fees are issued to a receiver there is; what waits is with the vault; the head is a request.
    ("vault_fees", "_take"): {"vault: zero receiver"},
    ("share_token", "_issue"): {"vault: insufficient shares"},
    ("withdrawal_queue", "_return"): {"vault: insufficient shares"},
    ("VaultExits", "_settle"): {"vault: insufficient shares", "vault: no request"},
    ("VaultExits", "_return_unreachable"): {"vault: no request"},
}


def read(name: str) -> str:
    path = CONTRACTS / f"{name}.vy"
    return (path if path.exists() else CONTRACTS / "modules" / f"{name}.vy").read_text("utf-8")


text_of = cache(read)


@cache
def functions_of(name: str) -> dict[str, tuple[str, str]]:
    """Decorators and body, without its docstring, of each function of a source, by name."""
    text = text_of(name)
    found = list(DEFINITION.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    return {
        match[2]: (match[1], re.sub(r'"""(.*?)"""', "", text[match.end() : end], flags=re.DOTALL))
        for match, end in zip(found, ends, strict=True)
    }


@cache
def modules_of(name: str) -> frozenset[str]:
    """The modules a source has, and theirs."""
    direct = IMPORT.findall(text_of(name))
    return frozenset(direct).union(*(modules_of(module) for module in direct))


def _end(text: str, start: int) -> int:
    """Where the parenthesis closes that opens before ``start``."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[start], 0)
        start += 1
    return start


def _calls(source: str, body: str) -> list[tuple[int, str, str]]:
    """Where each call of a body ends that its own contract answers: the place, source, function.

    Arguments come before the call they are for: hence by where a call ends.
    """
    found = [(m, source if m[1] == "self" else m[1], m[2]) for m in CALL.finditer(body)]
    steps = [
        (_end(body, m.end()), where, called)
        for m, where, called in found
        if (where == source or where in modules_of(source)) and called in functions_of(where)
    ]
    if source in VENUE or source == "margin":
        steps += [
            (_end(body, m.end()), "ClearingHouse", m[1])
            for m in ASKED.finditer(body)
            if m[1] in functions_of("ClearingHouse")
        ]
    if source in VENUE:
        steps += [
            (m.end(), part, m[1])
            for m in DELEGATED.finditer(body)
            for part in VENUE[1:]
            if "@external" in functions_of(part).get(m[1], ("", ""))[0]
        ]
    return steps


def _walk(source: str, function: str, passed_on: tuple[str, str] | None = None) -> list[str]:
    """Reasons as the code runs, and where the initial margin is demanded that is checked later.

    ``passed_on``: the part's function that runs where the ClearingHouse passes its own call on.
    """
    body = functions_of(source)[function][1]
    steps = [(m.start(), m[1], "") for m in REASON.finditer(body)] + _calls(source, body)
    if passed_on:
        steps += [(m.end(), *passed_on) for m in PASSED_ON.finditer(body)]
    found: list[str] = [DEMANDED] if (source, function) == DEMAND else []
    for _, where, called in sorted(steps):
        if not called:
            found.append(where)
        elif (where, called) == passed_on:
            found += _walk(where, called)
        elif (where, called) != CHECK or DEMANDED in found:
            found += _walk(where, called, passed_on)
    never = NEVER.get((source, function), set())
    return [reason for reason in dict.fromkeys(found) if reason not in never]


def reasons_of(source: str, function: str) -> list[str]:
    """What a function refuses, a part's from the call of the ClearingHouse to its check."""
    walked = _walk(source, function)
    house = functions_of("ClearingHouse").get(function, ("", ""))
    if source in PARTS["ClearingHouse"] and "self._run(" in house[1]:
        walked = _walk("ClearingHouse", function, (source, function))
    return [reason for reason in walked if reason != DEMANDED]
