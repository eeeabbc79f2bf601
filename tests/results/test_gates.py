from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.results.gates import check_names, parse
from simulator.types import InputError

SUMMARY = {
    "probabilities": {"liquidation": {"estimate": 0.02, "low": 0.01, "high": 0.04, "paths": 2}},
    "metrics": {"bad_debt": {"mean": 1.5, "max": 9.0}, "min_margin_ratio": {"mean": None}},
}
COLUMNS = ("path", "return", "liquidated", "bad_debt", "min_margin_ratio")


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("liquidation_probability <= 0.01", 0.02, False),
        ("liquidation_probability<=2%", 0.02, True),
        ("liquidation_probability.high < .05", 0.04, True),
        ("bad_debt.max <= 0", 9.0, False),
        ("bad_debt.max > -1e1", 9.0, True),
        ("bad_debt == 1.5", 1.5, True),
        ("bad_debt != 1.5", 1.5, False),
        (" bad_debt.mean >= +2 ", 1.5, False),
    ],
)
def test_requirement_holds_or_not(text: str, value: float, holds: bool) -> None:
    assert parse(text).verdict(SUMMARY) == {
        "requirement": text.strip(),
        "value": value,
        "holds": holds,
    }


def test_a_metric_without_a_value_never_holds() -> None:
    assert not parse("min_margin_ratio >= 0").verdict(SUMMARY)["holds"]
    assert not parse("min_margin_ratio < 0").verdict(SUMMARY)["holds"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bad_debt",
        "bad_debt <=",
        "bad_debt <= ten",
        "bad_debt <= 1 and 1 <= 2",
        "__import__('os').system('true') <= 1",
        "bad_debt.max.min <= 1",
        "bad_debt => 1",
        "1 <= bad_debt",
    ],
)
def test_anything_else_is_refused_and_never_evaluated(text: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read; allowed: metric\[\.statistic\]"):
        parse(text)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        gate = parse(text)
    except InputError:
        return
    assert gate.metric.isidentifier()


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("liquidation", "liquidation_probability"),
        ("liquidated", "liquidation_probability"),
        ("liquidation_probabilty", "liquidation_probability"),
        ("loss_prob", "loss_probability"),
        ("bad_dept", "bad_debt"),
        ("Return", "return"),
        ("margin_ratio", "min_margin_ratio"),
    ],
)
def test_an_unknown_metric_is_refused_in_a_line_with_those_near(asked: str, meant: str) -> None:
    with pytest.raises(InputError, match="did you mean") as caught:
        check_names(parse(f"{asked} <= 0"), COLUMNS)
    near = str(caught.value).partition("did you mean ")[2].partition("? ")[0].split(" or ")
    assert meant in near
    assert len(near) <= 4
    assert str(caught.value).endswith("`hedgesim metrics` lists all that there are")


def test_unknown_names_are_refused_with_the_valid_ones() -> None:
    with pytest.raises(InputError, match=r"no metric 'ruin'; `hedgesim metrics` lists all"):
        check_names(parse("ruin <= 0"), COLUMNS)
    with pytest.raises(InputError, match=r"return has no statistic 'var90'; allowed: .*var95"):
        check_names(parse("return.var90 <= 0"), COLUMNS)
    check_names(parse("return.es99 <= 0.3"), COLUMNS)
    check_names(parse("loss_probability.high <= 0.3"), COLUMNS)
