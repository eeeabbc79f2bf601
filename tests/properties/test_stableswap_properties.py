"""Laws of contracts/StableSwap.vy (SPEC §9), on revm and on its integer reference.

Which is held to the contract to the unit over random sequences of operations, so that what is
proved of the one is of the other; the laws themselves are stated with the invariant multiplied out
(``root``), which knows nothing of Newton.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.properties.revm_stable import Pool, three_pool
from tests.reference.stableswap import (
    FEE_ONE,
    LOCKED_SHARES,
    WAD,
    StablePool,
    balance_of,
    invariant,
    least_balance,
    root,
)
from tests.sizes import CAMPAIGN

COINS = st.lists(st.sampled_from((6, 8, 18)), min_size=2, max_size=4)
FEES = st.one_of(st.just(0), st.integers(1, 10**8))  # up to 1 %
MULTIPLES = st.one_of(st.just(FEE_ONE), st.integers(FEE_ONE, 20 * FEE_ONE))
PART = st.floats(1e-6, 1.0, allow_subnormal=False)


@st.composite
def pools(draw: Any, fees: Any = FEES, decimals: Any = COINS) -> StablePool:
    """A pool that somebody has put whole tokens into, at most 300 to one apart."""
    places = tuple(draw(decimals))
    size = 10.0 ** draw(st.floats(1.0, 9.0))
    raw = [int(size * 300.0 ** -draw(st.floats(0.0, 1.0)) * 10**n) + 1 for n in places]
    a, fee = int(10.0 ** draw(st.floats(0.0, 5.0))), draw(fees)
    pool = StablePool(places, a, fee, draw(MULTIPLES))
    assert pool.add(raw) > 0
    return pool


def exact(pool: StablePool) -> int:
    return root(pool.scaled(), pool.a)


def dear(pool: StablePool) -> float:
    """The greatest ratio of two marginal prices, near the peg one: P by S instead of D."""
    x = pool.scaled()
    p = float(sum(x))
    for held in x:
        p *= sum(x) / (pool.n * held)
    slopes = [pool.n * pool.a + p / held for held in x]
    return max(slopes) / min(slopes)


def two(draw: Any, n: int) -> tuple[int, int]:
    i, j = draw(st.permutations(range(n)))[:2]
    return i, j


# ------------------------------------------------------------------------------------ the contract


def test_all_quotes_of_3pool_are_exact() -> None:
    vectors = three_pool()
    terms = vectors["pool"]
    raw = [int(held) for held in terms["balances"]]
    pool = Pool((18, 6, 6), terms["A"], terms["fee_1e10"])
    assert pool.add(raw) == pool.twin.add(raw)
    answers = [(pool.quote(q["i"], q["j"], int(q["dx"])), int(q["dy"])) for q in vectors["quotes"]]
    assert len(answers) == 18
    assert [found for found, _ in answers] == [told for _, told in answers]
    for q in vectors["quotes"]:  # and exchanged, one after the other, as the reference does
        asked = q["i"], q["j"], int(q["dx"])
        assert pool.exchange(*asked) == pool.twin.exchange(*asked)


@given(st.data())
def test_the_contract_is_the_reference_over_any_operations(data: Any) -> None:
    draw = data.draw
    places = draw(COINS)
    told = {0: draw(st.integers(WAD // 2, 2 * WAD))} if draw(st.booleans()) else {}
    pool = Pool(
        places, int(10 ** draw(st.floats(0.0, 5.0))), draw(FEES), draw(MULTIPLES), told=told
    )
    twin = pool.twin
    first = [int(1e6 * 100.0 ** -draw(st.floats(0.0, 1.0)) * 10**n) for n in places]
    assert pool.add(first) == twin.add(first)
    for _ in range(12 if CAMPAIGN else 6):
        what, part = draw(st.integers(0, 4)), draw(PART)
        i, j = two(draw, twin.n)
        if what == 0:
            raw = int(twin.raw[i] * part) + 1
            assume(twin.quote(i, j, raw) > 0)
            assert pool.quote(i, j, raw) == twin.quote(i, j, raw)
            assert pool.exchange(i, j, raw) == twin.exchange(i, j, raw)
        elif what == 1:
            given_in = [int(held * part * draw(PART)) for held in twin.raw]
            assume(twin.shares_for(given_in) > 0)
            assert pool.contract.call("calc_token_amount", given_in) == twin.shares_for(given_in)
            assert pool.add(given_in) == twin.add(given_in)
        elif what == 2 and told:
            pool.tell(0, int(twin.told[0] * (0.95 + 0.1 * part)))
        else:
            mine = twin.supply - LOCKED_SHARES
            shares = int(mine * part * 0.5) + 1
            if what == 3:
                assert pool.remove(shares) == twin.remove(shares)
            else:
                assume(twin.one_coin_for(shares, i) > 0)
                quoted = pool.contract.call("calc_withdraw_one_coin", shares, i)
                assert quoted == twin.one_coin_for(shares, i)
                assert pool.remove_one(shares, i) == twin.remove_one_coin(shares, i)
        assert pool.state() == (twin.raw, twin.supply)
        assert pool.contract.call("get_virtual_price") == twin.virtual_price()


# ---------------------------------------------------------------------------------------- the laws


@given(pools())
def test_newton_ends_within_its_margin_of_the_invariant(pool: StablePool) -> None:
    x, true = pool.scaled(), exact(pool)
    assert 0 <= invariant(x, pool.ann) - true <= 1
    for coin in range(pool.n):
        found = balance_of(coin, x, true, pool.ann)
        assert found + 1 >= least_balance(coin, x, true, pool.a)


@given(st.data())
def test_the_invariant_never_falls_by_an_exchange(data: Any) -> None:
    pool = data.draw(pools())
    i, j = two(data.draw, pool.n)
    before = exact(pool)
    out = pool.exchange(i, j, int(pool.raw[i] * data.draw(PART) * 3) + 1)
    assert exact(pool) >= before
    if pool.fee > 10**4 and out * pool.rates[j] // WAD > 10**10:
        assert exact(pool) > before


@given(st.data())
def test_a_round_trip_of_exchanges_never_profits(data: Any) -> None:
    pool = data.draw(pools())
    around = [*data.draw(st.permutations(range(pool.n)))]
    raw = start = int(pool.raw[around[0]] * data.draw(PART)) + 1
    for i, j in zip(around, [*around[1:], around[0]], strict=True):
        raw = pool.exchange(i, j, raw) if raw else 0
    # What is left of D below a unit, 10**-18, is worth this many units where prices are far apart.
    least = int(dear(pool)) if pool.decimals[around[0]] == 18 and pool.fee == 0 else 0
    assert raw <= start + least


@given(st.data())
def test_no_way_through_liquidity_profits(data: Any) -> None:
    pool = data.draw(pools())
    i, j = two(data.draw, pool.n)
    raw = int(pool.raw[i] * data.draw(PART)) + 1
    paid = [raw if k == i else 0 for k in range(pool.n)]
    there = deepcopy(pool)
    shares = there.add(paid)
    assume(shares > 0)
    back = deepcopy(there)
    assert back.remove_one_coin(shares, i) <= raw
    # In with one coin and out with another fetches no more than the curve itself gives.
    pool.fee = 0
    assert there.remove_one_coin(shares, j) <= pool.quote(i, j, raw) + 1


@given(st.data())
def test_value_of_a_share_never_falls(data: Any) -> None:
    pool = data.draw(pools())
    for _ in range(4):
        before, supply = exact(pool), pool.supply
        what, part = data.draw(st.integers(0, 3)), data.draw(PART)
        i, j = two(data.draw, pool.n)
        if what == 0:
            pool.exchange(i, j, int(pool.raw[i] * part) + 1)
        elif what == 1:
            pool.add([int(held * part * data.draw(PART)) for held in pool.raw])
        elif what == 2:
            pool.remove(int((pool.supply - LOCKED_SHARES) * part * 0.9))
        else:
            pool.remove_one_coin(int((pool.supply - LOCKED_SHARES) * part * 0.9) + 1, i)
        # exact(after) / supply(after) >= before / supply, to the units of the law above.
        assert (exact(pool) + 1) * supply >= before * pool.supply


@given(st.data())
def test_nothing_depends_on_the_order_of_coins(data: Any) -> None:
    pool = data.draw(pools())
    order = data.draw(st.permutations(range(pool.n)))
    other = StablePool(
        tuple(pool.decimals[k] for k in order), pool.a, pool.fee, pool.off_peg,
        raw=[pool.raw[k] for k in order], supply=pool.supply,
    )  # fmt: skip
    assert exact(other) == exact(pool)
    i, j = two(data.draw, pool.n)
    raw = int(pool.raw[i] * data.draw(PART)) + 1
    found, same = other.quote(order.index(i), order.index(j), raw), pool.quote(i, j, raw)
    slack = int(16 * dear(pool)) * 10 ** pool.decimals[j] // WAD + 1
    assert abs(found - same) <= slack


@given(st.data())
def test_nothing_depends_on_decimals_but_the_last_unit(data: Any) -> None:
    pool = data.draw(pools(decimals=st.lists(st.just(6), min_size=2, max_size=4)))
    fine = StablePool(
        (18,) * pool.n, pool.a, pool.fee, pool.off_peg,
        raw=[held * 10**12 for held in pool.raw], supply=pool.supply,
    )  # fmt: skip
    assert exact(fine) == exact(pool)
    i, j = two(data.draw, pool.n)
    raw = int(pool.raw[i] * data.draw(PART)) + 1
    finer = fine.quote(i, j, raw * 10**12)
    assert -1 <= pool.quote(i, j, raw) - finer // 10**12 <= 1


@given(st.data())
def test_a_fee_off_the_peg_is_between_the_fee_and_its_multiple(data: Any) -> None:
    pool = data.draw(pools(fees=st.integers(10, 10**8)))
    a, b = (data.draw(st.integers(1, 10**30)) for _ in range(2))
    rate = pool.fee_rate(a, b, pool.fee)
    assert pool.fee * 10**8 <= rate <= -(-pool.fee * pool.off_peg // 100)
    assert pool.fee_rate(b, a, pool.fee) == rate
    assert pool.fee_rate(a, a, pool.fee) == pool.fee * 10**8


@given(st.data())
def test_a_balanced_exit_is_the_part_and_never_more(data: Any) -> None:
    pool = data.draw(pools())
    held, supply = list(pool.raw), pool.supply
    shares = int((supply - LOCKED_SHARES) * data.draw(PART))
    for before, paid in zip(held, pool.remove(shares), strict=True):
        assert 0 <= before * shares - paid * supply < supply
    assert min(pool.raw) >= 1
