"""contracts/CONDITIONS.md is true: every external function, each of its refusals, and no other.

What a function can refuse is read off the sources: the reasons in it and in whatever it calls
within its own contract, which is the venue's where code of a part runs: what one part calls of
another, what it asks the ClearingHouse, and the check of health there once the part is done. Calls
of other contracts end the walk; the document names those in words.
"""

from __future__ import annotations

import re
from functools import cache
from unittest.mock import patch

import pytest

from simulator.world.chain.artifacts import CONTRACTS, ROOT, load

DOCUMENT = (ROOT / "contracts" / "CONDITIONS.md").read_text(encoding="utf-8")

REASON = re.compile(r'"((?:clearing|vault|oracle|roles|hedge|feed|token|provider): [^"]+)"')
DEFINITION = re.compile(r"^((?:@[\w.()]+\n)*)def (\w+)\(", re.MULTILINE)
CALL = re.compile(r"\b(\w+)\.(\w+)\(")
ASKED = re.compile(r"\bHouse\(self\)\.(\w+)\(")
DELEGATED = re.compile(r'\bmethod_id\("(\w+)\(')
PASSED_ON = re.compile(r"\braw_call\(code, msg\.data")
IMPORT = re.compile(r"^from (?:contracts\.modules|\.) import (\w+)", re.MULTILINE)
SECTION = re.compile(r"^## `(\w+)`.*?$(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([\w`, ]+)` \|(.*)\|$", re.MULTILINE)
SHORTHAND = re.compile(r"^\| \*\*(\w+)\*\* \|(.*)\|$", re.MULTILINE)

# Code shared by delegatecall: where a function that a contract only passes on has its row.
PARTS = {
    "ClearingHouse": (
        "Trading", "LiquidationEngine", "CollateralSale", "BackOffice", "Governance",
        "Settlement", "StorageReader",
    ),
    "HedgeVault": ("VaultStrategy", "VaultExits"),
}  # fmt: skip
# What a contract's own reasons begin with: a row without any has none of these either.
KIND = {
    **dict.fromkeys(PARTS["ClearingHouse"], "clearing"), "ClearingHouse": "clearing",
    "Deleveraging": "clearing", "HedgeVault": "vault", "VaultStrategy": "vault",
    "VaultExits": "vault", "AaveHedge": "clearing", "PriceOracle": "oracle", "Roles": "roles",
    "Token": "token", "PassiveProvider": "provider",
}  # fmt: skip
ROLES = ("ClearingHouse", "HedgeVault", "PriceOracle")  # what of `Roles` each has, its ABI says
DEPLOYED = (
    "ClearingHouse", "Trading", "LiquidationEngine", "Deleveraging", "CollateralSale",
    "BackOffice", "Governance", "Settlement", "StorageReader", "PriceOracle", "PriceFeed",
    "HedgeVault", "VaultStrategy", "VaultExits", "AaveHedge", "Token", "PassiveProvider",
)  # fmt: skip
# All whose code runs on the venue's storage: what they call of each other and ask is walked.
VENUE = ("ClearingHouse", *PARTS["ClearingHouse"], "Deleveraging")
# An operation that has asked for margin is checked in the end; the check refuses nothing else.
DEMAND, CHECK = ("margin", "_require_initial_margin"), ("risk_engine", "_check_health")
DEMANDED = "(initial margin demanded)"
# Reasons of shared code that are meant for other callers and never met below these functions.
NEVER = {
    # Reductions open no position and take no seat; the liquidator's account is his cross account.
    ("LiquidationEngine", "_close"): {"clearing: too many accounts", "clearing: wrong market"},
    ("Deleveraging", "_deleverage"): {"clearing: too many accounts"},
    ("Settlement", "settle_position"): {"clearing: too many accounts"},
    # The venue asks itself.
    ("ClearingHouse", "valuation"): {"clearing: delegatecall only"},
    ("CollateralSale", "_buy"): {"clearing: wrong market"},
    ("AaveHedge", "exit_slice"): {"clearing: wrong market"},
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
}


def _read(name: str) -> str:
    path = CONTRACTS / f"{name}.vy"
    return (path if path.exists() else CONTRACTS / "modules" / f"{name}.vy").read_text("utf-8")


_text = cache(_read)


