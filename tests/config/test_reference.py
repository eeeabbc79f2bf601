"""Every number that can be set has one unit, and its key and its table agree on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.config import json_schema, load, to_yaml
from simulator.config.reference import Field, is_number, tables, unit
from simulator.types import InputError


def numbers() -> Iterator[tuple[str, str, str]]:
    """Section, key and description of every number that can be set."""
    schema = json_schema()
    for title, section in {"Config": schema, **schema["$defs"]}.items():
        for name, node in section.get("properties", {}).items():
            if any(map(is_number, [node, *node.get("anyOf", [])])):
                yield title, name, node.get("description", "")


NUMBERS = list(numbers())


@pytest.mark.parametrize(("section", "name", "description"), NUMBERS)
def test_every_number_has_a_unit(section: str, name: str, description: str) -> None:
    assert unit(name, description), f"{section}.{name}: say the unit in its description"


def test_proportions_are_fractions_unless_the_key_says_percent() -> None:
    percent = {name for _, name, description in NUMBERS if unit(name, description) == "percent"}
    assert percent
    assert all(name.endswith("_percent") for name in percent)
    for _, name, description in NUMBERS:
        assert ("percent" in description) == name.endswith("_percent") or "100 %" in description


def fields(section: str) -> dict[str, Field]:
    return {field.name: field for table in tables(section) for field in table.fields}


@pytest.mark.parametrize(
    ("section", "name", "expected"),
    [
        ("vault", "hedge_band", ("0.02", "fraction", "0 … 1")),
        ("vault", "range_half_width_percent", ("null", "percent", "> 0 … 100000")),
        ("vault", "top_up_ratio", ("3.5", "ratio", "> 1 … 10000")),
        ("vault", "management_fee", ("0", "fraction/year", "0 … 0.1")),
        ("clearing.markets", "skew_scale_usd", ("required", "USD", "> 0 … 1e13")),
        ("clearing", "collaterals", ("{USDC}", "", "by name")),
        ("clearing", "margin", ("gross", "", "isolated, gross, portfolio")),
        ("shocks.crash", "size", ("required", "fraction", "> -1 … < 0")),
        ("agents.keeper", "usdc", ("100,000", "USDC", "0 … 1e15")),
        ("aave", "usdc", ("a section", "", "a section")),
        ("pool", "fee_ppm", ("500", "ppm", "100, 500, 3000, 10000")),
    ],
)
def test_a_table_says_default_unit_and_range(
    section: str, name: str, expected: tuple[str, str, str]
) -> None:
    field = fields(section)[name]
    assert (field.default, field.unit, field.allowed) == expected
    assert field.meaning


def test_tables_hold_every_field_of_a_whole_configuration() -> None:
    import yaml

    data = yaml.safe_load(to_yaml(load("usdc-depeg-2023")))
    assert {field.name for field in tables(None)[0].fields} == set(data)
    for section in ("vault", "clearing", "pool", "gas", "oracle", "agents"):
        assert set(fields(section)) == set(data[section])
    assert set(fields("clearing.markets")) == set(data["clearing"]["markets"]["BTC"])


def test_several_kinds_are_a_table_each() -> None:
    shown = [table.path for table in tables("shocks")]
    assert "shocks[] (kind: crash)" in shown
    assert len(shown) == len(set(shown)) > 5
    assert [table.path for table in tables("process.t")] == ["process (kind: t)"]


@pytest.mark.parametrize(
    ("section", "named"),
    [("vaul", "did you mean vault"), ("clearing.market", "did you mean markets")],
)
def test_an_unknown_section_is_refused_with_the_nearest(section: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        tables(section)
