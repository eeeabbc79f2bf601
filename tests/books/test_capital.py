"""What a hedge ties up, by the definitions, path by path without arrays."""

from __future__ import annotations

import math

import pytest

from simulator.books.keeper import Books
from simulator.config import load
from simulator.model.world import ModelWorld
from simulator.results.registry import BY_NAME
from simulator.types import Floats
from simulator.world.base import World
from tests.books.watched import Watch, ended, run


def found(world: ModelWorld, books: Books) -> tuple[Floats, Floats]:
    """Both metrics, ``[paths]``."""
    run = ended(world, books)
    return BY_NAME["capital_efficiency"].of(run), BY_NAME["margin_to_nav"].of(run)


class _Plain(Watch):
    """Notional and initial margin of the vault alone, whatever others hold."""

    def __init__(self, path: int) -> None:
        self.path = path
        self.notional = self.margin = 0.0
        self.shares: list[float] = []

    def stepped(self, step: int, world: World) -> None:
        i, state, terms = self.path, world.observe(), world.protocol
        price = [float(world.market.oracle_price[a, step, i]) for a in range(len(terms.assets))]
        margin = 0.0
        for account in range(1 + terms.markets if terms.vault.isolated else 1):
            margin += terms.clearing.initial_multiple * float(state.maintenance[account, i])
            for m, market in enumerate(terms.clearing.markets):
                self.notional += abs(float(state.size[account, m, i])) * price[market.asset]
        if terms.aave is not None:
            # What LTV asks for beyond the debt, where M is what the threshold asks for beyond it.
            beyond = 1 / terms.aave.ltv - 1
            margin += (
                beyond
                / (1 / terms.aave.liquidation_threshold - 1)
                * float(state.aave_maintenance[0, i])
            )
            for number, leg in enumerate(terms.aave.legs):
                self.notional += float(state.aave_debt[number, i]) * price[leg.reserve.asset]
        self.margin += margin
        if margin > 0.0:
            self.shares.append(margin / float(state.nav[i]))


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("calm", ["clearing.margin=isolated"]),
        ("calm", ["clearing.margin=portfolio"]),
        ("aave-hedge", []),
    ],
)
def test_efficiency_is_the_notional_over_the_initial_margin_it_needs(
    name: str, overrides: list[str]
) -> None:
    config = load(name, ["paths=2", "horizon_hours=48", "shocks=[]", *overrides])
    world, books, watching = run(config, lambda *_: [_Plain(0), _Plain(1)])
    efficiency, share = found(world, books)
    others = slice(1 + world.protocol.markets, None)
    assert (world.observe().size[others] != 0.0).any()  # which are not the vault's
    for path, plain in enumerate(watching):
        assert plain.margin > 0.0
        assert efficiency[path] == pytest.approx(plain.notional / plain.margin, rel=1e-12)
        mean = sum(plain.shares) / len(plain.shares)
        assert share[path] == pytest.approx(mean, rel=1e-12)


def test_who_never_hedges_ties_nothing_up() -> None:
    config = load("calm", ["paths=1", "horizon_hours=12", "agents.risk_manager=null"])
    world, books, _ = run(config, lambda *_: [])
    efficiency, share = found(world, books)
    assert math.isnan(efficiency[0])
    assert math.isnan(share[0])