@cache
def _functions(name: str) -> dict[str, tuple[str, str]]:
    """Decorators and body, without its docstring, of each function of a source, by name."""
    text = _text(name)
    found = list(DEFINITION.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    return {
        match[2]: (match[1], re.sub(r'"""(.*?)"""', "", text[match.end() : end], flags=re.DOTALL))
        for match, end in zip(found, ends, strict=True)
    }


@cache
def _modules(name: str) -> frozenset[str]:
    """The modules a source has, and theirs."""
    direct = IMPORT.findall(_text(name))
    return frozenset(direct).union(*(_modules(module) for module in direct))


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
        if (where == source or where in _modules(source)) and called in _functions(where)
    ]
    if source in VENUE or source == "margin":
        steps += [
            (_end(body, m.end()), "ClearingHouse", m[1])
            for m in ASKED.finditer(body)
            if m[1] in _functions("ClearingHouse")
        ]
    if source in VENUE:
        steps += [
            (m.end(), part, m[1])
            for m in DELEGATED.finditer(body)
            for part in VENUE[1:]
            if "@external" in _functions(part).get(m[1], ("", ""))[0]
        ]
    return steps


def _walk(source: str, function: str, passed_on: tuple[str, str] | None = None) -> list[str]:
    """Reasons as the code runs, and where the initial margin is demanded that is checked later.

    ``passed_on``: the part's function that runs where the ClearingHouse passes its own call on.
    """
    body = _functions(source)[function][1]
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


def _reasons(source: str, function: str) -> list[str]:
    """What a function refuses, a part's from the call of the ClearingHouse to its check."""
    walked = _walk(source, function)
    house = _functions("ClearingHouse").get(function, ("", ""))
    if source in PARTS["ClearingHouse"] and "self._run(" in house[1]:
        walked = _walk("ClearingHouse", function, (source, function))
    return [reason for reason in walked if reason != DEMANDED]


