"""Rules of the venue's own people: funds, depth, covariance, pause."""

from __future__ import annotations

from tests.reference.clearing import covariance, trading
from tests.reference.clearing.state import Ledger
from tests.stateful.draws import Draw
from tests.stateful.genesis import USDC
from tests.stateful.people import MARKETS, Arguments, who
from tests.stateful.world import World

# ----------------------------------------------------------------------------- the venue's people


def propose_fund_venue(world: World, draw: Draw) -> Arguments:
    return [
        draw.pick(["insurance", "maker"]),
        draw.amount(10_000 * 10**6),
        draw.integer(0, MARKETS - 1),
    ]


def run_fund_venue(world: World, which: str, raw: int, m: int) -> None:
    def fund(ledger: Ledger) -> None:
        ledger.held[0] += raw
        if which == "maker":
            ledger.markets[m].maker_cash += raw * ledger.cash_unit
        else:
            ledger.insurance_fund += raw * ledger.cash_unit

    donor = who(world, "donor")
    if world.system.balance(USDC, donor) < raw:
        return
    if which == "maker":
        world.predicted(fund, (), donor, "fund_maker(uint256,uint256)", m, raw)
    else:
        world.predicted(fund, (), donor, "fund_insurance(uint256)", raw)


def propose_set_skew_scale(world: World, draw: Draw) -> Arguments:
    m = draw.integer(0, MARKETS - 1)
    scale = world.ledger.terms[m].skew_scale
    return [m, scale * draw.integer(50, 200) // 100 if draw.chance(70) else scale]


def run_set_skew_scale(world: World, m: int, scale: int) -> None:
    manager = world.system.venue_manager
    world.predicted(
        trading.set_skew_scale, (m, scale), manager, "set_skew_scale(uint256,uint256)", m, scale
    )


def propose_post_covariance(world: World, draw: Draw) -> Arguments:
    return [draw.integer(0, 6_000_000) for _ in range(5)]


def run_post_covariance(world: World, *volatilities: int) -> None:
    """One common factor and one of its own for each asset; USDC has a tenth."""
    rows = []
    for i, volatility in enumerate(volatilities):
        size = volatility // 10 if i == 0 else volatility
        row = [0] * 8
        row[0], row[1 + i] = size, size // 2
        rows.append(tuple(row))

    flat = [entry for row in rows for entry in row]
    world.predicted(
        covariance.post, (rows,), world.system.venue_manager,
        "post_covariance(int32[8][])", 32, len(rows), *flat,
    )  # fmt: skip


def propose_pause_venue(world: World, draw: Draw) -> Arguments:
    return [0 if world.ledger.paused else int(draw.chance(30))]


def run_pause_venue(world: World, paused: int) -> None:
    def switch(ledger: Ledger) -> None:
        ledger.paused = bool(paused)

    s = world.system
    sender, name = (s.guardian, "pause()") if paused else (s.owner, "unpause()")
    world.predicted(switch, (), sender, name)
