"""The protocol as deployed: every number both worlds are built from.

Resolved once from a configuration (:func:`simulator.config.resolve`); nothing here reads YAML and
nothing below reads a configuration. Fractions are plain floats (0.05 = 5 %), prices USD per whole
token, durations seconds, ``raw`` = integer token units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from simulator.protocol.clearing import (
    ClearingParameters,
    CollateralParameters,
    MarketParameters,
)
from simulator.protocol.impact import ImpactTerms
from simulator.protocol.lending import LendingTerms, ReserveParameters
from simulator.protocol.oracle import FeedParameters
from simulator.protocol.pool import PoolTerms, StableTerms
from simulator.protocol.population import BorrowersTerms, TradersTerms
from simulator.protocol.vault import VaultParameters
from simulator.world.lending import LendingMarket

if TYPE_CHECKING:
    from simulator.types import Floats

__all__ = [
    "FACTOR_COLUMNS",
    "FACTOR_SCALE",
    "AaveLeg",
    "AaveParameters",
    "AgentSlot",
    "BackgroundRange",
    "ClearingParameters",
    "CollateralParameters",
    "Crowd",
    "ImpactParameters",
    "LendingMarket",
    "MarketParameters",
    "PoolParameters",
    "Protocol",
    "ReserveParameters",
    "StableParameters",
    "Token",
    "VaultParameters",
    "lag_spread",
    "skew_bound",
]

# A number, or an array of them.
T = TypeVar("T", "float", "Floats")

# The covariance factor the ClearingHouse stores (contracts/SPEC.md §3.1): columns, and the integer
# that stands for a standard deviation of 100 % a day.
FACTOR_COLUMNS = 8
FACTOR_SCALE = 10**8
# What StableSwap counts as a fee of everything.
STABLE_FEE_ONE = 10**10


def lag_spread(deviation: float, taker_fee: float) -> float:
    """Least half spread at which an index that moves once by ``deviation`` pays for no round trip.

    h with (1 - h)(1 - f) = (1 - d)(1 + h)(1 + f): of a fall; the same rise costs more.
    """
    far = 2.0 - deviation
    return max(deviation - taker_fee * far, 0.0) / (far - taker_fee * deviation)


def skew_bound(skew_scale: T, gross_floor: float, maintenance_rate: float) -> T:
    """B of contracts/SPEC.md §3.3, in the unit of ``skew_scale``: K·φ·mmr/2.

    No market takes a skew beyond S, the lesser of B and its ``max_skew`` (§3.5).
    """
    return skew_scale * (0.5 * gross_floor * maintenance_rate)


@dataclass(frozen=True)
class Token:
    """An asset of the simulation; ``price`` is the index price at the start."""

    symbol: str
    decimals: int
    price: float


#: Built-in agents by their names in the configuration, in block order: depositors, who takes back
#: the skew of the block before (within a block it earns nothing), the uninformed, those who live
#: off them, the vault's keeper last. One that is not among them acts after them, by its name.
AGENT_KINDS = (
    "depositor",
    "perp_arbitrageur",
    "jit_lp",
    "noise_trader",
    "leveraged_long",
    "leveraged_short",
    "amm_arbitrageur",
    "leg_arbitrageur",
    "latency_arbitrageur",
    "flash_borrower",
    "oracle_pusher",
    "withdrawal_griefer",
    "risk_manager",
    "breakdown_monitor",
    "adl_gamer",
    "liquidation_hunter",
    "liquidator",
    "borrower_liquidator",
    "sandwicher",
    "passive_lp",
    "keeper",
)


#: Most steps that an agent's orders may wait.
MOST_LATENCY = 100
#: Most positions in the pool that an agent may hold.
MOST_POSITIONS = 8


@dataclass(frozen=True)
class AgentSlot:
    """One actor: its wallet, and its margin account if it trades perps.

    ``usdc``, ``base``: whole tokens in the wallet at the start. ``margin``: whole tokens of each
    collateral (same order as ``Protocol.collaterals``) already posted at the start. ``hedge``:
    whole tokens of each leg's asset on Aave in the wallet, () = none; ``listed``: more of each of
    ``LendingMarket.others``. ``kind``: the built-in agent it is, "" = none of them.
    ``latency_blocks``: steps that pass until what it decides is carried out
    (:mod:`simulator.engine.latency`), at most :data:`MOST_LATENCY`. ``metrics``: what it remembers
    that is a metric of each path, by its names for it.
    ``trades_outside``: whether what its holdings of an asset change by it trades outside the other
    way, at the index: an arbitrageur, who wants no position. ``positions``: how many in the pool it
    may hold at once, at most :data:`MOST_POSITIONS`.
    """

    name: str
    usdc: float
    base: float
    has_account: bool
    margin: tuple[float, ...] = ()
    hedge: tuple[float, ...] = ()
    listed: tuple[float, ...] = ()
    kind: str = ""
    latency_blocks: int = 0
    metrics: tuple[str, ...] = ()
    trades_outside: bool = False
    positions: int = 0

    def is_called(self, name: str) -> bool:
        """Whether a configuration means it by a name: cohorts by what they are of."""
        return name in (self.name, self.kind)

    @property
    def columns(self) -> tuple[str, ...]:
        """What its metrics are called in the frame of paths."""
        return tuple(f"{self.name}_{name}" for name in self.metrics)


@dataclass(frozen=True)
class BackgroundRange:
    """Passive liquidity between two initialised ticks; ``liquidity`` is raw L."""

    tick_lower: int
    tick_upper: int
    liquidity: int


@dataclass(frozen=True)
class PoolParameters(PoolTerms):
    """A Uniswap v3 pool base/USDC: token0 = base, token1 = USDC."""

    sqrt_price_x96: int
    background: tuple[BackgroundRange, ...]

    @property
    def initialised_ticks(self) -> tuple[int, ...]:
        """Ends of background ranges, ascending, each once."""
        return tuple(sorted({e for r in self.background for e in (r.tick_lower, r.tick_upper)}))


@dataclass(frozen=True)
class StableParameters(StableTerms):
    """A StableSwap of the base asset (coin 0) and USDC (coin 1), which is the vault's pool then.

    ``opening``: raw balances that others have put in when a run begins, by coin.
    """

    opening: tuple[int, int]

    @property
    def fee_raw(self) -> int:
        """The fee at the peg, 10⁻¹⁰."""
        return round(self.fee * STABLE_FEE_ONE)

    @property
    def off_peg_raw(self) -> int:
        """The multiplier, 10⁻¹⁰."""
        return round(self.off_peg_multiplier * STABLE_FEE_ONE)


@dataclass(frozen=True)
class AaveLeg:
    """A hedge asset that is borrowed and sold: in place of ``market`` of the ClearingHouse."""

    market: int
    reserve: ReserveParameters
    pool: PoolParameters  # asset/USDC: token0 = the asset; one background range


@dataclass(frozen=True)
class AaveParameters(LendingTerms):
    """Aave v3 as the second hedge venue (contracts/SPEC.md §4.8)."""

    usdc: ReserveParameters
    legs: tuple[AaveLeg, ...]


@dataclass(frozen=True)
class Crowd:
    """Leveraged positions elsewhere, all alike but for size and leverage.

    Attributes:
        name: what columns call it.
        asset: whose price they go by.
        side: 1: they are closed when it falls, −1: when it rises.
        terms: how they are spread; borrowers are liquidated at the oracle's price, traders at the
            index.
    """

    name: str
    asset: int
    side: int
    terms: TradersTerms | BorrowersTerms

    @property
    def at_oracle(self) -> bool:
        """Whether the oracle's price decides."""
        return isinstance(self.terms, BorrowersTerms)


