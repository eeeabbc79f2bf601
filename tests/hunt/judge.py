"""What is wrong after a sequence: profit, harm, a loss out of turn, a denial.

* profit: what the party has at the index once it has closed everything, beyond what each of its
  accounts would have had from the index alone, none below nothing: more is somebody else's money.
  The index is the one the oracle was told: leaving at an old price while the feed is silent and the
  price young is an option on the oracle's lateness, worth the move it hides, whatever the rules.
* harm: what bystanders, vault or insurance have less than had the party not been there.
* out of turn: maker or traders bear a loss while those who won from the account could pay it.
* denial: a call that must succeed is refused, and would not have been without the party.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from eth_utils import keccak

from simulator.chain.evm.codec import Reverted, reason
from tests.hunt.ground import BTC, CASH_UNIT, MARKETS, MAX_AGE, PRICES, SOL, USDC, USDC_UNIT, WAD
from tests.hunt.moves import Sequence, nature
from tests.hunt.scene import Book, Scene, Void

# Basis points of the index by which nobody who was let in comes near maintenance, so that a gain of
# the party's is nobody's fault but the venue's. Further away accounts fail, what closing them costs
# is the backstop's, and whoever takes the other side earns the skew: no profit is judged there.
CALM = 205
# Below these nobody would bother, USD: a party's profit, and what others lose by other causes than
# prices (funding of a skew that is paid for, say).
PROFIT, HARM = 1_000, 10_000
# A place in the market may be bought. Refusing everybody else one for less than this is a denial.
PLACE = 50_000 * USDC_UNIT
SMALL_BET = 1_000  # USD, of the newcomer
SHOCKS = (WAD * 8 // 10, WAD * 12 // 10)
FULL = ("clearing: open interest cap", "clearing: inventory limit", "clearing: too many accounts")
REDUCERS = (2, 3, 8, 9)  # of the crowd: a long and a short in each market
# Refusals that say something else has happened or must happen first.
GATED = {"redeem", "settle_withdrawals", "withdraw", "top_up"}
# A bankruptcy of less, USDC, is no reason to hold everybody's withdrawals back.
GATE_DEBT = 100
FAIR = {
    "redeem": ("vault: withdrawals queued",),
    "top_up": ("vault: margin sufficient", "vault: no idle assets"),
    "deleverage": ("vault: margin sufficient",),
    "open": ("clearing: paused",),
}


@dataclass
class Verdict:
    """``findings``: what it is to how many USD of it (1 for a denial)."""

    profit: int = 0  # USD, also where it is no finding
    findings: dict[str, int] = field(default_factory=dict)
    cell: tuple[int, ...] = ()  # how things are bent, coarsely
    calm: bool = False  # no index went far
    keys: frozenset[str] = frozenset()  # roles whose key was used


class Judge:
    """Plays sequences on one scene. What happens without the party is kept by what nature does."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.without: dict[tuple[Sequence, bool], tuple[dict[str, str], dict[str, int]]] = {}

    def judge(self, sequence: Sequence, *, denials: bool = True) -> Verdict:
        """Play a sequence from the beginning; ``denials``: try the calls that must succeed."""
        verdict, scene = Verdict(), self.scene
        try:
            self._play(sequence)
        except Void:
            scene.restart()
            return verdict
        book = scene.book
        scene.look_thin()
        calls = self._calls() | self._liquidations() if denials else {}
        gated = int(scene.clearing.call("gate_until")) > scene.chain.time() and (
            int(scene.clearing.call("bad_debt")) >= GATE_DEBT * WAD
        )
        bent = self._bent()
        bets, paid = scene.bets(), sum(book.paid.values())
        scene.unwind()
        verdict.profit = (scene.wealth() - bets) // WAD
        debt = int(scene.clearing.call("bad_debt")) // WAD
        assets, out_of_turn = self._assets(), book.out_of_turn // WAD
        calm = verdict.calm = book.furthest <= CALM
        verdict.keys = frozenset(book.keys)
        verdict.cell = (*bent, len(str(max(debt, 0))))
        scene.restart()
        reference, others = (
            self._reference(nature(sequence), denials) if denials or calm else ({}, {})
        )
        if verdict.profit > PROFIT and calm:
            verdict.findings["profit"] = verdict.profit
        if out_of_turn:
            verdict.findings["out of turn"] = out_of_turn
        gap = _gap(book)
        for whose, had in others.items():
            lost = (had - assets[whose]) // WAD - (gap if whose == "insurance" else 0)
            if lost > HARM and calm:
                verdict.findings[f"harm to {whose}"] = lost
        for name, refusal in calls.items():
            kind = name.split(" ")[0]
            if gated and kind in GATED:
                continue
            if refusal and not reference.get(name, "") and refusal not in FAIR.get(kind, ()):
                if kind == "open" and refusal in FULL and paid > PLACE:
                    continue
                verdict.findings[f"denial of {kind}: {refusal}"] = 1
        return verdict

    def _bent(self) -> tuple[int, ...]:
        """How things stand before the party leaves, coarsely: what a search tells apart."""
        book, clearing = self.scene.book, self.scene.clearing
        seats = len(clearing.call("holders", 0))
        return (
            min(book.skew // 250_000, 40),
            min(book.thinnest, 2_100_000) // 100_000,
            book.brink.bit_length() // 2,
            (seats >= 32) + (seats >= 60),
            min(book.given, 1),
            min(sum(age > MAX_AGE for age in self._ages()), 2),
            book.furthest > CALM,
            bool(book.keys),
        )

    def _ages(self) -> list[int]:
        """Seconds since the last round of each feed."""
        s = self.scene
        rounds = [s.oracle.call("latest", token.address)[1] for token in s.ground.tokens]
        return [s.chain.time() - at for at in rounds]

    def _play(self, sequence: Sequence) -> None:
        for move in sequence:
            move.do(self.scene, 0)
        if self.scene.book.flash:
            self.scene.book.flash = False  # unwinding pays it back within the block

    def _reference(self, moves: Sequence, denials: bool) -> tuple[dict[str, str], dict[str, int]]:
        """How calls are refused and what others have when the party does nothing."""
        if (moves, denials) not in self.without:
            self._play(moves)
            calls = self._calls() if denials else {}
            self.without[moves, denials] = calls, self._assets()
            self.scene.restart()
        return self.without[moves, denials]

    def _assets(self) -> dict[str, int]:
        """USD WAD of those who are not the party, at the index."""
        scene = self.scene
        return {
            "the crowd": sum(map(scene.at_index, scene.crowd)),
            "the vault": int(scene.vault.call("totalAssets")) * CASH_UNIT,
            "insurance": int(scene.clearing.call("insurance_fund")),
        }

    # -------------------------------------------------------------------------------------- calls

    def _calls(self) -> dict[str, str]:
        """Calls that must succeed, each on the state as it is, and how each is refused."""
        s, vault, clearing = self.scene, self.scene.vault, self.scene.clearing
        who, flat = s.depositor, s.flat
        shares = int(vault.call("balanceOf", who))

        def settle() -> str:
            return s.attempt(vault, who, "request_redeem", shares, who) or s.attempt(
                vault, who, "settle_withdrawals", WAD // 10
            )

        def withdraw(holder: str, raw: int) -> Callable[[], str]:
            return lambda: s.attempt(clearing, holder, "withdraw", 0, USDC, raw, holder)

        def keep(function: str, rise: int) -> Callable[[], str]:
            def call() -> str:
                self._shock(rise)
                return s.attempt(vault, s.keeper, function)

            return call

        def guard(function: str, *arguments: bytes) -> Callable[[], str]:
            return lambda: s.attempt(clearing, s.ground.guardian, function, *arguments)

        calls: dict[str, Callable[[], str]] = {
            "redeem little": lambda: s.attempt(vault, who, "redeem", shares // 100, who, who),
            "redeem half": lambda: s.attempt(vault, who, "redeem", shares // 2, who, who),
            "settle_withdrawals": settle,
            "redeem_in_kind": lambda: s.attempt(vault, who, "redeem_in_kind", shares // 2, s.heir),
            "withdraw when flat": withdraw(flat, 10_000 * USDC_UNIT),
            "withdraw spare margin": withdraw(s.crowd[6], USDC_UNIT),
            "top_up": keep("top_up", WAD * 136 // 100),
            "deleverage": keep("deleverage", WAD * 15 // 10),
            "deposit margin": lambda: s.put(s.crowd[0], USDC_UNIT),
            "cancel": guard("cancel", keccak(s.drain)),
            "open": self._open,
        }
        for i in REDUCERS:
            trader, market = s.crowd[i], 0 if i < 8 else 1
            size = s.size(trader, market)
            if size:
                calls[f"reduce {i}"] = _later(s.trade, trader, market, -size // 2)
        return {name: self._undone(call) for name, call in calls.items()}

    def _undone(self, call: Callable[[], str]) -> str:
        with self.scene.ground.undone():
            return call()

    def _open(self) -> str:
        """The newcomer, on one side or the other of the first market."""
        s = self.scene
        size = SMALL_BET * WAD // PRICES[MARKETS[0]]
        return s.put(s.newcomer, SMALL_BET * USDC_UNIT) or (
            s.trade(s.newcomer, 0, size) and s.trade(s.newcomer, 0, -size)
        )

    def _shock(self, factor: int) -> None:
        """Both markets go there at once, where their feeds still speak."""
        scene, was = self.scene, list(self.scene.book.prices)
        for asset in (BTC, SOL):
            scene.book.prices[asset] = was[asset] * factor // WAD
        scene.report()
        scene.book.prices = was

    def _liquidations(self) -> dict[str, str]:
        """Whoever is below maintenance after a shock can be liquidated in a market that speaks."""
        scene, found = self.scene, {}
        if USDC in scene.book.silent:
            return {}
        people = [*scene.crowd[:4], *(scene.sybils[i] for i in sorted(scene.book.used)[:6])]
        for number, factor in enumerate(SHOCKS):
            with scene.ground.undone():
                self._shock(factor)
                for who in people:
                    _, _, equity, _, maintenance = scene.state(who)
                    for market in range(len(MARKETS)) if equity < maintenance else ():
                        if MARKETS[market] not in scene.book.silent and scene.size(who, market):
                            name = f"liquidate {people.index(who)} {market} {number}"
                            found[name] = self._undone(_later(self._end, who, market))
        return found

    def _end(self, who: str, market: int) -> str:
        scene, account = self.scene, self.scene.ground.account(who)
        try:
            scene.clearing.transact(scene.keeper, "liquidate", account, market)
        except Reverted as reverted:
            return reason(reverted.data)
        return ""


def _later(function: Callable[..., str], *arguments: object) -> Callable[[], str]:
    return lambda: function(*arguments)


def _gap(book: Book) -> int:
    """USD by which the index alone took accounts of the party below nothing."""
    short = 0
    for number, gain in book.bets.items():
        short += max(-gain - book.paid.get(number, 0) * CASH_UNIT, 0)
    return short // WAD
