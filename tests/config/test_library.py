"""What is in the built-in scenarios between them, and what is documented of the dated ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulator.config import Config, load, scenarios
from tests.scenarios import DISTINCT

PAGE = Path(__file__).parents[2] / "docs/scenarios.md"
#: Of a crisis, whose name ends in its year.
DATED = [name for name in scenarios() if re.search(r"-20\d\d$", name)]


def has(config: Config) -> set[str]:
    """What both worlds, books and reports treat in a way of its own."""
    sections = ("lending", "aave", "impact", "population")
    return {
        f"process {config.process.kind}",
        f"margin {config.clearing.margin}",
        f"pool {config.pool.kind}",
        f"{len(config.clearing.collaterals)} collaterals",
        f"{len(config.markets)} markets",
        *(f"shock {shock.kind}" for shock in config.shocks),
        *(f"agent {name}" for name, agent in config.agents if agent),
        *(name for name in sections if getattr(config, name)),
        *(f"feed by {config.feed(symbol).source}" for symbol in config.symbols),
    }


def test_heavy_checks_are_of_scenarios_with_everything_in_them() -> None:
    """`make test` runs those on these alone (tests/scenarios.py)."""
    held = {name: has(load(name)) for name in scenarios()}
    assert set().union(*held.values()) == set().union(*(held[name] for name in DISTINCT))


@pytest.mark.parametrize("name", DATED)
def test_a_figure_of_a_crisis_says_where_it_is_from(name: str) -> None:
    config = load(name)
    assert config.documented or any(getattr(shock, "source", "") for shock in config.shocks)
    for figure in config.documented:
        assert len(figure.source) > 20
    for shock in config.shocks:
        if shock.kind == "depeg":
            assert len(shock.source) > 20


def test_the_page_of_the_library_has_a_row_for_each() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(scenarios())