@dataclass(frozen=True)
class ImpactParameters(ImpactTerms):
    """The market outside, and the feeds that carry its prices, by asset.

    Attributes:
        depth: USD at the price of the start that move it by 1 %; 0: no flow moves it.
        heartbeat: seconds after which a round is posted; 0: rounds are recorded ones.
        lag: steps by which the price of a round is old.
        native: asset that gas is paid in; -1: none of these.
        special: of rounds, (asset, step, what :func:`simulator.config.rounds.rounds_of` says of
            them from then on).
        crowds: who else is forced to trade there.
        feedback: whether what liquidations make somebody trade there moves it; without, the same
            people fall by the same rules in a market that does not feel them.
    """

    depth: tuple[float, ...]
    heartbeat: tuple[float, ...]
    lag: tuple[int, ...]
    native: int
    special: tuple[tuple[int, int, float], ...]
    crowds: tuple[Crowd, ...] = ()
    feedback: bool = True


@dataclass(frozen=True)
class Congestion:
    """When an agent acts only while gas costs no more than it bids.

    ``agent``: by name; ``first``, ``end``: from which step to which (not part of it). ``native``:
    the asset that gas is paid in, None: USD. ``bid``: whole tokens of it per unit of gas.
    """

    agent: str
    first: int
    end: int
    native: int | None
    bid: float


