"""Write the tables of contracts/SPEC.md that are made of declarations; ``--check`` only compares.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from simulator.protocol import clearing, oracle, vault
from simulator.protocol.state.table import SHOWN
from simulator.protocol.statuses import REFUSALS
from simulator.protocol.terms import Given, Term, terms_of

SPEC = Path(__file__).resolve().parents[1] / "contracts" / "SPEC.md"
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _bounds(term: Term) -> str:
    if term.given is Given.MADE:
        return "–"
    if term.words:
        return ", ".join(f"{code}: {word}" for code, word in enumerate(term.words))
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    bounds = (f"{signs[name]} {bound:g}" for name, bound in term.bounds.items())
    return ", ".join(bounds).replace("e+0", "e").replace("e+", "e")


def _terms(owner: type, struct: str) -> list[str]:
    """One row per parameter that is a component of a struct."""
    rows = [
        _row("component", "unit", "stored as", "configuration", "there", "what it is"),
        "|---|---|---|---|---|---|",
    ]
    for name, term in terms_of(owner).items():
        if term.struct == struct:
            key = "–" if term.given is Given.MADE else f"`{term.key(name)}`"
            component = f"`{term.component or name}`"
            cells = (component, term.unit, term.scale.value, key, _bounds(term), term.sentence)
            rows.append(_row(*cells))
    return rows


def _statuses() -> list[str]:
    rows = [_row("code", "status", "reverts", "what it means"), "|---|---|---|---|"]
    for status in REFUSALS:
        reverts = ", ".join(f'`"{text}"`' for text in status.reverts)
        rows.append(_row(str(int(status)), status.name, reverts, status.sentence))
    return rows


#: What the words of a place along axes are of, in the order of the replies.
_PLACES = {
    (): "header",
    ("markets",): "each market",
    ("accounts",): "each account",
    ("accounts", "collaterals"): "– each collateral from 1 on",
    ("accounts", "markets"): "– each market",
    ("agents",): "each wallet",
    ("loans",): "lending: header",
    ("legs",): "lending: each leg",
    ("agents", "legs"): "lending: each wallet, each leg",
    ("coins",): "stable: each coin",
    ("listings",): "borrowers: each listing",
    ("borrowers",): "borrowers: each borrower",
    ("borrowers", "listings"): "borrowers: each borrower, each listing",
    ("agents", "others"): "borrowers: each wallet, each other token",
}


def _words() -> list[str]:
    """One row per word of the Lens."""
    rows = [
        _row("of", "word", "variable", "unit", "stored as", "what it is"),
        "|---|---|---|---|---|---|",
    ]
    for axes, of in _PLACES.items():
        found = [(row.word.number, row) for row in SHOWN.values() if row.axes == axes]
        for number, row in sorted(found, key=lambda pair: pair[0]):
            scale = row.word.scale.value
            rows.append(_row(of, str(number), f"`{row.name}`", row.unit, scale, row.what))
    return rows


def tables() -> dict[str, list[str]]:
    """Every table by name, as lines."""
    return {
        "feed": _terms(oracle.FeedParameters, oracle.FEED),
        "market": _terms(clearing.MarketParameters, clearing.MARKET),
        "collateral": _terms(clearing.CollateralParameters, clearing.COLLATERAL),
        "liquidity": _terms(clearing.ClearingParameters, clearing.LIQUIDITY),
        "clearing": _terms(clearing.ClearingParameters, clearing.PARAMETERS),
        "vault": _terms(vault.VaultTerms, vault.STRUCT),
        "statuses": _statuses(),
        "lens": _words(),
    }


def rendered(document: str) -> str:
    """The document with every table as declared; KeyError on a table nobody makes."""
    made = tables()
    return _TABLE.sub(lambda m: m[1] + "\n".join(made[m[2]]) + "\n" + m[3], document)


def named(document: str) -> list[str]:
    """The tables a document has, in order."""
    return [match[2] for match in _TABLE.finditer(document)]


def main() -> int:
    """Write the document, or say that it differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1: it differs")
    found = SPEC.read_text(encoding="utf-8")
    wanted = rendered(found)
    if parser.parse_args().check:
        return int(found != wanted)
    SPEC.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
