"""The contracts' stored words as a state of the model, so that its formulas can value them.

Agents look at every account's equity and at NAV after almost every action. Asking the contracts
each time takes as long as the transactions themselves, so in process what is derived is derived
from the stored words by the formulas of the model world. The contracts' own figures are what
``ChainWorld.reported`` returns, and ``hedgesim verify`` holds the model against those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.chain.reading.layout import BORROWERS, LENDING, PROVIDERS, STABLE
from simulator.model.batch import NO_BOOK, blank
from simulator.model.kernel.record import View as Fields
from simulator.model.moments import read_market, schedule_of
from simulator.model.observe import RAW, ModelObservation
from simulator.model.outside import move_all
from simulator.model.parameters import tables_of
from simulator.model.pools.uniswap_v3.tick import sqrt_price_at_tick
from simulator.model.state import STATE
from simulator.protocol.state.table import UNREAD, of_storage
from simulator.protocol.state.variable import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.chain.reading.layout import Layout, Place
    from simulator.market.paths import MarketPaths
    from simulator.model.kernel.record import Layout as RecordLayout
    from simulator.protocol.state.table import Read
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

    Groups = Callable[[str], Floats]

HALF_TICK = 0.5 * np.log(1.0001)
# Derived variables that take the vault and its position, beside its accounts.
_OF_VAULT = UNREAD["vault"] | UNREAD["position"]


class Mirror:
    """A model state of the chain's paths, filled from groups of words in whole units."""

    def __init__(
        self,
        protocol: Protocol,
        market: MarketPaths,
        layout: Layout,
        book: RecordLayout = NO_BOOK,
        recorded: int = 0,
    ) -> None:
        self.tables = tables_of(protocol)
        self.paths = blank(self.tables, market.paths, book, recorded)
        self.state = Fields(self.paths.states, STATE, self.tables.counts)
        self._market, self._schedule = market, schedule_of(market, protocol)
        self._places = layout.stored
        self._puts = {name: list(self._puts_of(reads)) for name, reads in of_storage().items()}
        # What follows from a group beside the numbers that its words are.
        self._more: dict[str, Callable[[Floats], None]] = {
            "positions": self._put_basis,
            "wallets": self._put_tokens,
            "pool": self._put_supply if self.tables.view.stable.on else self._put_profile,
            STABLE: self._put_shares,
            LENDING: self._put_lending,
            BORROWERS: self._put_borrowers,
            PROVIDERS: self._put_providers,
        }
        self._filled: dict[str, Floats] = {}
        self._profiled: list[Floats] = []  # that the profile was made of
        # What was derived, as long as all it came from is as it was: of accounts, and of the vault.
        self.accounts: ModelObservation | None = None
        self.vault: ModelObservation | None = None
        self.advance(0)

    def advance(self, step: int) -> None:
        """Move to ``step``: its prices, and the rounds the oracle has been given by then.

        Where flows move prices, what is filled in must be what there was when the last step ended.
        """
        read_market(self.paths, self._market, self._schedule, step)
        if self.tables.view.outside.on:
            move_all(self.paths)
        if self.tables.counts.legs:
            self.state.aave.updated_at[:] = self.paths.moments["clock"]
        if self.tables.counts.listings:
            self.state.lending.updated_at[:] = self.paths.moments["clock"]
        self.accounts = self.vault = None

    def observation(self) -> ModelObservation:
        """What the model makes of the state that is filled in now."""
        return ModelObservation(self.tables, self.paths, self.state)

    def view(self, group: Groups) -> View:
        """What follows from the words of ``group``, which must be those of now when first asked."""
        return View(self, group)

    def read_clearing(self, group: Groups) -> None:
        """Fill in the ClearingHouse, and the vault's position where that backs an account."""
        names = ["market", "accrual", "backstop", "cash", "collateral", "positions"]
        if self.state.clearing.covariance.size:
            names.append("covariance")
        if self.tables.view.clearing.pledged:
            names.append("place")
        if self._fill(group, names):
            self.accounts = self.vault = None

    def read_vault(self, group: Groups) -> None:
        """Fill in the vault and its position, beside its accounts."""
        names = ["vault", "fees", "place"]
        if self.tables.view.stable.on:
            names += ["pool", STABLE]  # what shares are worth follows from all there are
        if self.tables.counts.legs:
            names.append(LENDING)
        if self._fill(group, names):
            self.vault = None

    def read_rest(self, group: Groups) -> None:
        """Fill in all else that is shown, for whoever keeps books: wallets, pools, totals."""
        if self.tables.counts.positions:
            self._fill(group, [PROVIDERS])
        # Positions are parts of the pool.
        parts = [group(name) for name in ("pool", "place", PROVIDERS)]
        if [id(part) for part in parts] != [id(part) for part in self._profiled]:
            self._put("pool", parts[0])
            self._profiled = parts
        borrowers = [BORROWERS] if self.tables.counts.listings else []
        self._fill(group, ["venue", "shares", "requests", "betas", "wallets", *borrowers])

    def _fill(self, group: Groups, names: list[str]) -> bool:
        """Whether any is news: an array that is the one filled in last holds the same."""
        filled, news = self._filled, False
        for name in names:
            values = group(name)
            if filled.get(name) is not values:
                filled[name], news = values, True
                self._put(name, values)
        return news

    def _put(self, group: str, values: Floats) -> None:
        for place, number, raw in self._puts[group]:
            whole = place.take(values)
            number[:] = whole if raw is None else whole * raw
        more = self._more.get(group)
        if more is not None:
            more(values)

    def _puts_of(self, reads: list[Read]) -> Iterator[tuple[Place, Floats, Any]]:
        """Where each number of a group is, and how many of its units are one of the words'."""
        for read in reads:
            if read.place is not None:
                record, name = read.place
                raw = None if read.raw is Scale.WHOLE else RAW[read.raw](self.tables)
                yield self._places[read.name], getattr(getattr(self.state, record), name), raw

    def _value(self, name: str, group: Floats) -> Floats:
        """A variable that is shown, out of the words of its group."""
        return self._places[name].take(group)

    def _put_basis(self, _: Floats) -> None:
        state = self.state.clearing
        owed = state.size * state.funding_entry + np.abs(state.size) * state.loss_entry
        state.basis[:] = (state.cost - owed).sum(axis=0)

    def _put_profile(self, pool: Floats) -> None:
        """What others have of the liquidity that is active: one segment, known so far."""
        state, position = self.state.pool, self.state.position
        state.tick[:] = np.floor(np.log(state.sqrt_price) / HALF_TICK)
        active = (position.tick_lower <= state.tick) & (state.tick < position.tick_upper)
        everyones = self._value("pool_liquidity", pool)
        inside = (state.provided_lower <= state.tick) & (state.tick < state.provided_upper)
        everyones = everyones - np.where(inside, state.provided, 0.0).sum(axis=0)
        state.profile[0] = everyones - np.where(active, position.liquidity, 0.0)

    def _put_supply(self, pool: Floats) -> None:
        """All shares of a StableSwap."""
        self._supply = self._value("pool_liquidity", pool)

    def _put_shares(self, _: Floats) -> None:
        """Whose they are; what the pool holds are whole raw units."""
        stable, pool, table = self.state.stable, self.state.pool, self.tables.view.stable
        stable.coins[:], stable.ann[:] = table.coins, table.ann
        stable.rate[:], stable.raw[:] = table.rate[:, None], np.rint(stable.raw)
        stable.own[:], stable.sqrt_price[:] = self.state.position.liquidity, pool.sqrt_price
        stable.others[:] = self._supply - stable.own
        stable.part[:] = stable.raw / self._supply

    def _put_providers(self, _: Floats) -> None:
        """√P at the ends of ranges, and how many positions there are."""
        pool = self.state.pool
        for ends, roots in (
            (pool.provided_lower, pool.provided_root_lower),
            (pool.provided_upper, pool.provided_root_upper),
        ):
            for place in np.argwhere(pool.provided > 0.0):
                roots[tuple(place)] = sqrt_price_at_tick(ends[tuple(place)])
            roots[pool.provided == 0.0] = 0.0
        pool.providing[:] = (pool.provided > 0.0).sum(axis=0)

    def _put_tokens(self, wallets: Floats) -> None:
        unit, token = self.tables.view.oracle.unit, self.state.wallet.token
        for asset, name in enumerate(("wallet_usdc", "wallet_base")):
            token[:, asset] = self._value(name, wallets) * unit[asset]

    def _put_lending(self, words: Floats) -> None:
        """Balances at Aave with the interest up to now in them, so indices of one."""
        aave, units = self.state.aave, self.tables.view.aave.unit
        aave.liquidity_index[:] = aave.borrow_index[:] = 1.0
        aave.supplied[:] = np.rint(self._value("aave_supplied", words)[0] * units[0])
        aave.debt[:] = np.rint(self._value("aave_debt", words) * units[1:, None])
        aave.available[1:] = self._value("aave_available", words) * units[1:, None]
        aave.pools.sqrt_price[:] = self._value("leg_sqrt_price", words)
        tokens = self._value("wallet_leg", words)
        for leg, asset in enumerate(self.tables.view.aave.asset[1:]):
            self.state.wallet.token[:, asset] = tokens[:, leg] * units[leg + 1]

    def _put_borrowers(self, words: Floats) -> None:
        """The lending market likewise."""
        lending, table = self.state.lending, self.tables.view.lending
        units = table.unit[:, None]
        lending.liquidity_index[:] = lending.borrow_index[:] = 1.0
        lending.available[:] = self._value("listing_available", words) * units
        lending.owed[:] = np.rint(self._value("listing_owed", words) * units)
        lending.supplied[:] = np.rint(self._value("borrower_supplied", words) * units)
        lending.debt[:] = np.rint(self._value("borrower_owed", words) * units)
        lending.used[:] = self._value("borrower_uses", words)
        tokens, others = self._value("wallet_other", words), table.asset[table.asset > 1]
        for place, asset in enumerate(others):
            unit = self.tables.view.oracle.unit[asset]
            self.state.wallet.token[:, asset] = tokens[:, place] * unit


class View:
    """One moment of a mirror: each part of the state is filled in when it is first needed."""

    def __init__(self, mirror: Mirror, group: Groups) -> None:
        self._mirror = mirror
        self._group = group
        self._has_clearing = self._has_vault = False

    def derive(self, name: str) -> Floats:
        """A variable that no words are."""
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