@dataclass(frozen=True)
class Halt:
    """When a venue stands still, from step ``first`` to ``end`` (not part of it).

    ``venue``: chain, where nobody acts at all; perps, whose guardian pauses it; aave, of which
    every reserve of the borrowers is paused.
    """

    venue: str
    first: int
    end: int


#: A bit for each venue that refuses calls where it stands still; of a chain nobody calls.
HALTED = {"perps": 1, "aave": 2}


@dataclass(frozen=True)
class Protocol:
    """Everything a world needs to come into being.

    ``assets[0]`` is USDC, ``assets[1]`` the pool's base asset. Accounts are indexed: 0 = the
    vault's cross account, 1 … M = its isolated accounts, then one per agent slot with
    ``has_account`` in order. ``feeds`` are by asset. ``aave``: None where the vault hedges at the
    ClearingHouse alone. ``lending``: None where nobody borrows. ``impact``: None where no flow
    moves an index. ``outages``: an agent's name, and from which step to which (not part of it) it
    does nothing. ``congestions``: when agents may be outbid. ``halts``: when a venue stands still.
    ``stable``: the StableSwap that is the vault's pool, then ``pool`` is there in nothing but its
    first price; None: ``pool``, of Uniswap v3, is.
    """

    assets: tuple[Token, ...]
    feeds: tuple[FeedParameters, ...]
    pool: PoolParameters
    clearing: ClearingParameters
    vault: VaultParameters
    agents: tuple[AgentSlot, ...]
    aave: AaveParameters | None = None
    lending: LendingMarket | None = None
    impact: ImpactParameters | None = None
    stable: StableParameters | None = None
    outages: tuple[tuple[str, int, int], ...] = ()
    congestions: tuple[Congestion, ...] = ()
    halts: tuple[Halt, ...] = ()

    def is_down(self, agent: int, step: int) -> bool:
        """Whether an agent is down at a step, on every path."""
        slot = self.agents[agent]
        named = (first <= step < end for who, first, end in self.outages if slot.is_called(who))
        return any(named) or any(
            halt.first <= step < halt.end for halt in self.halts if halt.venue == "chain"
        )

    def halted(self, step: int) -> int:
        """Which venues refuse calls at a step, a bit of :data:`HALTED` each."""
        found = 0
        for halt in self.halts:
            if halt.first <= step < halt.end:
                found |= HALTED.get(halt.venue, 0)
        return found

    @property
    def cohorts(self) -> dict[str, list[str]]:
        """Names of agents that are several of one kind, by that."""
        found: dict[str, list[str]] = {}
        for slot in self.agents:
            found.setdefault(slot.kind, []).append(slot.name)
        return {kind: names for kind, names in found.items() if kind and names[:1] != [kind]}

    @property
    def markets(self) -> int:
        """Number of perp markets M."""
        return len(self.clearing.markets)

    @property
    def leg_of(self) -> dict[int, int]:
        """The leg on Aave that hedges in place of a market, by market."""
        legs = self.aave.legs if self.aave is not None else ()
        return {leg.market: index for index, leg in enumerate(legs)}

    @property
    def accounts(self) -> int:
        """Number of margin accounts N."""
        return 1 + self.markets + sum(slot.has_account for slot in self.agents)

    @property
    def providers(self) -> tuple[int, ...]:
        """Agents that may hold positions in the pool."""
        return tuple(agent for agent, slot in enumerate(self.agents) if slot.positions)

    def first_position(self, agent: int) -> int:
        """Which of all agents' positions in the pool is the first of an agent's."""
        return sum(slot.positions for slot in self.agents[:agent])

    @property
    def risk_assets(self) -> tuple[int, ...]:
        """Assets in the order of the covariance factor's rows (contracts/SPEC.md §3.1).

        USDC, then the markets' assets as added, then the collaterals', each once.
        """
        clearing = self.clearing
        listed = (0, *(m.asset for m in clearing.markets), *(c.asset for c in clearing.collaterals))
        return tuple(dict.fromkeys(listed))

    def half_spread(self, market: int) -> float:
        """Half the spread that a market charges (contracts/SPEC.md §3.3).

        At least what makes a round trip across one push of its feed a loss.
        """
        terms = self.clearing.markets[market]
        lag = lag_spread(self.feeds[terms.asset].deviation, terms.taker_fee)
        return max(terms.half_spread, lag)

    def account_of(self, agent: int) -> int:
        """Account index of agent ``agent``; raises ValueError when it has none."""
        if not self.agents[agent].has_account:
            raise ValueError(f"agent {self.agents[agent].name!r} has no margin account")
        return 1 + self.markets + sum(slot.has_account for slot in self.agents[:agent])
