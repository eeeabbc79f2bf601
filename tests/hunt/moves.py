"""The grammar of a hunt: what the party, a thief of each key, nature and keepers can do.

A sequence is a tuple of moves and a move is a value, so the same sequence does the same again. No
move knows an attack: sizes are fractions of what an inventory may hold, margins multiples of what a
position needs. ``EACH`` stands for a new account in each round of a :class:`Repeat`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Protocol

from eth_utils import keccak

from tests.hunt.ground import ALT, BTC, ETH, GUSD, SOL, USDC, USDC_UNIT, WAD
from tests.hunt.scene import BETAS, BLOCK, SYBILS, Scene

EACH = -1
HANDS = 4  # accounts of the party that moves name; the others come by Repeat
MARKETS = (0, 0, 0, 1)
SIDES = (1, -1)
SIZES = (0, 1, 4, 8, 16, 32, 64)  # 1/64 of S; 0 is the least there is, one wei
MARGINS = (0, 1_001_000, 1_250_000, 2_000_000, 5_000_000)  # millionths of what is needed
COUNTS = (2, 4, 8, 16, 32, 64)
STEPS = (-200, -100, -50, -10, 10, 50, 100, 200)  # basis points of the index
TIMES = (1, 1, 2, 4, 8)
WAITS = (BLOCK, 3_600, 10_000)  # the last is longer than a price keeps


class Move(Protocol):
    """One thing done. What is refused changes nothing."""

    def do(self, scene: Scene, each: int) -> None: ...


@dataclass(frozen=True)
class Bet:
    """Open or add: post the margin it needs and trade."""

    who: int
    market: int
    side: int
    size: int
    margin: int

    def do(self, scene: Scene, each: int) -> None:
        size = scene.limit(self.market) * self.size // 64 or 1
        scene.bet(_one(self.who, each), self.market, self.side * size, self.margin)


@dataclass(frozen=True)
class Close:
    """Reduce by a part, in 1/64."""

    who: int
    market: int
    part: int

    def do(self, scene: Scene, each: int) -> None:
        scene.close(_one(self.who, each), self.market, self.part)


@dataclass(frozen=True)
class Take:
    """Withdraw all that may be."""

    who: int

    def do(self, scene: Scene, each: int) -> None:
        if _one(self.who, each) in scene.book.used:
            scene.take(_one(self.who, each))


@dataclass(frozen=True)
class Give:
    """A little of a collateral for another: the vault, one of the crowd, or one's own account."""

    to: str
    collateral: int
    raw: int

    def do(self, scene: Scene, each: int) -> None:
        giver = scene.sybils[0]
        targets = {"vault": scene.vault.address, "crowd": scene.crowd[0], "own": scene.sybils[1]}
        whom = targets.get(self.to, giver)
        scene.attempt(scene.clearing, giver, "deposit", whom, 0, self.collateral, self.raw)


@dataclass(frozen=True)
class Liquidate:
    """Anybody liquidates whom he can: all who hold the market, in rounds until nobody is left."""

    market: int
    forward: bool
    whole: bool  # rounds until nobody can be liquidated; else one round

    def do(self, scene: Scene, each: int) -> None:
        people = [*scene.crowd, *(scene.sybils[i] for i in sorted(scene.book.used))]
        people = people if self.forward else people[::-1]
        for _ in range(8 if self.whole else 1):
            done = False
            for who in people:
                if scene.size(who, self.market) and not scene.liquidate(who, self.market):
                    done = True
                    scene.look_bent(self.market)
            if not done:
                break


@dataclass(frozen=True)
class Index:
    """The index moves, in each of some blocks by so many basis points."""

    asset: int
    step: int
    times: int

    def do(self, scene: Scene, each: int) -> None:
        scene.move(self.asset, self.step, self.times)


@dataclass(frozen=True)
class Silence:
    """The feed of a token stops."""

    asset: int

    def do(self, scene: Scene, each: int) -> None:
        scene.book.silent.add(self.asset)


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    seconds: int

    def do(self, scene: Scene, each: int) -> None:
        scene.wait(self.seconds)


