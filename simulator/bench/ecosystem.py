"""Speed with everything around the vault there: crowds, a lending market, every built-in agent.

What a part takes is the difference of two loops over the same paths, one of them without it, each
on one core in its own time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.bench.row import WORKERS, Row, spent
from simulator.bench.worlds import side_by_side

if TYPE_CHECKING:
    from simulator.config import Config

SCENARIO = "lending-cascade"
#: What the scenario leaves out: who is leveraged elsewhere, a hedge on Aave, some agents.
ALL_ON = (
    "population.ETH={long: {open_interest_usd: 2e9}, borrowers: {collateral_usd: 1e9}}",
    "population.BTC={long: {open_interest_usd: 2e9}, short: {open_interest_usd: 2e9}}",
    "vault.venues={BTC: aave}",
    "aave={assets: {BTC: {supplied: 2000, pool_usd: 5e8}}}",
    "agents.leg_arbitrageur={usdc: 2e8, assets: {BTC: 5000}}",
    "agents.leveraged_long={margin: {USDC: 1e6}}",
    "agents.leveraged_short={margin: {USDC: 1e6}}",
    "agents.latency_arbitrageur={usdc: 1e6}",
    "agents.breakdown_monitor={beta_multiple: 1}",  # with nothing to answer by it is never asked
)
WITHOUT = {
    "lending": ("lending=null", "agents.borrower_liquidator=null"),
    "populations": ("population={}",),
    "impact": ("population={}", "impact=null"),
    "Aave": ("vault.venues={}", "aave=null", "agents.leg_arbitrageur=null"),
    "monitor": ("agents.breakdown_monitor=null",),
}
PATHS = 500
REPEATS = 3


def config_of(paths: int, *changes: str) -> Config:
    """The scenario with all of it on, but for what is changed."""
    from simulator.config import load

    return load(SCENARIO, [*ALL_ON, f"paths={paths}", *changes])


def rows() -> list[Row]:
    """Speed on every core with all of it, and what each part of it takes of a path-step."""
    steps = config_of(1).steps
    seconds = side_by_side(draw_and_simulate, PATHS)
    found = [
        Row(
            "ecosystem_path_steps_per_second",
            WORKERS * PATHS * steps / seconds,
            "1/s",
            ">= 500,000",
            f"market paths, populations, lending, Aave and every built-in agent, {WORKERS} cores",
        )
    ]
    draw, whole = nanoseconds()
    found += [
        Row("ecosystem_draw", draw, "ns", "", "drawing, of a path-step"),
        Row("ecosystem_loop", whole, "ns", "", "all agents, the model and all books"),
    ]
    for name, changes in WITHOUT.items():
        _, less = nanoseconds(*changes)
        what = f"of the loop, what goes with {name}"
        found.append(Row(f"ecosystem_{name.lower()}", whole - less, "ns", "", what))
    return found


def draw_and_simulate(first: int, paths: int) -> None:
    """Draw so many paths and run all agents over them."""
    from simulator.market.draw import draw
    from simulator.runner import Plan
    from simulator.runner.worlds import ran

    config = config_of(paths)
    ran(Plan(config, "model", (), 0), draw(config.market, first, paths), 0, None)


def nanoseconds(*changes: str) -> tuple[float, float]:
    """What drawing and the loop take of a path-step, the least of several on one core."""
    from simulator.market.draw import draw
    from simulator.runner import Plan
    from simulator.runner.worlds import ran

    config = config_of(PATHS, *changes)
    plan = Plan(config, "model", (), 0)
    market = draw(config.market, 0, PATHS)
    ran(plan, market.chunk(0, 2), 0, None)  # compiles
    drawing = min(spent(lambda: draw(config.market, 0, PATHS)) for _ in range(REPEATS))
    running = min(spent(lambda: ran(plan, market, 0, None)) for _ in range(REPEATS))
    each = 1e9 / (PATHS * config.steps)
    return drawing * each, running * each
