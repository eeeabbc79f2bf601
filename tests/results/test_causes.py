"""What a result is made of, in words: true for any amounts and signs."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.books.buckets import BASIS, BUCKETS, TITLES
from simulator.report import causes, story
from simulator.report.format import MINUS, usd

AMOUNTS = st.one_of(st.just(0.0), st.floats(-1e7, 1e7), st.floats(-1.0, 1.0))
#: The part of the hedge that was held is not always known.
HELD = st.one_of(st.just(float("nan")), st.floats(0.0, 1.0))
FOUND = st.fixed_dictionaries(dict.fromkeys(BUCKETS, AMOUNTS), optional={"hedge_held": HELD})


def total(found: dict[str, float]) -> float:
    return sum(found[name] for name in BUCKETS)


@given(FOUND)
def test_what_is_told_adds_up_to_the_result_and_never_changes_sign(found: dict[str, float]) -> None:
    named, rest = causes.told(found)
    assert sum(value for _, value in named) + rest == pytest.approx(total(found), abs=1e-6)
    text = causes.account(found)
    for title, value in named:
        assert f"{causes.within(title)} {usd(value, plus=True)}" in text
    result = total(found)
    assert text.startswith("lost $") == (result <= -0.005)
    assert text.startswith("made $") == (result >= 0.005)


def losses(found: dict[str, float]) -> dict[str, float]:
    """What can be a loss: where there was no hedge, being off an imagined target is none."""
    open_ = found["hedge_target"] and not causes.hedged(found)
    return {name: found[name] for name in BUCKETS if not (open_ and name == "hedge_drift")}


@given(FOUND)
def test_the_largest_loss_is_always_named_with_its_amount(found: dict[str, float]) -> None:
    terms = losses(found)
    name = min(terms, key=lambda term: terms[term])
    told = f"{causes.account(found)} {causes.basis(found)}"
    if found[name] <= -0.01:
        assert usd(found[name], plus=True) in told
        assert TITLES[name].split(" (")[0].lower() in told.lower()


@given(FOUND)
def test_the_headline_is_the_largest_loss_once_both_legs_have_cancelled(
    found: dict[str, float],
) -> None:
    ranked = dict(causes.causes(found))
    worst = min(ranked.values())
    assert sum(ranked.values()) == pytest.approx(total(found), abs=1e-6)
    mostly_open = found.get("hedge_held", 1.0) < causes.MOSTLY_HELD
    if found["hedge_target"] and not mostly_open:
        assert ranked[causes.BASIS_TITLE] == sum(found[name] for name in BASIS)
    else:
        assert causes.BASIS_TITLE not in ranked
        assert ranked[causes.UNHEDGED_TITLE] == found["lp_delta"]
    said = causes.largest(found)
    assert bool(said) == (worst <= -0.005)
    if said:
        title, amount = said.split(", ", 1)
        assert amount == usd(worst)
        assert amount.startswith(MINUS)
        assert any(causes.within(name) == title for name, v in ranked.items() if v == worst)


@example(
    {**dict.fromkeys(BUCKETS, 0.0)},
    {**dict.fromkeys(BUCKETS, 0.0), "hedge_target": 1.0, "hedge_drift": -1.0},
    False,
    False,
)
@given(FOUND, FOUND, st.booleans(), st.booleans())
def test_the_story_names_the_largest_loss_of_the_fall_and_of_the_whole(
    peak: dict[str, float], trough: dict[str, float], hedged: bool, invested: bool
) -> None:
    series = pd.DataFrame([peak, trough]).assign(size_BTC=-1.0 * hedged, lp_value=1.0 * invested)
    (fall,) = story._fell(series, 0, 1)
    trough["hedge_held"] = float("nan")  # of the whole path; the fall's is found from its steps
    change = {name: trough[name] - peak[name] for name in BUCKETS}
    change["hedge_held"] = story.part_held(series.iloc[:1])
    whole = " ".join(story._made_of("From start to end", series.iloc[1]))
    for text, found in ((fall, change), (whole, trough)):
        least = min(losses(found).values())
        if least <= -0.01:
            assert usd(least, plus=True) in text
    assert ("No hedge was held." in fall) == (not hedged)
    assert ("Nothing was invested." in fall) == (not invested)


def test_a_loss_in_usdc_is_not_told_as_one_of_the_legs() -> None:
    found = dict.fromkeys(BUCKETS, 0.0) | {
        "lp_delta": -21_000.0,
        "hedge_target": -2_000.0,
        "lp_fees": 9_000.0,
        "collateral_revaluation": -156_000.0,
    }
    assert causes.largest(found) == f"USDC and collateral, {MINUS}$156k"
    assert causes.account(found) == (
        f"lost $170k: USDC and collateral {MINUS}$156k and "
        f"basis (hedge assets moved otherwise) {MINUS}$23k; against that LP fees +$9k"
    )
    both = f"LP delta {MINUS}$21k and the hedge on target {MINUS}$2k: "
    assert causes.basis(found).startswith(both)


#: The worst path of *calm* whose hedge stayed within a band as wide as NAV, USD.
IMAGINED = dict.fromkeys(BUCKETS, 0.0) | {
    "lp_delta": -310_000.0,
    "hedge_target": 126_000.0,
    "hedge_drift": -126_000.0,
}


@pytest.mark.parametrize(
    ("held", "drift", "cause", "made"),
    [
        (0.0, -126_000.0, "unhedged LP delta (price)", "$0"),
        (0.2, -100_800.0, "unhedged LP delta (price)", "+$25.2k"),
        (0.9, -12_600.0, "basis (hedge assets moved otherwise)", ""),
        (1.0, 0.0, "basis (hedge assets moved otherwise)", ""),
    ],
)
def test_no_other_asset_moved_otherwise_where_there_was_no_hedge(
    held: float, drift: float, cause: str, made: str
) -> None:
    found = IMAGINED | {"hedge_drift": drift, "hedge_held": held}
    assert causes.largest(found).startswith(cause)
    said = f"{causes.account(found)} {causes.basis(found)}"
    assert ("basis" in said) == (not made)
    assert ("hedge off target" in said) == (held == 0.9)
    if made:
        assert causes.largest(found) == f"unhedged LP delta (price), {MINUS}$310k"
        assert f"what was held of it made {made}" in causes.basis(found)


def test_a_flat_hedge_that_was_held_is_a_basis_all_the_same() -> None:
    """Bitcoin stood still and ether fell: a drift beyond the target's gain is no sign of none."""
    found = IMAGINED | {"hedge_target": 100.0, "hedge_drift": -5_000.0, "hedge_held": 0.97}
    assert causes.largest(found).startswith("basis (hedge assets moved otherwise), ")


def test_nothing_is_nothing() -> None:
    found = dict.fromkeys(BUCKETS, 0.0)
    assert causes.account(found) == "nothing gained or lost"
    assert causes.basis(found) == causes.largest(found) == ""
