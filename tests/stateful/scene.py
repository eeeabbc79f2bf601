"""The scene of the search for profit: a vault at work, the party, its tools and its wealth."""

from __future__ import annotations

import random

from tests.reference.amounts import sqrt_price_of
from tests.reference.integers import WAD
from tests.stateful.genesis import BASE, USDC
from tests.stateful.people import FAR
from tests.stateful.system import call, clearing_slot, mapping_slot, vault_slot
from tests.stateful.world import World

TRADERS = ("trader", "other trader")
PARTY = (*TRADERS, "sandwicher", "other depositor", "attacker")


class Scene:
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

    # -------------------------------------------------------------------------------- the scene

    def _set_up(self) -> str:
        """A vault at work, depositors who do nothing, and something due or not."""
        s, w, draw = self.s, self.world, self.draw
        honest = s.actors["depositor"]
        self.tell(honest, s.vault, "deposit(uint256,address)", 15 * 10**10, honest)
        self.tell(s.vault_manager, s.vault, "post_betas(int256[])", 32, 2, 7 * 10**17, 10**17)
        self.tell(s.actors["keeper"], s.vault, "recenter()")
        scene = draw.choice(["hedged", "unhedged", "drifted", "idle", "in line"])
        if scene != "unhedged":
            self.tell(s.actors["keeper"], s.vault, "rebalance()")
        if scene == "drifted":  # far enough that recentring is due
            self.move_index(draw.choice([1_700, -1_500]))
            self.tell(s.actors["keeper"], s.vault, "rebalance()")
        if scene == "idle":
            self.tell(honest, s.vault, "deposit(uint256,address)", 5 * 10**10, honest)
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
