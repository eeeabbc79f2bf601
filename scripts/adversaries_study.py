"""What each adversary gains and what it costs the vault: paired runs, and where it starts to pay.

An adversary acts alone among the others of the scenario ``adversaries``. Its profit is its own
column (``<agent>_profit``); the damage is the vault's profit and loss on the same paths with it
less without it. :mod:`scripts.adversaries_page` writes it down;
``tests/agents/test_adversaries.py`` holds the ends of every sweep.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

import simulator
from simulator.config import load
from simulator.types import Floats

SCENARIO = "adversaries"
NAMES = (
    *("sandwicher", "flash_borrower", "oracle_pusher"),
    *("withdrawal_griefer", "adl_gamer", "liquidation_hunter"),
)
BTC = "clearing.markets.BTC."
#: Halvings of the logarithm of a range until a break-even is known well enough.
_HALVINGS = 9
_NORMAL = 1.96


@dataclass(frozen=True)
class Mean:
    """A mean over paths and half of its 95 % interval, USD."""

    value: float
    half: float

    @staticmethod
    def of(values: Floats) -> Mean:
        """Of one value a path."""
        return Mean(float(values.mean()), _NORMAL * float(values.std()) / math.sqrt(values.size))

    def __str__(self) -> str:
        return f"{self.value:+,.0f} ± {self.half:,.0f}"


@dataclass(frozen=True)
class Case:
    """A sweep of one term: at ``pays_at`` the adversary pays, at ``idle_at`` it does not.

    Attributes:
        agent: whose.
        title: what of it.
        term: what is swept, in words.
        sweep: the settings it is, with ``{x}`` for its value.
        pays_at, idle_at: ends of the range.
        settings: what is set besides, alike in every run of it.
        against: settings of the run, of one who does not attack, that its profit is counted
            against; (): against nothing.
        scenario: where.
    """

    agent: str
    title: str
    term: str
    sweep: tuple[str, ...]
    pays_at: float
    idle_at: float
    settings: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    scenario: str = SCENARIO

    def profit(self, x: float, paths: int) -> Mean:
        """What it gains at a value of the term."""
        swept = tuple(one.format(x=x) for one in self.sweep)
        found = profit_of(self.agent, self.scenario, (*self.settings, *swept), paths)
        if self.against:
            still = (*self.settings, *swept, *self.against)
            found = found - profit_of(self.agent, self.scenario, still, paths)
        return Mean.of(found)

    def break_even(self, paths: int, side: float = 0.0) -> float:
        """Where the mean (``side`` ±1: an end of its interval) passes zero; NaN: it pays nowhere.

        By bisection of the logarithm, on the same paths throughout.
        """

        def pays(x: float) -> bool:
            found = self.profit(x, paths)
            return found.value + side * found.half > 0.0

        if not pays(self.pays_at):
            return math.nan
        if pays(self.idle_at):
            return self.idle_at
        near, far = math.log(self.pays_at), math.log(self.idle_at)
        for _ in range(_HALVINGS):
            middle = 0.5 * (near + far)
            if pays(math.exp(middle)):
                near = middle
            else:
                far = middle
        return math.exp(0.5 * (near + far))


CASES = (
    Case(
        "sandwicher",
        "around a recentring",
        "the pool's deepest range, `pool.background.0.value_usd`",
        ("pool.background.0.value_usd={x:.6g}",),
        3e7,
        3e9,
    ),
    Case(
        "sandwicher",
        "around a rebalance, nothing to swap with",
        f"`{BTC}skew_scale_usd`",
        (BTC + "skew_scale_usd={x:.6g}",),
        2.5e7,
        2e8,
        (
            *("agents.sandwicher.usdc=0", "agents.sandwicher.base=0", "oracle.deviation=0.001"),
            *("vault.hedge_band=0.1", "vault.max_slippage=0.03", BTC + "half_spread=0.0005"),
            *(BTC + "maintenance_rate=0.1", BTC + "max_skew_usd=2.5e6"),
        ),
    ),
    Case(
        "flash_borrower",
        "calling `recenter` itself",
        "what the loan costs, `agents.flash_borrower.fee`",
        ("agents.flash_borrower.fee={x:.6g}",),
        1e-5,
        0.05,
    ),
    Case(
        "oracle_pusher",
        "of a market that keeps what is pushed",
        "the market outside, `impact.depth_usd.ETH`",
        ("impact.depth_usd.ETH={x:.6g}",),
        1e3,
        1e7,
        (
            *("impact.half_life_minutes=1e5", "impact.lasting=1"),
            *("pool.background.0.value_usd=5e6", "pool.background.1.value_usd=2e6"),
            *("vault.max_slippage=0.05", "vault.range_half_width_percent=50"),
            *("oracle.deviation=0.001", "vault.entry_fee=0.001", "vault.exit_fee=0.001"),
            *("agents.oracle_pusher.usdc=3e6", "agents.oracle_pusher.stake=0.6"),
        ),
    ),
    Case(
        "withdrawal_griefer",
        "having others' exits settled",
        f"`{BTC}skew_scale_usd`",
        (BTC + "skew_scale_usd={x:.6g}",),
        1e7,
        4e7,
        (
            *("agents.withdrawal_griefer.holds_line=false", "oracle.deviation=0.0005"),
            *("vault.entry_fee=0.0005", "vault.exit_fee=0.0005", "vault.max_slippage=0.05"),
            *(BTC + "half_spread=0.0003", BTC + "taker_fee=0.0001", BTC + "max_skew_usd=4e6"),
            *(BTC + "maintenance_rate=0.2", "flow.deposits.flow_per_day=0.2"),
            *("shocks.0.fraction=0.6", "shocks.0.duration_hours=2"),
        ),
    ),
    Case(
        "liquidation_hunter",
        "of a vault that keeps next to no margin",
        "the market outside, `impact.depth_usd.BTC`",
        ("impact.depth_usd.BTC={x:.6g}", "agents.liquidation_hunter.margin_budget_usd=1e6"),
        1e3,
        2.2e7,
        (
            *("vault.margin_allocation=0.03", "vault.lp_allocation=0.95"),
            *("clearing.initial_multiple=1.5", "vault.margin_target=1.6"),
            *("vault.deleverage_ratio=1.1", "vault.top_up_ratio=1.2"),
            *(BTC + "skew_scale_usd=5e7", BTC + "max_skew_usd=2e6"),
        ),
        # Such a vault is liquidated without anybody pushing, too: what it gains by pushing.
        ("agents.liquidation_hunter.margin_budget_usd=0",),
    ),
)
#: Of the ADL gamer no term was found at which it pays: what it gains against standing still, by
#: when it flees, where trading costs next to nothing.
NOWHERE = Case(
    "adl_gamer",
    "against standing still, trading all but free",
    "`agents.adl_gamer.flees_below`",
    ("agents.adl_gamer.flees_below={x:.6g}",),
    0.25,
    3.0,
    (
        "agents.adl_gamer={margin: {USDC: 2.0e+5}, position_usd: -1.0e+6}",
        *("oracle.deviation=0.0005", "clearing.markets.ETH.half_spread=0.0001"),
        "clearing.markets.ETH.taker_fee=0.0",
    ),
    ("agents.adl_gamer.flees_below=0",),
    "liquidation-cascade",
)


def alone(agent: str, scenario: str = SCENARIO) -> tuple[str, ...]:
    """Settings under which no other adversary acts; of "" none at all."""
    if scenario != SCENARIO:
        return () if agent else ("agents.adl_gamer=null",)
    return tuple(f"agents.{other}=null" for other in NAMES if other != agent)


@functools.cache
def _ran(scenario: str, settings: tuple[str, ...], paths: int) -> simulator.Result:
    config = load(scenario, [*settings, f"paths={paths}"])
    return simulator.run(config, workers=1, record=1, allow=["never_hedged", "never_invested"])


def profit_of(agent: str, scenario: str, settings: tuple[str, ...], paths: int) -> Floats:
    """What an adversary gains ``[paths]``, USD, alone."""
    ran = _ran(scenario, (*alone(agent, scenario), *settings), paths)
    return np.asarray(ran.paths[f"{agent}_profit"], float)


def damage_of(agent: str, paths: int, settings: tuple[str, ...] = ()) -> Floats:
    """What the vault has more with it than without it ``[paths]``, USD."""
    having = _ran(SCENARIO, (*alone(agent), *settings), paths).paths["pnl"]
    without = _ran(SCENARIO, alone(""), paths).paths["pnl"]
    return np.asarray(having - without, float)


def recentrings(agent: str, paths: int) -> float:
    """Of a path, with it, on average."""
    return float(_ran(SCENARIO, alone(agent), paths).paths["recenters"].mean())
