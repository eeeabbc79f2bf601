"""What an agent sees of one path of a world, in plain Python."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from simulator.agents.axes import A_NUMBER, there_are, unseen
from simulator.agents.base import View
from simulator.agents.do import Borrower, Loan, Margin, Position, Vault
from simulator.model.batch import at
from simulator.model.kernel.jit import kernel, often
from simulator.model.kernel.plain import plain
from simulator.model.kernel.record import Paths
from simulator.model.outside import moved_by
from simulator.model.parameters import tables_of
from simulator.model.pools.held import fee
from simulator.model.pools.uniswap_v3.tick import (
    amounts_for_liquidity,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from simulator.model.vault.at_index import value_at_index
from simulator.model.vault.protecting import Due, due, reward
from simulator.model.verbs import WHOLE_SHARE
from simulator.model.worth import worth_at_index
from simulator.types import InputError
from simulator.world.actions import ACTIONS
from simulator.world.gas import GAS_UNITS

if TYPE_CHECKING:
    from simulator.world.base import Observation, World


_value_at_index_of, _due_of, _reward_of = value_at_index, due, reward
_moved_by_of, _worth_of, _fee_of = moved_by, worth_at_index, fee


@often
@kernel
def _value_at_index(paths: Paths, path: int) -> float:
    return _value_at_index_of(at(paths, path))


@often
@kernel
def _moved_by(paths: Paths, path: int, asset: int, tokens: float) -> float:
    return _moved_by_of(at(paths, path), asset, tokens)


@often
@kernel
def _fee(paths: Paths, path: int) -> float:
    return _fee_of(at(paths, path))


@often
@kernel
def _worth(paths: Paths, path: int, agent: int) -> float:
    return _worth_of(at(paths, path), agent)


@often
@kernel
def _waiting(paths: Paths, path: int, agent: int) -> float:
    return at(paths, path).state.vault.request[agent] / WHOLE_SHARE


@often
@kernel
def _due(paths: Paths, path: int) -> tuple[float, ...]:
    return _due_of(at(paths, path))


@often
@kernel
def _reward(paths: Paths, path: int, kind: int, protected: float) -> float:
    return _reward_of(at(paths, path), kind, protected)


class Looked(Protocol):
    """A world whose paths can be looked at as records of the model."""

    def look(self) -> Paths:
        """All of them as they are now."""


class Sights:
    """What one agent sees of one path of any world: of now, in whole tokens, USD, fractions.

    Attributes:
        agent: its own index.
        account: its own margin account; -1: none.
        step: of the run.
        w: ``w.tables`` holds the protocol's parameters as the model's kernels have them.
    """

    def __init__(self, world: World, agent: int, path: int = 0) -> None:
        self.agent = agent
        slot = world.protocol.agents[agent]
        self.account = world.protocol.account_of(agent) if slot.has_account else -1
        self.w: Any = SimpleNamespace(tables=plain(tables_of(world.protocol).record[0]))
        self._world, self._path = world, path
        self._known: dict[str, range] = {}  # indices that there are
        self.begin(0)

    def begin(self, step: int) -> None:
        """The market moved to ``step``."""
        self.step = step
        self._view = View(step, self._world.market, self._world.protocol, self._world)

    @property
    def _state(self) -> Observation:
        return self._world.observe()

    # ------------------------------------------------------------------------- the market, itself

    @property
    def seconds(self) -> float:
        """Since the start."""
        return float(self._view.seconds)

    def index(self, asset: int) -> float:
        """Index price, USD."""
        self._there_is("index", "asset", asset)
        return self._view.index(asset)[self._path]

    def oracle(self, asset: int) -> float:
        """Last oracle round, USD."""
        self._there_is("oracle", "asset", asset)
        return self._view.oracle(asset)[self._path]

    def moved_by(self, asset: int, tokens: float) -> float:
        """Factor on its index if so many more tokens were bought outside (< 0: sold)."""
        self._there_is("moved_by", "asset", asset)
        if self._world.protocol.impact is None:
            return 1.0
        return _moved_by(self._records(), self._path, int(asset), float(tokens))

    def gas_cost(self, kind: int) -> float:
        """USD one action of a kind (``CODE``) costs in gas now."""
        self._there_is("gas_cost", "kind", kind)
        return GAS_UNITS[ACTIONS[kind - 1]] * self._world.market.gas_usd[self.step, self._path]

    @property
    def noise_swap(self) -> float:
        """USD of uninformed flow in the pool; > 0 buys the base asset."""
        return self._world.market.noise_swap[self.step, self._path]

    def noise_trade(self, market: int) -> float:
        """USD of uninformed flow on a market; > 0 buys."""
        self._there_is("noise_trade", "market", market)
        return self._world.market.noise_trade[market, self.step, self._path]

    @property
    def deposit_flow(self) -> float:
        """Part of the opening deposit that comes, or (< 0) of the shares that leaves."""
        return self._world.market.deposit_flow[self.step, self._path]

    # ---------------------------------------------------------------------------- pools and wallet

    @property
    def pool_price(self) -> float:
        """Spot price of the pool, USDC per whole base token."""
        return self._view.pool_price[self._path]

    @property
    def pool_liquidity(self) -> float:
        """Active liquidity of the pool: √(whole base · whole USDC)."""
        return self._view.pool_liquidity[self._path]

    @property
    def pool_fee(self) -> float:
        """Fee of a small swap in the pool now, fraction."""
        if self._world.protocol.stable is None:
            return float(self.w.tables.pool.fee_ppm * 1e-6)
        return _fee(self._records(), self._path)

    @property
    def tick(self) -> float:
        """Tick of the pool's price, whole."""
        return tick_at_sqrt_price(float(self._state.sqrt_price[self._path]))

    @property
    def positions(self) -> int:
        """How many positions in the pool it holds."""
        protocol = self._world.protocol
        first = protocol.first_position(self.agent)
        own = slice(first, first + protocol.agents[self.agent].positions)
        return int(np.count_nonzero(self._state.provided[own, self._path]))

    def position(self, position: int) -> Position:
        """A position of its own in the pool, by its number, at the spot price."""
        self._there_is("position", "position", position)
        if position >= self.positions:
            return Position(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        state = self._state
        at = self._world.protocol.first_position(self.agent) + position, self._path
        lower, upper = float(state.provided_lower[at]), float(state.provided_upper[at])
        base, usdc = amounts_for_liquidity(
            float(state.sqrt_price[self._path]),
            sqrt_price_at_tick(lower),
            sqrt_price_at_tick(upper),
            float(state.provided[at]),
        )
        unit = self.w.tables.oracle.unit
        return Position(
            state.provided[at],
            lower,
            upper,
            base / unit[1],
            usdc / unit[0],
            state.provided_fees_base[at],
            state.provided_fees_usdc[at],
        )

    def worth(self) -> float:
        """USD of all it has at index prices: wallet, positions with fees, account, vault shares."""
        return _worth(self._records(), self._path, self.agent)

    def leg_price(self, leg: int) -> float:
        """Spot price of a leg's pool on Aave, USDC per whole token."""
        self._there_is("leg_price", "leg", leg)
        return self._view.leg_price(leg)[self._path]

    def leg_liquidity(self, leg: int) -> float:
        """Its liquidity, the same over its one range: √(whole asset · whole USDC)."""
        self._there_is("leg_liquidity", "leg", leg)
        return self._view.leg_liquidity(leg)

    @property
    def wallet_usdc(self) -> float:
        """USDC in its wallet."""
        return self._state.wallet_usdc[self.agent, self._path]

    @property
    def wallet_base(self) -> float:
        """Whole base tokens in its wallet."""
        return self._state.wallet_base[self.agent, self._path]

    def wallet_leg(self, leg: int) -> float:
        """Whole tokens of a leg's asset in its wallet."""
        self._there_is("wallet_leg", "leg", leg)
        return self._state.wallet_leg[self.agent, leg, self._path]

    @property
    def wallet_shares(self) -> float:
        """Whole shares in its wallet."""
        return self._state.wallet_shares[self.agent, self._path]

    # --------------------------------------------------------------------------------------- venue

    def size(self, account: int, market: int) -> float:
        """Position of an account, base units."""
        self._there_is("size", "account", account)
        self._there_is("size", "market", market)
        return self._state.size[account, market, self._path]

    def cash(self, account: int) -> float:
        """Settled balance of an account, USDC."""
        self._there_is("cash", "account", account)
        return self._state.cash[account, self._path]

    def collateral(self, account: int, number: int) -> float:
        """Collateral of an account, whole tokens; 0 of USDC, which is its cash (``cash``)."""
        self._there_is("collateral", "account", account)
        self._there_is("collateral", "collateral", number)
        return self._state.collateral[account, number, self._path]

    def skew(self, market: int) -> float:
        """Base units."""
        self._there_is("skew", "market", market)
        return self._state.skew[market, self._path]

    def skew_scale(self, market: int) -> float:
        """Base units."""
        self._there_is("skew_scale", "market", market)
        return self._state.skew_scale[market, self._path]

    def premium_pool(self, market: int) -> float:
        """USDC paid for the skew and not yet earned by taking it back."""
        self._there_is("premium_pool", "market", market)
        return self._state.premium_pool[market, self._path]

    def unpaid_premium(self, market: int) -> float:
        """Base units squared, of the skew's potential what liquidations could not pay for."""
        self._there_is("unpaid_premium", "market", market)
        return self._state.unpaid_premium[market, self._path]

    def funding(self, market: int) -> tuple[float, float]:
        """Funding rate a day and index, USD per unit of size, accrued up to now."""
        self._there_is("funding", "market", market)
        state, path = self._state, self._path
        return state.funding_rate[market, path], state.funding_index[market, path]

    def margin_of(self, account: int) -> Margin:
        """Value, equity and maintenance of an account, USD."""
        self._there_is("margin_of", "account", account)
        state, at = self._state, (account, self._path)
        return Margin(state.account_value[at], state.equity[at], state.maintenance[at])

    def loan(self) -> Loan:
        """The vault's account on Aave: USDC supplied, equity and maintenance in USD."""
        state, at = self._state, (0, self._path)
        return Loan(state.aave_supplied[at], state.aave_equity[at], state.aave_maintenance[at])

    def debt(self, leg: int) -> float:
        """What it owes of a leg's asset, base units."""
        self._there_is("debt", "leg", leg)
        return self._state.aave_debt[leg, self._path]

    # ----------------------------------------------------------------------------------- borrowers

    def borrower(self, borrower: int) -> Borrower:
        """A borrower of the lending market at the oracle's prices."""
        self._there_is("borrower", "borrower", borrower)
        state, at = self._state, (borrower, self._path)
        return Borrower(
            state.borrower_collateral[at], state.borrower_debt[at], state.borrower_health[at]
        )

    def supplied_by(self, borrower: int, listing: int) -> float:
        """What a borrower has supplied of a listing, whole tokens."""
        self._there_is("supplied_by", "listing", listing)
        self._there_is("supplied_by", "borrower", borrower)
        return self._state.borrower_supplied[borrower, listing, self._path]

    def owed_by(self, borrower: int, listing: int) -> float:
        """What a borrower owes of a listing, whole tokens."""
        self._there_is("owed_by", "listing", listing)
        self._there_is("owed_by", "borrower", borrower)
        return self._state.borrower_owed[borrower, listing, self._path]

    def wallet_listed(self, listing: int) -> float:
        """Whole tokens of a listing's asset in its wallet."""
        self._there_is("wallet_listed", "listing", listing)
        lending = self._world.protocol.lending
        assert lending is not None  # there is such a listing
        asset = lending.listings[listing].asset
        if asset <= 1:
            return self.wallet_base if asset else self.wallet_usdc
        return self._state.wallet_other[self.agent, lending.others.index(asset), self._path]

    # --------------------------------------------------------------------------------------- vault

    def vault(self) -> Vault:
        """The vault valued at the oracle's prices."""
        state, path = self._state, self._path
        held = state.lp_base, state.lp_usdc, state.fees_base, state.fees_usdc
        return Vault(state.nav[path], *(amount[path] for amount in held))

    @property
    def liquidity(self) -> float:
        """L of the vault's position, raw."""
        return self._state.liquidity[self._path]

    @property
    def shares(self) -> float:
        """Whole shares of the vault, all."""
        return self._state.shares[self._path]

    @property
    def queued_shares(self) -> float:
        """Whole shares waiting in the queue."""
        return self._state.queued_shares[self._path]

    @property
    def waiting_shares(self) -> float:
        """Whole shares of its own waiting in the queue."""
        return _waiting(self._records(), self._path, self.agent)

    @property
    def idle_usdc(self) -> float:
        """USDC not placed."""
        return self._state.idle_usdc[self._path]

    @property
    def idle_base(self) -> float:
        """Whole base tokens not placed."""
        return self._state.idle_base[self._path]

    def beta(self, market: int) -> float:
        """USD short per USD of LP delta, as posted."""
        self._there_is("beta", "market", market)
        return self._state.betas[market, self._path]

    def value_at_index(self) -> float:
        """What the vault holds at index prices, USD: its NAV, were the oracle never late."""
        return _value_at_index(self._records(), self._path)

    def due(self) -> Due:
        """USD of value that each of the vault's keeper functions would protect; 0: not due."""
        return Due(*_due(self._records(), self._path))

    def reward(self, kind: int, protected: float) -> float:
        """USD that a call of it which protects so much is paid."""
        self._there_is("reward", "kind", kind)
        return _reward(self._records(), self._path, int(kind), float(protected))

    def _there_is(self, sight: str, axis: str, index: int) -> None:
        """Refuse an index of nothing, which of an array may be one from its end."""
        if not isinstance(index, int | np.integer):
            raise InputError(f"do.{sight} is given {index!r} for {axis}; allowed: {A_NUMBER}")
        if axis not in self._known:
            name = self._world.protocol.agents[self.agent].name
            self._known[axis] = there_are(axis, self._world.protocol, name)
        if not 0 <= index - self._known[axis].start < len(self._known[axis]):
            who = self._world.protocol.agents[self.agent].name
            raise InputError(unseen(sight, who, axis, index, self._world.protocol))

    def _records(self) -> Paths:
        """For what the model's formulas say of the path."""
        return cast("Looked", self._world).look()
