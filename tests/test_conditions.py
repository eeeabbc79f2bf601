"""contracts/CONDITIONS.md is true: every external function, each of its refusals, and no other.

What a function can refuse is walked off the sources (``refusals_walk``); where that walk ends, at
calls of other contracts, the document says in words what is passed on.
"""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest

from simulator.chain.deploy.artifacts import CONTRACTS, ROOT, load
from tests import refusals_walk
from tests.refusals_walk import (
    NEVER,
    PARTS,
    REASON,
    functions_of,
    modules_of,
    read,
    reasons_of,
    text_of,
)

DOCUMENT = (ROOT / "contracts" / "CONDITIONS.md").read_text(encoding="utf-8")

SECTION = re.compile(r"^## `(\w+)`.*?$(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([\w`, ]+)` \|(.*)\|$", re.MULTILINE)
SHORTHAND = re.compile(r"^\| \*\*(\w+)\*\* \|(.*)\|$", re.MULTILINE)

# What a contract's own reasons begin with: a row without any has none of these either.
KIND = {
    **dict.fromkeys(PARTS["ClearingHouse"], "clearing"), "ClearingHouse": "clearing",
    "Deleveraging": "clearing", "HedgeVault": "vault", "VaultStrategy": "vault",
    "VaultExits": "vault", "AaveHedge": "clearing", "PriceOracle": "oracle", "Roles": "roles",
    "Token": "token", "PassiveProvider": "provider",
    "StableSwap": "stable",
}  # fmt: skip
ROLES = ("ClearingHouse", "HedgeVault", "PriceOracle")  # what of `Roles` each has, its ABI says
DEPLOYED = (
    "ClearingHouse", "Trading", "LiquidationEngine", "Deleveraging", "CollateralSale",
    "BackOffice", "Governance", "Settlement", "StorageReader", "PriceOracle", "PriceFeed",
    "HedgeVault", "VaultStrategy", "VaultExits", "AaveHedge", "Token", "PassiveProvider",
    "StableSwap",
)  # fmt: skip


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
            for source in (contract, *sorted(modules_of(contract)))
            if "@external" in functions_of(source).get(name, ("", ""))[0]
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
        given = reasons_of(source, function)
        # What another contract refuses is passed on: the venue's, within a row of the vault.
        kinds = {reason.partition(":")[0] for reason in given} | {KIND.get(section, ""), "oracle"}
        if [reason for reason in said if reason.partition(":")[0] in kinds] != given:
            found.add(function)
    return found


@pytest.mark.parametrize("section", sorted(ROWS))
def test_a_row_names_what_its_function_refuses_in_order_and_nothing_else(section: str) -> None:
    assert not _disagreements(section)


RUN = "    answer: Bytes[64] = raw_call(code, msg.data, max_outsize=64, is_delegate_call=True)\n"
RUN += "    self._write_off_emptied()\n"
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
    before = text_of(source)
    assert before.count(old) == 1
    edited = before.replace(old, new)
    try:
        with patch.object(
            refusals_walk, "text_of", lambda name: edited if name == source else read(name)
        ):
            functions_of.cache_clear()
            assert functions <= _disagreements(section)
    finally:
        functions_of.cache_clear()


@pytest.mark.parametrize(("place", "never"), NEVER.items())
def test_what_is_never_met_would_be_found(
    place: tuple[str, str], never: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NEVER, place, set())
    assert never <= set(reasons_of(*place))


def test_every_reason_of_the_sources_is_in_a_row() -> None:
    named = {reason for rows in ROWS.values() for said in rows.values() for reason in said}
    building = DOCUMENT[DOCUMENT.index("\n## Constructors") :]
    named |= set(REASON.findall(building[: building.index("\n## ", 1)]))
    given = {
        reason
        for path in CONTRACTS.rglob("*.vy")
        for _, body in functions_of(path.stem).values()
        for reason in REASON.findall(body)
    }
    assert len(given) > 100
    assert given == named, sorted(given ^ named)
