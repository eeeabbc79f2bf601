"""A search for profit: attackers try short sequences of what they can do, and never gain.

One party commands two perp traders, a contract, a swapper, a vault depositor and a reporter (one
of three), and may call what anyone may call. The index stands still but for one known round within
the oracle's deviation; what the party owns is valued at it after everything is unwound, gas
ignored. Rewards and penalties that pay for a service are switched off, or a service would count as
an attack.

The terms are those of the calm scenario with a vault that is small against the pool and the
markets: its orders X move the pool by less than the pool's fee and a market's skew by less than
two taker fees and spreads (with a market's depth K: X < 2 (fee + half spread) K). A vault that
trades more than that pays for it, at most its slippage bound (SPEC §4.5), to whoever trades around
it. The stolen key is that of the betas; the venue's, which sets the depth K at once and without
bounds, is as good as money to whoever holds it and a position.

Sequences share their beginnings: each node of a tree is one more operation on a snapshot.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.reference.amounts import sqrt_price_of
from tests.reference.integers import WAD
from tests.stateful.genesis import BASE, USDC, genesis
from tests.stateful.rules_market import MAX_SQRT, MIN_SQRT
from tests.stateful.scene import TRADERS, Scene

DEPTH, BRANCHES = 5, 3

Move = Callable[["Search"], object]


@dataclass
class Found:
    """``best``: the highest profit, USD WAD, with its sequence."""

    sequences: int = 0
    best: int = -(10**60)
    by: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def add(self, other: Found) -> None:
        self.sequences += other.sequences
        self.done += other.done
        if other.best > self.best:
            self.best, self.by = other.best, other.by


class Search(Scene):
    """Moves from one scene, in a tree."""

    def __init__(self, seed: int, astray: int = 0) -> None:
        super().__init__(seed, astray)
        self.out = Found()

    # ------------------------------------------------------------------------------------ moves

    def moves(self) -> dict[str, Move]:
        """What the party can do here. Nobody trades perps against a round they know."""
        moves = self._vault_moves() | self._pool_moves() | self._nuisances()
        if self.lag:
            moves["the round comes"] = lambda search: search.round_of_the_index()
        else:
            moves |= self._perp_moves()
        return moves

    def _pool_moves(self) -> dict[str, Move]:
        def push(sells: int, raw: int) -> Move:
            limit = MIN_SQRT if sells else MAX_SQRT
            return lambda search: search.swap(search.s.actors["sandwicher"], sells, raw, limit)

        def back(search: Search) -> None:
            w = search.world
            target = sqrt_price_of(w.index[w.base], w.index[w.usdc], 18)
            sells = int(target < search.s.spot()[0])
            search.swap(search.s.actors["sandwicher"], sells, 10**60, target)

        sizes = (3 * 10**9, 10**11, 3 * 10**11, 5 * 10**12)
        buys = {f"buy base for {raw // 10**6}": push(0, raw) for raw in sizes}
        sells = {f"sell {raw} base": push(1, raw * WAD) for raw in (2, 60, 170, 3_000)}
        return buys | sells | {"swap back to the index": back}

    def _vault_moves(self) -> dict[str, Move]:
        s = self.s
        who = "other depositor"
        me = s.actors[who]

        def enter(raw: int) -> Move:
            return lambda search: search.tell(me, s.vault, "deposit(uint256,address)", raw, me)

        def exit_by(signature: str, *after: int) -> Move:
            return lambda search: search.tell(me, s.vault, signature, search.shares(who), *after)

        def keep(function: str) -> Move:
            return lambda search: search.tell(s.attacker, s.vault, f"{function}()")

        keepers = ("rebalance", "recenter", "top_up", "deleverage", "accrue_fees")
        return {
            **{f"deposit {raw // 10**6}": enter(raw) for raw in (10**6, 10**11, 10**12)},
            "redeem": exit_by("redeem(uint256,address,address)", me, me),
            "redeem in kind": exit_by("redeem_in_kind(uint256,address)", me),
            "request": exit_by("request_redeem(uint256,address)", me),
            "cancel": lambda search: search.tell(me, s.vault, "cancel_request()"),
            "settle": lambda search: search.tell(
                me, s.vault, "settle_withdrawals(uint256)", search.draw.choice([0, WAD])
            ),
            **{name: keep(name) for name in keepers},
        }

    def _perp_moves(self) -> dict[str, Move]:
        moves: dict[str, Move] = {}
        for name in TRADERS:
            for m, price in enumerate((29_000, 24)):
                for side in (1, -1):
                    for usd in (10**3, 10**5, 10**6, 25 * 10**5):
                        size = side * usd * WAD // price

                        def go(
                            search: Search, name: str = name, m: int = m, size: int = size
                        ) -> object:
                            return search.trade(name, 0, m, size)

                        moves[f"{name} trades {side * usd} USD of {m}"] = go

                def close(search: Search, name: str = name, m: int = m) -> object:
                    return search.trade(name, 0, m, -search.size(name, 0, m))

                moves[f"{name} closes {m}"] = close

            def strip(search: Search, name: str = name) -> object:
                s, actor = search.s, search.s.actors[name]
                view = "withdrawable(uint256,uint256)"
                (raw,) = s.view(
                    s.clearing, view, actor << 8, search.world.ledger.parameters.initial_multiple
                )
                withdraw = "withdraw(uint256,uint256,uint256,address)"
                return search.tell(actor, s.clearing, withdraw, 0, 0, raw, actor)

            def end(search: Search, name: str = name) -> object:
                s, number = search.s, search.s.actors[name] << 8
                m = search.draw.randint(0, 1)
                return search.tell(s.attacker, s.clearing, "liquidate(uint256,uint256)", number, m)

            moves[f"{name} strips its margin"] = strip
            moves[f"{name} is liquidated by a friend"] = end
        return moves

    def _nuisances(self) -> dict[str, Move]:
        """Donations, a lying reporter, a stolen key of the betas, a few seconds."""
        s, w = self.s, self.world

        def give(asset: int, to: int, raw: int) -> Move:
            return lambda search: search.tell(
                s.actors["sandwicher"], s.tokens[asset], "transfer(address,uint256)", to, raw
            )

        def lie(factor: int) -> Move:
            return lambda search: search.tell(
                s.reporters[2], s.oracle, "report(address[],uint256[],uint256)",
                96, 160, search.world.now, 1, w.base, 1, w.index[w.base] * factor // 1_000,
            )  # fmt: skip

        def betas(first: int, second: int) -> Move:
            return lambda search: search.tell(
                s.vault_manager, s.vault, "post_betas(int256[])", 32, 2, first, second
            )

        return {
            "give the vault USDC": give(USDC, s.vault, 10**10),
            "give the vault base": give(BASE, s.vault, 10 * WAD),
            "give the venue USDC": give(USDC, s.clearing, 10**10),
            "one reporter says nothing is worth anything": lie(1),
            "one reporter says it is worth thrice": lie(3_000),
            "stolen betas up": betas(12 * 10**17, 6 * 10**17),
            "stolen betas down": betas(2 * 10**17, -4 * 10**17),
            "twelve seconds": lambda search: search.wait(12),
        }

    # ----------------------------------------------------------------------------------- search

    def run(self, sequences: int) -> Found:
        while self.out.sequences < sequences:
            self._grow([], DEPTH)
        return self.out

    def _grow(self, path: list[str], depth: int) -> None:
        """One more move in a few ways, each judged and followed on."""
        if not depth:
            return
        moves = self.moves()
        names = sorted(moves)
        for name in self.draw.sample(names, BRANCHES):
            checkpoint, now = self.s.evm.snapshot(), self.world.now
            if moves[name](self) is not False:
                self.out.done[name] += 1
                self._judge([*path, name])
                self._grow([*path, name], depth - 1)
            self.s.evm.revert(checkpoint)
            if self.world.now != now:
                self.world.now = now
                self.s.chain.set_time(now)

    def _judge(self, path: list[str]) -> None:
        checkpoint = self.s.evm.snapshot()
        self.unwind()
        profit = self.wealth() - self.before
        self.s.evm.revert(checkpoint)
        self.out.sequences += 1
        if profit > self.out.best:
            self.out.best, self.out.by = profit, [self.scene, f"lag {self.lag}", *path]


def _search(arguments: tuple[int, int]) -> Found:
    seed, sequences = arguments
    return Search(seed).run(sequences)


def search(seed: int, sequences: int, workers: int) -> Found:
    """At least so many sequences, from many start states."""
    genesis("search")
    each = min(800, max(sequences // 8, 1))
    jobs = [(seed * 1_000_003 + i, each) for i in range(-(-sequences // each))]
    total = Found()
    if workers == 1:
        for job in jobs:
            total.add(_search(job))
        return total
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=10) as pool:
        for part in pool.imap_unordered(_search, jobs):
            total.add(part)
    return total