@dataclass(frozen=True)
class Share:
    """Something at the vault."""

    what: str
    part: int  # of 64

    def do(self, scene: Scene, each: int) -> None:
        vault, who, part = scene.vault, scene.sybils[0], self.part
        shares = int(vault.call("balanceOf", who)) * part // 64
        match self.what:
            case "deposit":
                scene.attempt(vault, who, "deposit", part * 10**4 * USDC_UNIT, who)
            case "redeem":
                scene.attempt(vault, who, "redeem", shares, who, who)
            case "redeem_in_kind":
                scene.attempt(vault, who, "redeem_in_kind", shares, who)
                scene.book.used.add(0)
            case "request_redeem":
                scene.attempt(vault, who, "request_redeem", shares if part > 1 else 1, who)
            case "settle_withdrawals":
                scene.attempt(vault, scene.keeper, self.what, part * WAD // 64)
            case _:
                scene.attempt(vault, scene.keeper, self.what)


@dataclass(frozen=True)
class Flash:
    """USDC borrowed until the block ends."""

    def do(self, scene: Scene, each: int) -> None:
        scene.book.flash = True


@dataclass(frozen=True)
class Key:
    """What a thief of a role's key does with it at once."""

    role: str
    what: str
    number: int

    def do(self, scene: Scene, each: int) -> None:
        ground, thief, part = scene.ground, scene.thief, self.number
        scene.book.keys.add(self.role)
        match self.what:
            case "depth":
                scale = int(scene.clearing.call("market", 0)[1]) * part // 100
                scene.attempt(scene.clearing, ground.risk_manager, "set_skew_scale", 0, scale)
            case "betas":
                betas = [beta * part // 100 for beta in BETAS]
                scene.attempt(scene.vault, ground.beta_manager, "post_betas", betas)
            case "pause":
                scene.attempt(scene.clearing, ground.guardian, "pause")
            case "guardian":
                scene.attempt(scene.clearing, ground.owner, "set_guardian", thief)
            case "owner":
                scene.attempt(scene.clearing, ground.owner, "transfer_ownership", thief)
                scene.attempt(scene.clearing, thief, "accept_ownership")
            case "schedule":
                call = keccak(scene.clearing.calldata("withdraw_maker", part, thief))
                scene.attempt(scene.clearing, ground.owner, "schedule", call)
            case "lie":
                scene.book.lie = WAD * part // 100
                scene.report()


@dataclass(frozen=True)
class Repeat:
    """The same again for each of so many accounts."""

    count: int
    body: tuple[Move, ...]

    def do(self, scene: Scene, each: int) -> None:
        for i in range(self.count):
            for move in self.body:
                move.do(scene, HANDS + i % (SYBILS - HANDS))


Sequence = tuple[Move, ...]

KEYS = (
    *(("risk manager", "depth", part) for part in (50, 80, 125, 200)),
    *(("beta manager", "betas", part) for part in (0, 80, 120)),
    ("guardian", "pause", 0),
    *(("owner", what, 10**12) for what in ("guardian", "owner", "schedule")),
    *(("reporter", "lie", part) for part in (1, 98, 102, 1_000)),
)
SHARES = (
    *("deposit", "redeem", "redeem_in_kind", "request_redeem", "settle_withdrawals"),
    *("rebalance", "recenter", "top_up", "deleverage"),
)


def nature(sequence: Iterable[Move]) -> Sequence:
    """What of a sequence would have happened without the party."""
    return tuple(m for m in sequence if isinstance(m, Index | Silence | Wait | Liquidate))


def draw(random: Random, hands: tuple[int, ...] = tuple(range(HANDS))) -> Move:
    """Any move but a Repeat."""
    pick = random.choice
    kind = random.choices(
        ("bet", "close", "take", "give", "end", "index", "silence", "wait", "share", "flash", "key"),
        (32, 12, 3, 6, 10, 9, 4, 5, 7, 2, 4),
    )[0]
    match kind:
        case "bet":
            return Bet(pick(hands), pick(MARKETS), pick(SIDES), pick(SIZES), pick(MARGINS))
        case "close":
            return Close(pick(hands), pick(MARKETS), pick((16, 32, 64, 64)))
        case "take":
            return Take(pick(hands))
        case "give":
            return Give(pick(("vault", "crowd", "own")), pick((0, 1, 2, 3)), pick((1, 10**6)))
        case "end":
            return Liquidate(pick(MARKETS), pick((True, False)), pick((True, False)))
        case "index":
            return Index(pick((BTC, BTC, SOL, ETH)), pick(STEPS), pick(TIMES))
        case "silence":
            return Silence(pick((USDC, ETH, BTC, SOL, GUSD, ALT)))
        case "wait":
            return Wait(pick(WAITS))
        case "share":
            return Share(pick(SHARES), pick((1, 16, 64)))
        case "flash":
            return Flash()
    return Key(*pick(KEYS))


def changed(random: Random, move: Move) -> Move:
    """The same kind of move with one thing other than it was."""
    if isinstance(move, Repeat):
        if random.random() < 0.4:
            return replace(move, count=random.choice(COUNTS))
        at = random.randrange(len(move.body))
        body = (*move.body[:at], changed(random, move.body[at]), *move.body[at + 1 :])
        return replace(move, body=body)
    names = [f.name for f in fields(move)]  # type: ignore[arg-type]
    hands = (*range(HANDS), EACH) if getattr(move, "who", 0) == EACH else tuple(range(HANDS))
    for _ in range(50):
        other = draw(random, hands)
        if type(other) is type(move) and names:
            name = random.choice(names)
            return replace(move, **{name: getattr(other, name)})  # type: ignore[type-var]
    return draw(random)


def repeated(random: Random, body: Sequence) -> Repeat:
    """A run of moves for many accounts: one hand of it becomes each of them."""
    flat = tuple(move for move in body if not isinstance(move, Repeat))
    owners = sorted({move.who for move in flat if isinstance(move, Bet | Close | Take)})
    if owners:
        chosen = random.choice(owners)
        flat = tuple(
            replace(move, who=EACH)
            if isinstance(move, Bet | Close | Take) and move.who == chosen
            else move
            for move in flat
        )
    return Repeat(random.choice(COUNTS), flat or (draw(random),))


def _one(who: int, each: int) -> int:
    return each if who == EACH else who
