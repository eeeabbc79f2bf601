"""A search for profit: attackers try short sequences of what they can do, and never gain.

One party commands two perp traders, a contract, a swapper, a vault depositor and a reporter (one
of three), and may call what anyone may call. The index stands still but for one known round within
the oracle's deviation; what the party owns is valued at it after everything is unwound, gas
ignored. Rewards and penalties that pay for a service are switched off, or a service would count as
an attack.

The terms are those of the calm scenario with a vault that is small against the pool and the
markets: its orders X move the pool by less than the pool's fee and a market's skew by less than
two taker fees and spreads. A vault that trades more than that pays for it, at most its slippage
bound (SPEC §4.5), to whoever trades around it.

Sequences share their beginnings: each node of a tree is one more operation on a snapshot.
"""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.reference.amounts import sqrt_price_of
from tests.stateful.rules_market import MAX_SQRT, MIN_SQRT
from tests.stateful.system import BASE, USDC, call, genesis, mapping_slot
from tests.stateful.world import World, clearing_slot, vault_slot

WAD = 10**18
FAR = 2**255 - 1
DEPTH, BRANCHES = 5, 3
TRADERS = ("trader", "other trader")
PARTY = (*TRADERS, "sandwicher", "other depositor", "attacker")

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


class Search:
    """One start state and the moves from it.

    ``lag``: basis points the oracle is behind the index. ``astray``: basis points the pool is away
    from it, which is money for anyone: the search must find it.
    """

    def __init__(self, seed: int, astray: int = 0) -> None:
        self.draw = random.Random(seed)
        self.world = World("search")
        self.s = self.world.system
        self.lag = self.draw.choice([0, 0, 45, -45])  # basis points; the deviation is 50
        self.scene = self._set_up()
        if astray:
            index = self.world.index
            right = index[self.world.base]
            index[self.world.base] = right * (10_000 + astray) // 10_000
            self.push_pool()
            index[self.world.base] = right
        self.before = self.wealth()
        self.out = Found()

    # -------------------------------------------------------------------------------- the scene

    def _set_up(self) -> str:
        """A vault at work, depositors who do nothing, and something due or not."""
        s, w, draw = self.s, self.world, self.draw
        honest = s.actors["depositor"]
        self.tell(honest, s.vault, "deposit(uint256,address)", 3 * 10**11, honest)
        self.tell(s.actors["keeper"], s.vault, "recenter()")
        self.tell(s.vault_manager, s.vault, "post_betas(int256[])", 32, 2, 7 * 10**17, 10**17)
        scene = draw.choice(["hedged", "unhedged", "drifted", "idle", "in line"])
        if scene != "unhedged":
            self.tell(s.actors["keeper"], s.vault, "rebalance()")
        if scene == "drifted":  # far enough that recentring is due
            self.move_index(draw.choice([1_700, -1_500]))
            self.tell(s.actors["keeper"], s.vault, "rebalance()")
        if scene == "idle":
            self.tell(honest, s.vault, "deposit(uint256,address)", 10**11, honest)
        if scene == "in line":
            self.tell(honest, s.vault, "request_redeem(uint256,address)", 10**22, honest)
        w.pass_time(43_300)  # betas may be posted again
        w.honest_report()
        for name in TRADERS:
            actor = s.actors[name]
            for sub in (0, 1):
                self.tell(
                    actor, s.clearing, "deposit(address,uint256,uint256,uint256)",
                    actor, sub, 0, 2 * 10**11,
                )  # fmt: skip
        if self.lag:  # the pool is where the index is, the oracle is not yet
            w.index[w.base] = w.index[w.base] * (10_000 + self.lag) // 10_000
            self.push_pool()
        return scene

    def move_index(self, bps: int) -> None:
        w = self.world
        w.index[w.base] = w.index[w.base] * (10_000 + bps) // 10_000
        w.pass_time(3_700)
        w.honest_report()
        self.push_pool()

    def push_pool(self) -> None:
        """The pool at the index, by people who are not of the party."""
        w, s = self.world, self.s
        target = sqrt_price_of(w.index[w.base], w.index[w.usdc], 18)
        donor = s.actors["donor"]
        for asset, raw in ((USDC, 10**15), (BASE, 10**24)):
            self.tell(s.owner, s.tokens[asset], "mint(address,uint256)", donor, raw)
        self.swap(donor, int(target < s.spot()[0]), 10**60, target)

    # ------------------------------------------------------------------------------------ tools

    def tell(self, sender: int, to: int, signature: str, *arguments: int) -> bool:
        return not isinstance(self.s.send(sender, to, call(signature, *arguments)), str)

    def swap(self, actor: int, sells: int, raw: int, limit: int) -> bool:
        s, w = self.s, self.world
        pair = (w.base, w.usdc) if sells else (w.usdc, w.base)
        raw = min(raw, s.balance(BASE if sells else USDC, actor))
        return self.tell(
            actor, s.router,
            "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))",
            *pair, s.protocol.pool.fee_ppm, actor, 2**40, raw, 0, limit,
        )  # fmt: skip

    def size(self, name: str, sub: int, m: int) -> int:
        slot = mapping_slot(clearing_slot("position"), self.s.actors[name] << 8 | sub, m)
        word = self.s.read(self.s.clearing, slot)
        return word - 2**256 if word >> 255 else word

    def trade(self, name: str, sub: int, m: int, size: int) -> bool:
        limit = FAR if size > 0 else 0
        signature = "trade(uint256,uint256,int256,uint256)"
        actor = self.s.actors[name]
        return bool(size) and self.tell(actor, self.s.clearing, signature, sub, m, size, limit)

    def shares(self, name: str) -> int:
        slot = mapping_slot(vault_slot("balanceOf"), self.s.actors[name])
        return self.s.read(self.s.vault, slot)

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

    def round_of_the_index(self) -> None:
        """Both honest reporters; not in the books, which snapshots do not take back."""
        w, s = self.world, self.s
        assets, count = list(w.index), len(w.index)
        for reporter in s.reporters[:2]:
            self.tell(
                reporter, s.oracle, "report(address[],uint256[],uint256)",
                96, 128 + 32 * count, w.now, count, *assets, count, *w.index.values(),
            )  # fmt: skip

    def wait(self, seconds: int) -> None:
        """A block without a round."""
        self.s.chain.set_time(self.world.now + seconds)
        self.world.now += seconds

    # ----------------------------------------------------------------------------------- wealth

    def unwind(self) -> None:
        """Close, leave the line, sell the shares."""
        s = self.s
        me = s.actors["other depositor"]
        self.tell(me, s.vault, "cancel_request()")
        for name in (*TRADERS, "other depositor"):
            for m in range(2):
                self.trade(name, 0, m, -self.size(name, 0, m))
        shares = self.shares("other depositor")
        if shares:
            self.tell(me, s.vault, "redeem(uint256,address,address)", shares, me, me)

    def wealth(self) -> int:
        """USD WAD at the index: tokens, margin, and shares as far as they cannot be sold now."""
        s, w, out = self.s, self.world, 0
        usdc, base = w.index[w.usdc], w.index[w.base]
        for name in PARTY:
            actor = s.actors[name]
            out += s.balance(USDC, actor) * usdc // 10**6 + s.balance(BASE, actor) * base // WAD
            for sub in (0, 1):
                number = actor << 8 | sub
                state = s.view(s.clearing, "account_state(uint256)", number)
                out += max(state[1], 0)
        shares = self.shares("other depositor")
        if shares:
            worth = s.view(s.vault, "convertToAssets(uint256)", shares)[0]
            out += worth * (10_000 - 50) // 10_000 * usdc // 10**6  # less the exit fee
        return out

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
