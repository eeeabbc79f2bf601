"""The chain world: the same actions and observations as the model, carried out by the contracts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from simulator.chain.calls.execution import Translator
from simulator.chain.deploy import stable_swap
from simulator.chain.deploy.deployment import deploy
from simulator.chain.deploy.terms import WAD, WAD_DECIMALS, background_targets, wad
from simulator.chain.evm.codec import (
    MAX_UINT256,
    Reverted,
    encode_with_arrays,
    selector,
    signed_word,
    status_of,
    topic_of,
    words,
)
from simulator.chain.reading.layout import Layout
from simulator.chain.reading.mirror import Mirror
from simulator.chain.reading.observation import ChainObservation, LensSource
from simulator.chain.reading.readings import Readings
from simulator.chain.reading.touched import CLOSING, EVERYTHING
from simulator.model.batch import NO_BOOK
from simulator.model.moments import moved_of, put_back, to_be_moved
from simulator.types import (
    CUTS_PER_SCALE,
    SCALE_INTERVAL,
    SIDES,
    InputError,
    Status,
)
from simulator.world.actions import Fill
from simulator.world.base import World
from simulator.world.protocol import HALTED
from simulator.world.units import to_raw

if TYPE_CHECKING:
    from simulator.chain.calls.batch import Batch
    from simulator.chain.deploy.addresses import Deployment
    from simulator.chain.evm.revm import Transaction
    from simulator.chain.evm.transport import Transport
    from simulator.chain.reading.readings import Source
    from simulator.market.paths import MarketPaths
    from simulator.model.kernel.record import Layout as RecordLayout
    from simulator.model.kernel.record import Paths
    from simulator.model.parameters import Tables
    from simulator.world.actions import Action
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol

TransportChoice: TypeAlias = "str | Callable[[], Transport]"

_REPORT = selector("report(address[],uint256[],uint256)")
_LAST_MARKET_STATE = selector("last_market_state(uint256)")
_LONG_INTEREST = selector("long_interest(uint256)")
_SET_SKEW_SCALE = selector("set_skew_scale(uint256,uint256)")
_SET_LIQUIDITY = selector("set_liquidity((int24,int24,uint128)[])")
_PAUSE, _UNPAUSE = selector("pause()"), selector("unpause()")
_SET_RESERVE_PAUSE = selector("setReservePause(address,bool)")


class ChainWorld(World):
    """P chains with one deployment each, at the same addresses.

    ``transport``: ``"revm"`` (in process), the URL of a node, or a function that makes a
    transport. Only ``"revm"`` holds more than one path: a node is one chain. ``record`` (revm only)
    keeps every transaction for :meth:`replay_raw`.
    """

    def __init__(
        self,
        protocol: Protocol,
        market: MarketPaths,
        transport: TransportChoice = "revm",
        *,
        record: bool = False,
        book: RecordLayout = NO_BOOK,
    ) -> None:
        self.protocol = protocol
        self._enter(market)
        self._genesis_record: list[Transaction] = []
        if protocol.impact is not None and transport != "revm":
            raise InputError(
                "impact: flows move prices where what arbitrageurs hold is read of the chain's "
                "storage; allowed with a node: null, with transport 'revm' any"
            )
        if transport == "revm":
            self.transports, self.deployment = self._deploy_in_process(record)
        else:
            self.transports, self.deployment = self._deploy_on_node(transport, record)
        self._begin(book, in_process=transport == "revm")

    def _enter(self, market: MarketPaths) -> None:
        """``given``: the market as drawn; ``market``: as agents see it, true up to now."""
        self.given = market
        self.market = market if self.protocol.impact is None else to_be_moved(market)

    def _begin(self, book: RecordLayout, *, in_process: bool, recorded: int = 0) -> None:
        """What is kept of chains on which everything is deployed."""
        protocol, market = self.protocol, self.given
        self.layout = Layout(protocol, self.deployment)
        self.sources = self._sources()
        self._readings = Readings(self.layout, self.sources)
        layout = self.layout
        self._mirror = Mirror(protocol, market, layout, book, recorded) if in_process else None
        self._observation: ChainObservation | None = None
        self._looked = False  # whether the mirror is filled in whole with what is now
        self._pool_depth = np.ones(market.paths)
        self._halted = 0  # venues that refuse calls, a bit of HALTED each
        # K, WAD, and the time from which it may be changed.
        self._skew_scale = [
            [(wad(terms.skew_scale), 0) for terms in protocol.clearing.markets]
            for _ in range(market.paths)
        ]
        # The depth at which every market of a path has the scale that belongs to it.
        self._scaled_to = [np.nan] * market.paths
        self._tokens = [int(token, 16) for token in self.deployment.tokens]
        self._translator = Translator(
            protocol, self.deployment, self.layout, self.sources, self.transports
        )

    def apart(self, book: RecordLayout = NO_BOOK, recorded: int = 0) -> list[ChainWorld]:
        """A world of one path for each of the chains, which are no longer this one's to use."""
        worlds = []
        for path, transport in enumerate(self.transports):
            world = ChainWorld.__new__(ChainWorld)
            world.protocol = self.protocol
            world._enter(self.given.chunk(self.given.first_path + path, 1))
            world.transports, world.deployment = [transport], self.deployment
            world._genesis_record = self._genesis_record
            world._begin(book, in_process=self._mirror is not None, recorded=int(path < recorded))
            worlds.append(world)
        return worlds

    # ----------------------------------------------------------------------------------- the World

    def advance(self, step: int) -> None:
        """See :meth:`World.advance`. A skew scale whose market is stale waits for a fresh price."""
        self._move(step)
        seconds = step * self.market.step_seconds
        now = self.deployment.genesis + seconds
        due = self.market.oracle_time[:, step] == seconds
        prices = to_raw(self.market.oracle_price[:, step], WAD_DECIMALS)
        depth, perp_depth = self.market.pool_depth[step], self.market.perp_depth[step].tolist()
        deepens = (depth != self._pool_depth).tolist()
        moved: dict[tuple[bool, bool], list[int]] = {}
        halted = self.protocol.halted(step)
        for path, transport in enumerate(self.transports):
            transport.set_time(now)
            self._set_halted(transport, halted)
            assets = due[:, path].nonzero()[0].tolist()
            if assets:
                self._report(transport, assets, prices[assets, path].tolist(), now)
            if deepens[path]:
                self._set_pool_depth(transport, float(depth[path]))
            scaled = self._set_skew_scales(path, now, perp_depth[path])
            moved.setdefault((deepens[path], scaled), []).append(path)
        for (deeper, scaled), paths in moved.items():
            touched = self.sources[0].moved(depth=deeper, scale=scaled)
            for path in paths:
                self.sources[path].changed(touched)
            self._readings.changed(paths, touched)
        self._pool_depth, self._halted = depth.copy(), halted
        self._expire()

    def _move(self, step: int) -> None:
        """The market moves to a step, as far as flows of the one before move it."""
        if self._mirror is None:
            return
        if self.protocol.impact is not None:
            self.look()
        self._mirror.advance(step)
        if self.protocol.impact is not None:
            span = np.array([0, 1, step])
            put_back(moved_of(self.market), self._mirror.paths.moments[:, None], span)

    def execute(self, action: Action) -> Fill:
        """See :meth:`World.execute`; ``UnknownRevertError`` on a revert no status stands for."""
        fill = Fill.empty(self.market.paths)
        for batch in self._translator.batches(action):
            self._send(action, batch, fill)
        return fill

    def quote(self, action: Action) -> Fill:
        """See :meth:`World.quote`: sent and taken back, for events and views say the amounts.

        A node tries each transaction by ``eth_call`` first, so what is refused is not even sent.
        """
        fill = Fill.empty(self.market.paths)
        for batch in self._translator.batches(action):
            for path, data in batch.calls:
                before = self.transports[path].snapshot()
                try:
                    self._transact(batch, path, data, fill)
                finally:
                    self.transports[path].revert(before)
        return fill

    def observe(self) -> Observation:
        """See :meth:`World.observe`. Fields are read when looked at, on paths that changed."""
        if self._observation is None:
            self._observation = ChainObservation(self.layout, self._readings, self._mirror)
        return self._observation

    @property
    def tables(self) -> Tables:
        """Parameters as the model has them; errors as :meth:`look`."""
        return self._in_process().tables

    def look(self) -> Paths:
        """The chains as records of the model, filled in whole, with a book beside each.

        Raises :class:`InputError` for a node, whose storage is not read.
        """
        mirror = self._in_process()
        if not self._looked:
            for read in (mirror.read_clearing, mirror.read_vault, mirror.read_rest):
                read(self._readings.group)
            self._looked = True
        return mirror.paths

    def _in_process(self) -> Mirror:
        if self._mirror is None:
            raise InputError("transport: a node; allowed: revm, whose storage can be read")
        return self._mirror

    def reported(self) -> Observation:
        """See :meth:`World.reported`: one ``Lens.observe`` per path."""
        sources = [LensSource(t, self.deployment, self.layout) for t in self.transports]
        return ChainObservation(self.layout, Readings(self.layout, sources))

    def close(self) -> None:
        """See :meth:`World.close`."""
        for transport in self.transports:
            transport.close()

    # -------------------------------------------------------------------------------- measurement

    def replay_raw(self) -> tuple[int, float]:
        """(transactions, seconds) of raw pyrevm executing what this world sent since deployment.

        Seconds of CPU, from the same genesis, path by path, and nothing else. Needs
        ``record=True``.
        """
        from simulator.chain.evm import revm

        count, seconds = 0, 0.0
        for transport in self.transports:
            if not isinstance(transport, revm.RevmTransport) or transport.transactions is None:
                raise InputError(
                    "record = False: replaying needs a revm world made with record=True"
                )
            count += len(transport.transactions)
            seconds += revm.replay(self._genesis_record, transport.transactions)
        return count, seconds

    # ---------------------------------------------------------------------------------- deployment

    def _deploy_in_process(self, record: bool) -> tuple[list[Transport], Deployment]:
        """One deployment, its transactions replayed on every path: pyrevm cannot copy an EVM."""
        from simulator.chain.evm.revm import RevmTransport

        first = RevmTransport(record=True)
        deployed = deploy(first, self.protocol)
        self._genesis_record = first.transactions or []
        transports: list[Transport] = [
            first.fork(self._genesis_record, record=record) for _ in range(self.market.paths)
        ]
        return transports, deployed

    def _deploy_on_node(
        self, choice: TransportChoice, record: bool
    ) -> tuple[list[Transport], Deployment]:
        if self.market.paths != 1:
            raise InputError(
                f"paths = {self.market.paths}: a node is one chain and holds 1 path; "
                "transport 'revm' holds any number"
            )
        if record:
            raise InputError("record = True: only transport 'revm' keeps its transactions")
        if callable(choice):
            transport = choice()
        else:
            from simulator.chain.evm.rpc import RpcTransport

            transport = RpcTransport.connect(choice)
        return [transport], deploy(transport, self.protocol)

    def _sources(self) -> list[Source]:
        from simulator.chain.evm.revm import RevmTransport
        from simulator.chain.reading.storage import StoragePlan, StorageSource

        plan = StoragePlan(self.layout, self.deployment)
        return [
            StorageSource(transport, plan)
            if isinstance(transport, RevmTransport)
            else LensSource(transport, self.deployment, self.layout)
            for transport in self.transports
        ]

    def _expire(self) -> None:
        """Nothing that was read of the chains is taken for what they are."""
        self._looked = False
        if self._observation is not None:
            self._observation.expire()
            self._observation = None

    # ------------------------------------------------------------------------------------- writing

    def _send(self, action: Action, batch: Batch, fill: Fill) -> None:
        touched, done = self.sources[0].touched(action), []
        for path, data in batch.calls:
            if self._transact(batch, path, data, fill):
                if isinstance(action, CLOSING) and self._took_from_others(path):
                    self.sources[path].changed(EVERYTHING)
                    self._readings.changed([path], EVERYTHING)
                self.sources[path].changed(touched)
                done.append(path)
        if done:
            self._readings.changed(done, touched)
            self._expire()

    def _took_from_others(self, path: int) -> bool:
        """Whether the last transaction closed positions against those of insolvent accounts."""
        try:
            self.transports[path].last_log(
                self.deployment.clearing, topic_of("Deleveraging", "Deleveraged")
            )
        except KeyError:
            return False
        return True

    def _transact(self, batch: Batch, path: int, data: bytes, fill: Fill) -> bool:
        """Send one transaction and note what came of it: whether it was done."""
        transport = self.transports[path]
        try:
            returned = transport.transact(batch.sender, batch.to, data)
        except Reverted as revert:
            fill.status[path] = status_of(revert, batch.contract, batch.function)
            return False
        fill.status[path] = Status.OK
        amounts = batch.decode(path, returned, transport)
        fill.amount_in[path], fill.amount_out[path] = amounts
        return True

    def _report(
        self, transport: Transport, assets: list[int], prices: list[float], now: int
    ) -> None:
        data = _REPORT + encode_with_arrays(
            [],
            [[self._tokens[asset] for asset in assets], map(int, prices)],
            [now],
        )
        transport.transact(self.deployment.roles.reporter, self.deployment.oracle, data)

    def _set_halted(self, transport: Transport, halted: int) -> None:
        """Pause what stands still from now on, and end the pause of what no longer does."""
        changes, roles = halted ^ self._halted, self.deployment.roles
        if changes & HALTED["perps"]:
            begins = bool(halted & HALTED["perps"])
            sender = roles.guardian if begins else roles.deployer  # the owner
            transport.transact(sender, self.deployment.clearing, _PAUSE if begins else _UNPAUSE)
        if changes & HALTED["aave"]:
            market, begins = self.deployment.borrowing, bool(halted & HALTED["aave"])
            assert market is not None  # the configuration is refused without one
            for asset in market.assets:
                data = _SET_RESERVE_PAUSE + words(self._tokens[asset], int(begins))
                transport.transact(roles.deployer, market.configurator, data)

    def _set_pool_depth(self, transport: Transport, depth: float) -> None:
        if self.protocol.stable is not None:
            at, target = self.deployment, int(np.floor(self.deployment.opened * depth))
            stable_swap.set_shares(transport, at.pool, at.provider, target)
            return
        targets = background_targets(self.protocol, depth)
        flat = [number for target in targets for number in target]
        data = _SET_LIQUIDITY + words(32, len(targets), *flat)
        transport.transact(self.deployment.roles.liquidity_owner, self.deployment.provider, data)

    def _set_skew_scales(self, path: int, now: int, depth: float) -> bool:
        """Whether any was set; what is not allowed now is tried again at every step."""
        if depth == self._scaled_to[path]:
            return False
        changed, settled = False, True
        for market, terms in enumerate(self.protocol.clearing.markets):
            current, due = self._skew_scale[path][market]
            wanted = wad(terms.skew_scale * min(depth, 1.0))
            if wanted == current:
                continue
            settled = False
            if now < due:
                continue
            wanted = min(max(wanted, -(-current // 2)), 2 * current)
            if wanted < current:
                wanted = max(wanted, self._least_scale(path, market))
                if (current - wanted) * CUTS_PER_SCALE < current:
                    continue
            if self._set_skew_scale(path, market, wanted):
                self._skew_scale[path][market] = wanted, now + SCALE_INTERVAL
                changed = True
        self._scaled_to[path] = depth if settled else np.nan
        return changed

    def _least_scale(self, path: int, market: int) -> int:
        """Least K, WAD, to which a market may be lowered with what is open; none: 2^256."""
        transport, house = self.transports[path], self.deployment.clearing
        terms = self.protocol.clearing.markets[market]
        skew = signed_word(transport.call(house, _LAST_MARKET_STATE + words(market)), 0)
        longs = signed_word(transport.call(house, _LONG_INTEREST + words(market)), 0)
        # The least inventory limit that what is open lets through.
        limit = max(abs(skew), -(-max(longs, longs - skew) // SIDES))
        if limit > wad(terms.max_skew):
            return MAX_UINT256 + 1
        margin = wad(self.protocol.clearing.gross_floor) * wad(terms.maintenance_rate)
        return -(-2 * WAD * WAD * limit // margin)

    def _set_skew_scale(self, path: int, market: int, scale: int) -> bool:
        data = _SET_SKEW_SCALE + words(market, scale)
        try:
            self.transports[path].transact(
                self.deployment.roles.venue, self.deployment.clearing, data
            )
        except Reverted as revert:
            refused = status_of(revert, "ClearingHouse", "set_skew_scale")
            # A node's blocks may be seconds later than the step, so the last change was too.
            if refused not in (Status.STALE_ORACLE, Status.TOO_SOON):
                raise
            return False
        return True
