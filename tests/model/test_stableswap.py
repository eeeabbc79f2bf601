"""The model's StableSwap against mainnet's quotes, the exact invariant, the contract's bytecode."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.model.kernel.record import Record
from simulator.model.pools.stableswap import invariant as curve
from simulator.model.pools.stableswap import pool as stableswap
from simulator.model.pools.stableswap import shares as liquidity
from simulator.model.pools.stableswap.records import POOL, POSITION, table
from simulator.testing.records import RecordPool, compiled
from tests.properties.revm_stable import Pool, three_pool
from tests.reference.stableswap import FEE_ONE, LOCKED_SHARES, WAD, StablePool, root
from tests.sizes import CAMPAIGN

DIGITS = 1e-12  # relative


@functools.cache
def kernels() -> dict[str, Callable[..., Any]]:
    """Functions of any coins, of records."""
    _exchanged, _add, _remove = stableswap.exchanged, liquidity.add, liquidity.remove
    _one, _count, _scaled = liquidity.remove_one_coin, stableswap.count, stableswap.scaled
    _invariant, _sold, _cost = curve.invariant, curve.sold_for, curve.cost_of

    def exchange(terms: Record, pools: Record, i: int, j: int, raw: float) -> float:
        out = _exchanged(terms[0], pools[0], i, j, raw)
        if out > 0.0:
            _count(pools[0], i, pools[0].raw[i] + raw)
            _count(pools[0], j, pools[0].raw[j] - out)
        return out

    def quote(terms: Record, pools: Record, i: int, j: int, raw: float) -> float:
        return _exchanged(terms[0], pools[0], i, j, raw)

    def add(terms: Record, pools: Record, raw: Any) -> float:
        return _add(terms[0], pools[0], (raw[0], raw[1], raw[2], raw[3]))

    def remove(pools: Record, amount: float) -> Any:
        return _remove(pools[0], amount)

    def remove_one_coin(terms: Record, pools: Record, amount: float, coin: int) -> float:
        return _one(terms[0], pools[0], amount, coin)

    def invariant(pools: Record) -> float:
        return _invariant(_scaled(pools[0]), int(pools[0].coins), pools[0].ann)

    def sold_for(x_in: float, x_out: float, p: float, ann: float, amount: float) -> float:
        return _sold(x_in, x_out, p, ann, amount)

    def cost_of(x_in: float, x_out: float, p: float, ann: float, amount: float) -> float:
        return _cost(x_in, x_out, p, ann, amount)

    made = (exchange, quote, add, remove, remove_one_coin, invariant, sold_for, cost_of)
    return {function.__name__: compiled(function) for function in made}


class Model:
    """A pool of the model, opened as a reference is now."""

    def __init__(self, twin: StablePool) -> None:
        rates = [told / WAD for told in twin.told]
        self.terms = table(twin.decimals, twin.a, twin.fee, twin.off_peg / FEE_ONE, twin.raw, rates)
        self.pools = RecordPool(stableswap, self.terms, POOL, POSITION).pools
        self.n = twin.n

    def __getattr__(self, name: str) -> Callable[..., Any]:
        kernel = kernels()[name]
        of_terms = name not in ("remove", "invariant")
        first = (self.terms, self.pools) if of_terms else (self.pools,)
        return lambda *arguments: kernel(*first, *arguments)

    @property
    def raw(self) -> list[float]:
        return [float(held) for held in self.pools["raw"][0, : self.n]]

    @property
    def supply(self) -> float:
        return float(self.pools["others"][0] + self.pools["own"][0])


def near(found: float, exact: int, of: float, units: float = 1.0) -> None:
    """Within raw units that a floor may turn on, or the last digits of ``of``."""
    assert abs(found - exact) <= max(units, DIGITS * of), (found, exact)


def dear(x: list[int]) -> float:
    """P of the invariant, near enough: D by S."""
    p = float(sum(x))
    for held in x:
        p *= sum(x) / (len(x) * held)
    return p


def test_all_quotes_of_3pool_to_a_unit_and_to_twelve_digits() -> None:
    vectors = three_pool()
    terms = vectors["pool"]
    raw = [int(held) for held in terms["balances"]]
    model = Model(StablePool((18, 6, 6), terms["A"], terms["fee_1e10"], raw=raw))
    errors = []
    for q in vectors["quotes"]:
        told = int(q["dy"])
        found = model.quote(q["i"], q["j"], float(q["dx"]))
        errors.append(abs(found - told) / told)
    assert len(errors) == 18
    assert max(errors) <= 1e-12


def _drift(model: Model, pool: Pool, held: list[int]) -> float:
    """What raw units that floors turned on before are worth now, in 18 decimals.

    At the prices the coins have come to.
    """
    x = pool.twin.scaled(held)
    slopes = [pool.twin.n * pool.twin.a + dear(x) / at for at in x]
    apart = max(
        abs(found - exact) * rate / WAD
        for found, exact, rate in zip(model.raw, held, pool.twin.rates, strict=True)
    )
    return 4.0 * max(slopes) / min(slopes) * apart


@given(st.data())
def test_the_model_is_the_contract_over_any_operations(data: Any) -> None:
    draw = data.draw
    places = draw(st.lists(st.sampled_from((6, 8, 18)), min_size=2, max_size=4))
    told = {0: draw(st.integers(WAD // 2, 2 * WAD))} if draw(st.booleans()) else {}
    fee, multiple = draw(st.integers(0, 10**8)), draw(st.integers(FEE_ONE, 20 * FEE_ONE))
    off_peg = FEE_ONE if draw(st.booleans()) else multiple
    pool = Pool(places, int(10 ** draw(st.floats(0.5, 4.0))), fee, off_peg, told=told)
    first = [int(1e6 * 20.0 ** -draw(st.floats(0.0, 1.0)) * 10**n) for n in places]
    pool.add(first)
    pool.twin.add(first)
    model = Model(pool.twin)
    most, greatest = list(pool.twin.raw), pool.twin.supply
    for done in range(10 if CAMPAIGN else 6):
        what, part = draw(st.integers(0, 3)), 10.0 ** -draw(st.floats(0.1, 5.0))
        i, j = draw(st.permutations(range(model.n)))[:2]
        held, supply = pool.state()
        drift = _drift(model, pool, held)
        if what == 0:
            raw = int(float(int(held[i] * part)))
            assume(raw and pool.quote(i, j, raw))
            paid, exact = model.exchange(i, j, float(raw)), pool.exchange(i, j, raw)
            # To 12 digits of what is traded, however small it is beside the pool.
            near(paid, exact, exact, 1.0 + drift * WAD / pool.twin.rates[j])
        elif what == 1:
            share = 10.0 ** -draw(st.floats(0.0, 2.0))
            amounts = [int(held[k] * part * (share if k == i else 1.0)) for k in range(model.n)]
            amounts = [int(float(amount)) for amount in amounts]
            assume(pool.contract.call("calc_token_amount", amounts))
            padded = np.zeros(4)
            padded[: model.n] = amounts
            near(model.add(padded), pool.add(amounts), greatest, 1.0 + drift)
        else:
            burnt = int(float(int((supply - LOCKED_SHARES) * part))) or 1
            if what == 2:
                for k, (x, y) in enumerate(
                    zip(model.remove(float(burnt)), pool.remove(burnt), strict=False)
                ):
                    near(x, y, most[k], 1.0 + drift)
            else:
                assume(pool.contract.call("calc_withdraw_one_coin", burnt, i))
                paid = model.remove_one_coin(float(burnt), i)
                near(
                    paid, pool.remove_one(burnt, i), most[i], 1.0 + drift * WAD / pool.twin.rates[i]
                )
        # What is left after much was taken out has the digits of what there was.
        held, supply = pool.state()
        most, greatest = [max(pair) for pair in zip(most, held, strict=True)], max(greatest, supply)
        for k in range(model.n):
            near(model.raw[k], held[k], most[k], 1.0 + done + drift * WAD / pool.twin.rates[k])
        near(model.supply, supply, greatest, 1.0 + drift)


@given(st.data())
def test_the_change_of_a_balance_has_all_its_digits_however_small(data: Any) -> None:
    """Against the invariant in whole numbers of 60 digits, in which a change has them too."""
    draw = data.draw
    n, a = draw(st.integers(2, 4)), draw(st.integers(1, 5_000))
    x = [draw(st.integers(10**6, 10**8)) for _ in range(n)]
    unit = 10**36
    fine = [held * unit for held in x]
    amount = int(x[0] * 10.0 ** -draw(st.floats(0.0, 12.0)) * unit)
    d = root(fine, a)
    y = _balance([fine[0] + amount, *fine[1:]], d, a)
    exact = (fine[1] - y) / unit
    p = d / unit
    for held in x:
        p *= d / unit / (n * held)
    found = kernels()["sold_for"](float(x[0]), float(x[1]), p, float(n * a), amount / unit)
    assert found == pytest.approx(exact, rel=1e-13)
    back = kernels()["cost_of"](float(x[0]), float(x[1]), p, float(n * a), exact)
    # Where the other coin is nearly gone its price is all in the last digits of what is left.
    assert back == pytest.approx(amount / unit, rel=1e-12 * max(1.0, x[1] / (x[1] - exact)) ** 2)


def _balance(x: list[int], d: int, a: int) -> int:
    from tests.reference.stableswap import least_balance

    return least_balance(1, x, d, a)


@given(st.data())
def test_the_invariant_has_fourteen_digits(data: Any) -> None:
    draw = data.draw
    places = tuple(draw(st.lists(st.sampled_from((6, 18)), min_size=2, max_size=4)))
    raw = [int(10.0 ** draw(st.floats(3.0, 6.0)) * 10**n) for n in places]
    twin = StablePool(places, draw(st.integers(1, 5_000)), 0, raw=raw)
    exact = root(twin.scaled(), twin.a)
    assert Model(twin).invariant() == pytest.approx(exact, rel=1e-14)
