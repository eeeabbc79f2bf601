"""The contracts' stored words as a state of the model, so that its formulas can value them.

Agents look at every account's equity and at NAV after almost every action. Asking the contracts
each time takes as long as the transactions themselves, so in process what is derived is derived
from the stored words by the formulas of the model world. The contracts' own figures are what
``ChainWorld.reported`` returns, and ``hedgesim verify`` holds the model against those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.model.batch import NO_BOOK, blank
from simulator.model.kernel.record import View as Fields
from simulator.model.moments import read_market
from simulator.model.observe import ModelObservation
from simulator.model.parameters import tables_of
from simulator.model.state import STATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.market.paths import MarketPaths
    from simulator.model.kernel.record import Layout
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

    Groups = Callable[[str], Floats]

_OF_VAULT = frozenset(("nav", "lp_base", "lp_usdc"))
# Words of Lens.observe_lending before the legs (supplied, equity, maintenance), and for each leg
# (size, available, √P).
LOAN_WORDS, LEG_WORDS = 3, 3
WHOLE_SHARE = 1e18  # raw
HALF_TICK = 0.5 * np.log(1.0001)
# Fields of an Observation that are derived here.
DERIVED = _OF_VAULT | {
    *("funding_rate", "funding_index", "loss_long", "loss_short"),
    *("account_value", "equity", "maintenance"),
}


class Mirror:
    """A model state of the chain's paths, filled from groups of words in whole units."""

    def __init__(
        self,
        protocol: Protocol,
        market: MarketPaths,
        genesis: int,
        book: Layout = NO_BOOK,
        recorded: int = 0,
    ) -> None:
        self.tables = tables_of(protocol)
        self.paths = blank(self.tables, market.paths, book, recorded)
        self.state = Fields(self.paths.states, STATE, self.tables.counts)
        self._market = market
        self._genesis = genesis
        self._filled: dict[str, Floats] = {}
        # What was derived, as long as all it came from is as it was: of accounts, and of the vault.
        self.accounts: ModelObservation | None = None
        self.vault: ModelObservation | None = None
        self.advance(0)

    def advance(self, step: int) -> None:
        """Move to ``step``: the rounds the oracle has been given by then."""
        read_market(self.paths, self._market, step)
        if self.tables.counts.legs:
            self.state.aave.updated_at[:] = self.paths.moments["clock"]
        self.accounts = self.vault = None

    def observation(self) -> ModelObservation:
        """What the model makes of the state that is filled in now."""
        return ModelObservation(self.tables, self.paths, self.state)

    def view(self, group: Groups) -> View:
        """What follows from the words of ``group``, which must be those of now when first asked."""
        return View(self, group)

    def read_clearing(self, group: Groups) -> None:
        """Fill in the ClearingHouse, and the vault's position where that backs an account."""
        parts: list[tuple[str, Callable[[Floats], None]]] = [
            ("market", self._put_market),
            ("accrual", self._put_accrual),
            ("backstop", self._put_backstop),
            ("cash", self._put_cash),
            ("collateral", self._put_collateral),
            ("positions", self._put_positions),
        ]
        if self.state.clearing.covariance.size:
            parts.append(("covariance", self._put_covariance))
        if self.tables.view.clearing.pledged:
            parts.append(("place", self._put_place))
        if self._fill(group, parts):
            self.accounts = self.vault = None

    def read_vault(self, group: Groups) -> None:
        """Fill in the vault and its position, beside its accounts."""
        parts: list[tuple[str, Callable[[Floats], None]]] = [
            ("vault", self._put_vault),
            ("fees", self._put_fees),
            ("place", self._put_place),
        ]
        if self.tables.counts.legs:
            parts.append(("lending", self._put_lending))
        if self._fill(group, parts):
            self.vault = None

    def read_rest(self, group: Groups) -> None:
        """Fill in all else that is shown, for whoever keeps books: wallets, pools, totals."""
        self._put_pool(group("pool"))
        parts: list[tuple[str, Callable[[Floats], None]]] = [
            ("venue", self._put_venue),
            ("shares", self._put_shares),
            ("betas", self._put_betas),
            ("wallets", self._put_wallets),
        ]
        self._fill(group, parts)

    def _fill(self, group: Groups, parts: list[tuple[str, Callable[[Floats], None]]]) -> bool:
        """Whether any is news: an array that is the one filled in last holds the same."""
        filled, news = self._filled, False
        for name, put in parts:
            values = group(name)
            if filled.get(name) is not values:
                filled[name], news = values, True
                put(values)
        return news

    def _put_market(self, market: Floats) -> None:
        state = self.state.clearing
        state.skew[:], state.skew_scale[:] = market[:, 0], market[:, 1]

    def _put_accrual(self, accrual: Floats) -> None:
        state = self.state.clearing
        state.funding_rate[:], state.funding_index[:] = accrual[:, 0], accrual[:, 1]
        state.funding_time[:] = accrual[:, 2] - self._genesis

    def _put_backstop(self, backstop: Floats) -> None:
        state = self.state.clearing
        state.loss_long[:], state.loss_short[:] = backstop[:, 1], backstop[:, 2]
        state.insurance_drawn[:], state.maker_drawn[:] = backstop[:, 3], backstop[:, 4]
        state.premium_pool[:], state.maker_cash[:] = backstop[:, 5], backstop[:, 6]
        state.unpaid_premium[:] = backstop[:, 7]

    def _put_cash(self, cash: Floats) -> None:
        self.state.clearing.cash[:] = cash

    def _put_collateral(self, others: Floats) -> None:
        self.state.clearing.collateral[:, 1:] = others * self.tables.view.clearing.unit[1:, None]

    def _put_positions(self, held: Floats) -> None:
        state = self.state.clearing
        state.size[:], state.cost[:] = held[:, :, 0], held[:, :, 1]
        state.funding_entry[:], state.loss_entry[:] = held[:, :, 2], held[:, :, 3]
        owed = state.size * state.funding_entry + np.abs(state.size) * state.loss_entry
        state.basis[:] = (state.cost - owed).sum(axis=0)

    def _put_covariance(self, factor: Floats) -> None:
        self.state.clearing.covariance[:] = factor

    def _put_vault(self, vault: Floats) -> None:
        table, state = self.tables.view.vault, self.state.vault
        state.shares[:] = vault[0] * WHOLE_SHARE
        state.idle_usdc[:] = vault[1] * table.usdc_unit
        state.idle_base[:] = vault[2] * table.base_unit
        state.betas_time[:] = np.where(vault[3] > 0.0, vault[3] - self._genesis, -1.0)

    def _put_fees(self, fees: Floats) -> None:
        table, position = self.tables.view.vault, self.state.position
        position.fees0[:], position.fees1[:] = fees[0] * table.base_unit, fees[1] * table.usdc_unit

    def _put_place(self, place: Floats) -> None:
        position = self.state.position
        position.liquidity[:] = place[0]
        position.tick_lower[:], position.tick_upper[:] = place[1], place[2]
        position.sqrt_lower[:], position.sqrt_upper[:] = place[3], place[4]

    def _put_pool(self, pool: Floats) -> None:
        """Price, and what others have of the liquidity active there: one segment, known so far."""
        state, position = self.state.pool, self.state.position
        state.sqrt_price[:] = pool[0]
        state.tick[:] = np.floor(np.log(pool[0]) / HALF_TICK)
        active = (position.tick_lower <= state.tick) & (state.tick < position.tick_upper)
        state.profile[0] = pool[1] - np.where(active, position.liquidity, 0.0)

    def _put_venue(self, venue: Floats) -> None:
        state = self.state.clearing
        state.insurance_fund[:], state.bad_debt[:] = venue[0], venue[1]

    def _put_shares(self, shares: Floats) -> None:
        """The line is known in sum: it stands in the first place."""
        state = self.state.vault
        state.fee_shares[:], state.high_water_mark[:] = shares[0] * WHOLE_SHARE, shares[2]
        state.request[0] = shares[1] * WHOLE_SHARE

    def _put_betas(self, betas: Floats) -> None:
        self.state.vault.betas[:] = betas

    def _put_wallets(self, wallets: Floats) -> None:
        unit, wallet = self.tables.view.oracle.unit, self.state.wallet
        wallet.token[:, 0], wallet.token[:, 1] = wallets[:, 0] * unit[0], wallets[:, 1] * unit[1]
        wallet.shares[:] = wallets[:, 2] * WHOLE_SHARE

    def _put_lending(self, words: Floats) -> None:
        """Balances at Aave with the interest up to now in them, so indices of one."""
        aave, units, legs = self.state.aave, self.tables.view.aave.unit, self.tables.counts.legs
        aave.liquidity_index[:] = aave.borrow_index[:] = 1.0
        aave.supplied[:] = np.rint(words[0] * units[0])
        sizes = words[LOAN_WORDS : LOAN_WORDS + LEG_WORDS * legs : LEG_WORDS]
        aave.debt[:] = np.rint(-sizes * units[1:, None])
        available = words[LOAN_WORDS + 1 : LOAN_WORDS + LEG_WORDS * legs : LEG_WORDS]
        aave.available[1:] = available * units[1:, None]
        aave.pools.sqrt_price[:] = words[LOAN_WORDS + 2 : LOAN_WORDS + LEG_WORDS * legs : LEG_WORDS]


class View:
    """One moment of a mirror: each part of the state is filled in when it is first needed."""

    def __init__(self, mirror: Mirror, group: Groups) -> None:
        self._mirror = mirror
        self._group = group
        self._has_clearing = self._has_vault = False

    def derive(self, name: str) -> Floats:
        """One of :data:`DERIVED`."""
        mirror = self._mirror
        if not self._has_clearing:
            mirror.read_clearing(self._group)
            self._has_clearing = True
        if name in _OF_VAULT and not self._has_vault:
            mirror.read_vault(self._group)
            self._has_vault = True
        if name in _OF_VAULT:
            if mirror.vault is None:
                mirror.vault = mirror.observation()
            derived: Floats = getattr(mirror.vault, name)
        else:
            if mirror.accounts is None:
                mirror.accounts = mirror.observation()
            derived = getattr(mirror.accounts, name)
        return derived