def _external(contract: str) -> dict[str, str]:
    """Source of each external function of a contract that may write."""
    names = {
        entry["name"]
        for entry in load(contract).abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    places = {}
    for name in names:
        (places[name],) = (
            source
            for source in (contract, *sorted(_modules(contract)))
            if "@external" in _functions(source).get(name, ("", ""))[0]
        )
    return places


def _rows() -> dict[str, dict[str, list[str]]]:
    """By section, what each function's row says it refuses, in order, shorthands written out."""
    everywhere = dict(SHORTHAND.findall(DOCUMENT))
    # Elsewhere the oracle's refusals are passed on; a row's own reasons of that kind stand in it.
    passing = everywhere | {"price": ""}
    sections: dict[str, dict[str, list[str]]] = {}
    for section, text in SECTION.findall(DOCUMENT + "\n## "):
        rows = sections.setdefault(section, {})
        short = everywhere if section == "PriceOracle" else passing
        for names, rest in ROW.findall(text):
            refusals = rest.split("|")[1]
            for shorthand, reasons in short.items():
                refusals = refusals.replace(f"**{shorthand}**", reasons)
            assert "**" not in refusals, f"{section}: {names}"
            for name in names.split("`, `"):
                assert name not in rows, f"{section}: {name} has two rows"
                rows[name] = list(dict.fromkeys(REASON.findall(refusals)))
    return sections


ROWS = _rows()


def _home(contract: str, function: str) -> str:
    """The section that has a function's row."""
    for section in (contract, *PARTS.get(contract, ()), "Roles"):
        if function in ROWS[section] and (section != "Roles" or contract in ROLES):
            return section
    raise AssertionError(f"{contract}.{function} has no row in contracts/CONDITIONS.md")


@pytest.mark.parametrize("contract", DEPLOYED)
def test_every_external_function_has_a_row(contract: str) -> None:
    for function in _external(contract):
        assert _home(contract, function)


def test_every_contract_and_every_row_is_of_something_deployed() -> None:
    sources = {path.stem for path in CONTRACTS.glob("*.vy")}
    assert sources == {*DEPLOYED, "Lens"}
    assert not _external("Lens")
    assert set(ROWS) == {*DEPLOYED, "Roles"}
    for section, rows in ROWS.items():
        names: set[str] = set()
        for contract in ROLES if section == "Roles" else (section,):
            names |= {e["name"] for e in load(contract).abi if e["type"] == "function"}
        assert set(rows) <= names, section


def _disagreements(section: str) -> set[str]:
    """The functions of a section whose rows say anything but what the walk finds."""
    found = set()
    for function, said in ROWS[section].items():
        source = "roles" if section == "Roles" else _external(section).get(function, section)
        given = _reasons(source, function)
        # What another contract refuses is passed on: the venue's, within a row of the vault.
        kinds = {reason.partition(":")[0] for reason in given} | {KIND.get(section, ""), "oracle"}
        if [reason for reason in said if reason.partition(":")[0] in kinds] != given:
            found.add(function)
    return found


@pytest.mark.parametrize("section", sorted(ROWS))
def test_a_row_names_what_its_function_refuses_in_order_and_nothing_else(section: str) -> None:
    assert not _disagreements(section)


RUN = "    answer: Bytes[64] = raw_call(code, msg.data, max_outsize=64, is_delegate_call=True)\n"
HEALTH = "    risk_engine._check_health()\n"
RELEASE = "    margin._require_release(from_account)\n"
DUE = '    errors.check(due != 0 and block.timestamp >= due, "clearing: too soon")\n'
ONLY_SELF = "    self._only_self()\n    return risk_engine"
SIZE = '    errors.check(fraction != 0 and fraction <= WAD, "clearing: zero size")\n'
CONSENT = '    errors.check(ledger.slice_consent[to][msg.sender], "clearing: no consent")\n'
# Edits of the sources that the rows must tell: (source, old, new, section, functions it shows in).
PLANTED = {
    "the check of health dropped where the house passes calls on": (
        "ClearingHouse", RUN + HEALTH, RUN, "Trading", {"trade"},
    ),
    "the check of health before the part has run": (
        "ClearingHouse", RUN + HEALTH, HEALTH + RUN,
        "CollateralSale", {"liquidate_collateral", "liquidate_pledge"},
    ),
    "no margin demanded of who adds risk": (
        "Trading", "        margin._require_initial_margin(account)\n", "", "Trading", {"trade"},
    ),
    "margin demanded after it was checked": (
        "ClearingHouse", RELEASE + HEALTH, HEALTH + RELEASE, "ClearingHouse", {"transfer_margin"},
    ),
    "no margin demanded of what is released": (
        "margin", "    self._require_initial_margin(account)\n", "", "BackOffice", {"release"},
    ),
    "a market settled before it is due": ("Settlement", DUE, "", "Settlement", {"settle_market"}),
    "a refusal of what is asked of the house": (
        "ClearingHouse", ONLY_SELF, f'    errors.check(fresh, "clearing: paused")\n{ONLY_SELF}',
        "LiquidationEngine", {"liquidate"},
    ),
    "a refusal of what another part is called for": (
        "Deleveraging", "    share: uint256 = self._share(account, market, debt)\n",
        '    errors.check(debt != 0, "clearing: paused")\n', "LiquidationEngine", {"liquidate"},
    ),
    "two refusals swapped": (
        "BackOffice", SIZE + CONSENT, CONSENT + SIZE, "BackOffice", {"transfer_slice"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("label", PLANTED)
def test_the_walk_finds_what_an_edit_drops_adds_or_swaps(label: str) -> None:
    source, old, new, section, functions = PLANTED[label]
    before = _text(source)
    assert before.count(old) == 1
    edited = before.replace(old, new)
    try:
        with patch(f"{__name__}._text", lambda name: edited if name == source else _read(name)):
            _functions.cache_clear()
            assert functions <= _disagreements(section)
    finally:
        _functions.cache_clear()


@pytest.mark.parametrize(("place", "never"), NEVER.items())
def test_what_is_never_met_would_be_found(
    place: tuple[str, str], never: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NEVER, place, set())
    assert never <= set(_reasons(*place))


def test_every_reason_of_the_sources_is_in_a_row() -> None:
    named = {reason for rows in ROWS.values() for said in rows.values() for reason in said}
    building = DOCUMENT[DOCUMENT.index("\n## Constructors") :]
    named |= set(REASON.findall(building[: building.index("\n## ", 1)]))
    given = {
        reason
        for path in CONTRACTS.rglob("*.vy")
        for _, body in _functions(path.stem).values()
        for reason in REASON.findall(body)
    }
    assert len(given) > 100
    assert given == named, sorted(given ^ named)
