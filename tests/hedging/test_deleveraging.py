"""Policies of auto-deleveraging give what is asked, and each is the best at what it is for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from simulator.hedging import deleveraging
from simulator.types import Floats, InputError

AMOUNTS = st.floats(1e-3, 1e9)


@st.composite
def books(draw: st.DrawFn, most: int = 12) -> tuple[Floats, Floats, float]:
    """(weights, capacities, need), some of the weights and capacities 0."""
    n = draw(st.integers(1, most))
    some = st.one_of(st.just(0.0), AMOUNTS)
    weights = np.array(draw(st.lists(some, min_size=n, max_size=n)))
    held = np.array(draw(st.lists(some, min_size=n, max_size=n)))
    return weights, held, draw(st.floats(0.0, 1.3)) * float(held.sum())


@given(book=books())
def test_the_need_is_given_or_all_there_is_and_nobody_gives_more_than_he_has(
    book: tuple[Floats, Floats, float],
) -> None:
    weights, held, need = book
    for given_ in (
        deleveraging.queue(need, weights, held),
        deleveraging.pro_rata(need, weights, held),
        deleveraging.pro_rata(need, held, held),
    ):
        assert np.all(given_ >= 0.0)
        assert np.all(given_ <= held)
        # So pro rata overshoots by nothing but rounding.
        assert given_.sum() == pytest.approx(min(need, held.sum()), rel=1e-12, abs=1e-12)


@given(book=books())
def test_the_queue_takes_nobody_before_those_of_higher_rank_have_given_all(
    book: tuple[Floats, Floats, float],
) -> None:
    ranks, held, need = book
    given_ = deleveraging.queue(need, ranks, held)
    for i in np.flatnonzero(given_ > 0.0):
        before = (ranks > ranks[i]) | ((ranks == ranks[i]) & (np.arange(len(ranks)) < i))
        assert np.all(given_[before] == held[before])


@given(book=books())
def test_pro_rata_all_who_have_some_left_give_alike_and_nobody_full_would_give_less(
    book: tuple[Floats, Floats, float],
) -> None:
    weights, held, need = book
    weighty = (weights > 0.0) & (held > 0.0)
    assume(weighty.any() and need < held[weighty].sum() * (1.0 - 1e-9))
    given_ = deleveraging.pro_rata(need, weights, held)
    assert np.all(given_[~weighty] == 0.0)
    level = given_[weighty] / weights[weighty]
    full = given_[weighty] >= held[weighty]
    assert level[~full] == pytest.approx(level.max(), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(1.0, 1e3), st.floats(1.0, 1e3)), min_size=1, max_size=8),
    part=st.floats(0.05, 0.99),
)
def test_pro_rata_of_equity_makes_the_largest_haircut_the_least(
    rows: list[tuple[float, float]], part: float
) -> None:
    """Against a linear program: minimise M where x_i <= M E_i, x <= held, sum x = need."""
    equity, held = np.array(rows).T
    need, n = part * float(held.sum()), len(rows)
    best = linprog(
        np.r_[np.zeros(n), 1.0],
        A_ub=np.c_[np.diag(1.0 / equity), -np.ones(n)],
        b_ub=np.zeros(n),
        A_eq=np.r_[np.ones(n), 0.0][None],
        b_eq=[need],
        bounds=[*((0.0, own) for own in held), (0.0, None)],
    )
    assert best.status == 0
    found = np.max(deleveraging.pro_rata(need, equity, held) / equity)
    assert found == pytest.approx(best.fun, rel=1e-6)


LOTS = st.lists(st.integers(0, 4), min_size=1, max_size=4)


@given(lots=LOTS, data=st.data())
def test_in_whole_lots_no_other_solution_has_a_smaller_largest_haircut(
    lots: list[int], data: st.DataObject
) -> None:
    n = len(lots)
    each = st.lists(st.floats(0.1, 10.0), min_size=n, max_size=n)
    losses, equities = np.array(data.draw(each)), np.array(data.draw(each))
    need = data.draw(st.integers(0, sum(lots)))
    found = deleveraging.minimum_haircut(need, lots, losses, equities)
    assert found.sum() == need
    assert np.all((found >= 0) & (found <= lots))
    every = (np.array(x) for x in product(*(range(k + 1) for k in lots)) if sum(x) == need)
    least = min(np.max(x * losses / equities) for x in every)
    assert np.max(found * losses / equities) == pytest.approx(least, rel=1e-12)


@given(lots=st.lists(st.integers(0, 2**50), min_size=1, max_size=30), data=st.data())
def test_pro_rata_of_position_is_within_a_lot_of_its_share_and_exact_in_all(
    lots: list[int], data: st.DataObject
) -> None:
    total = sum(lots)
    need = data.draw(st.integers(0, min(total + 5, 2**53)))
    found = [int(part) for part in deleveraging.pro_rata_lots(need, lots)]
    assert sum(found) == min(need, total)
    for part, own in zip(found, lots, strict=True):
        assert part <= own
        assert abs(part * total - min(need, total) * own) < max(total, 1)


@given(need=st.integers(0, 2**40), equities=st.lists(st.floats(1.0, 1e6), min_size=2, max_size=8))
def test_with_small_lots_the_least_haircut_is_pro_rata_of_equity(
    need: int, equities: list[float]
) -> None:
    held = [2**40] * len(equities)
    lots = deleveraging.minimum_haircut(need, held, np.ones(len(held)), equities)
    smooth = deleveraging.pro_rata(float(need), equities, np.array(held, float))
    assert np.max(np.abs(lots - smooth)) < len(equities) + 1


def test_who_has_no_equity_is_first_in_the_queue_and_the_last_of_the_least_haircut() -> None:
    ranks = deleveraging.rank([10.0, 10.0, 10.0, -1.0], [100.0, 100.0, 0.0, 100.0], [110.0] * 4,
                              [55.0, -5.0, 55.0, 55.0])  # fmt: skip
    assert ranks.tolist() == [0.1 * 110.0 / 55.0, np.inf, np.inf, 0.0]
    assert deleveraging.queue(15.0, ranks, [10.0] * 4).tolist() == [0.0, 10.0, 5.0, 0.0]
    lots = deleveraging.minimum_haircut(15, [10, 10], [1.0, 1.0], [55.0, -5.0])
    assert lots.tolist() == [10, 5]
    assert deleveraging.minimum_haircut(10**12, [1, 10**12], [1.0, 1.0], [1.0, 0.0]).tolist() == [
        1, 10**12 - 1
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: deleveraging.queue(-1.0, [1.0], [1.0]), "need = -1: must be"),
        (lambda: deleveraging.pro_rata(1.0, [1.0, -2.0], [1.0, 1.0]), r"weights\[1\] = -2: must"),
        (lambda: deleveraging.pro_rata(1.0, [1.0], [1.0, 1.0]), "capacities .* as long as weights"),
        (lambda: deleveraging.pro_rata_lots(1, [1.5]), r"lots\[0\] = 1.5: must be a whole number"),
        (lambda: deleveraging.minimum_haircut(1, [2], [0.0], [1.0]), r"losses\[0\] = 0: must be"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
