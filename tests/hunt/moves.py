"""The grammar of a hunt: what the party, a thief of each key, nature and keepers can do.

A sequence is a tuple of moves and a move is a value, so the same sequence does the same again. No
move knows an attack: sizes are fractions of what an inventory may hold, margins multiples of what a
position needs. ``EACH`` stands for a new account in each round of a :class:`Repeat`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Protocol

from eth_utils import keccak

from tests.hunt.ground import BTC, COLLATERALS, ETH, SOL, SYMBOLS, USDC_UNIT, WAD
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
        targets = {"vault": scene.vault.address, "crowd": scene.crowd[0], "own": giver}
        terms = (targets[self.to], 0, self.collateral, self.raw)
        refused = scene.attempt(scene.clearing, giver, "deposit", *terms)
        scene.book.given += not refused and self.to != "own" and self.collateral > 0


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
    """The feed of a token stops, and time passes."""

    asset: int
    seconds: int

    def do(self, scene: Scene, each: int) -> None:
        scene.book.silent.add(self.asset)
        scene.wait(self.seconds)


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
                call = keccak(ground.withdrawal_of_maker(part, thief))
                scene.attempt(scene.clearing, ground.owner, "schedule", call)
            case "lie":
                scene.book.lie = WAD * part // 100
                scene.report()


@dataclass(frozen=True)
class Repeat:
    """The same again for each of so many accounts. Its moves are those of accounts only."""

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


def without_keys(sequence: Sequence, *keys: str) -> Sequence:
    """Without the moves of thieves, or of some of them."""
    return tuple(m for m in sequence if not isinstance(m, Key) or (keys and m.role not in keys))


def length(sequence: Sequence) -> int:
    """How much there is to do: moves, those of a Repeat as often as they come."""
    return sum(m.count * len(m.body) if isinstance(m, Repeat) else 1 for m in sequence)


# What moves money at once.
MARKET = ("bet", "pair", "close", "take", "liquidate", "index", "wait", "share", "flash")


def draw(
    random: Random, kinds: tuple[str, ...] = (), hands: tuple[int, ...] = tuple(range(HANDS))
) -> Move:
    """Any move, or one of some kinds."""
    kinds = kinds or tuple(DRAWN)
    kind = random.choices(kinds, [DRAWN[one][0] for one in kinds])[0]
    return DRAWN[kind][1](random, hands)


def _pair(random: Random, hands: tuple[int, ...]) -> Move:
    """Two accounts of the party trade with each other, or one with many."""
    one = Bet(random.choice(hands), *_bet(random))
    other = replace(one, who=EACH, side=-one.side, margin=random.choice(MARGINS))
    body = (one, other) if random.random() < 0.5 else (other, one)
    return Repeat(random.choice((1, 1, *COUNTS)), body)


def _bet(random: Random) -> tuple[int, int, int, int]:
    pick = random.choice
    return pick(MARKETS), pick(SIDES), pick(SIZES), pick(MARGINS)


# How often each kind is drawn, and how.
DRAWN: dict[str, tuple[int, Callable[[Random, tuple[int, ...]], Move]]] = {
    "bet": (28, lambda r, hands: Bet(r.choice(hands), *_bet(r))),
    "pair": (8, _pair),
    "close": (
        12,
        lambda r, hands: Close(r.choice(hands), r.choice(MARKETS), r.choice((16, 32, 64, 64))),
    ),
    "take": (3, lambda r, hands: Take(r.choice(hands))),
    "give": (
        6,
        lambda r, _: Give(
            r.choice(("vault", "crowd", "own")), r.randrange(len(COLLATERALS)), r.choice((1, 10**6))
        ),
    ),
    "liquidate": (
        10,
        lambda r, _: Liquidate(r.choice(MARKETS), r.random() < 0.5, r.random() < 0.5),
    ),
    "index": (
        9,
        lambda r, _: Index(r.choice((BTC, BTC, SOL, ETH)), r.choice(STEPS), r.choice(TIMES)),
    ),
    "silence": (5, lambda r, _: Silence(r.randrange(len(SYMBOLS)), r.choice(WAITS))),
    "wait": (4, lambda r, _: Wait(r.choice(WAITS))),
    "share": (7, lambda r, _: Share(r.choice(SHARES), r.choice((1, 16, 64)))),
    "flash": (2, lambda r, _: Flash()),
    "key": (4, lambda r, _: Key(*r.choice(KEYS))),
}


def changed(random: Random, move: Move) -> Move:
    """The same kind of move with one thing other than it was."""
    if isinstance(move, Repeat):
        if random.random() < 0.4:
            return replace(move, count=random.choice(COUNTS))
        at = random.randrange(len(move.body))
        body = (*move.body[:at], changed(random, move.body[at]), *move.body[at + 1 :])
        return replace(move, body=body)
    if isinstance(move, Key):
        return Key(*random.choice(KEYS))
    names = [f.name for f in fields(move)]  # type: ignore[arg-type]
    hands = (*range(HANDS), EACH) if getattr(move, "who", 0) == EACH else tuple(range(HANDS))
    for _ in range(200 if names else 0):
        other = draw(random, hands=hands)
        if type(other) is type(move):
            name = random.choice(names)
            return replace(move, **{name: getattr(other, name)})  # type: ignore[type-var]
    return move


def repeated(random: Random, body: Sequence) -> Repeat:
    """A run of moves for many accounts: one hand of it becomes each of them."""
    flat = tuple(move for move in body if isinstance(move, Bet | Close | Take))
    flat = flat or (Bet(0, *_bet(random)),)
    owners = sorted({move.who for move in flat})
    chosen = random.choice(owners)
    flat = tuple(replace(move, who=EACH) if move.who == chosen else move for move in flat)
    return Repeat(random.choice(COUNTS), flat)


def _one(who: int, each: int) -> int:
    return each if who == EACH else who
