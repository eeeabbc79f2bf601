"""What a transaction did, taken into the books from its events, each recomputed."""

from __future__ import annotations

from functools import cache

from simulator.chain.evm.codec import words
from tests.reference.clearing import pledging, trading, waterfall
from tests.reference.clearing.liquidation import liquidate
from tests.reference.clearing.state import (
    Ledger,
    Pledge,
    RefusedError,
)
from tests.reference.integers import WAD
from tests.stateful.events import Event
from tests.stateful.mismatch import Mismatch, require
from tests.stateful.system import System, vault_slot
from tests.stateful.vault_book import VaultBook


class Absorbing:
    """The part of a :class:`~tests.stateful.world.World` that reads events."""

    system: System
    ledger: Ledger
    book: VaultBook
    usdc: int
    base: int
    last: list[Event]

    def nft_range(self, token_id: int) -> tuple[int, int]:
        position = self.system.view(self.system.manager, "positions(uint256)", token_id)
        return position[5], position[6]

    def absorb(self, events: list[Event], spot: int) -> None:
        """What a transaction did, replayed on the ledger and the vault's books."""
        s = self.system
        self.last = events
        queue = list(events)
        while queue:
            event = queue.pop(0)
            if event.contract == s.clearing:
                if event.name in ("LiquidityReleased", "LiquidityPledged"):
                    self._absorb_rearrangement(event, queue)
                else:
                    self._absorb_venue(event, queue, spot)
            elif event.contract == s.vault:
                self._absorb_vault(event)
        self._absorb_transfers(events)
        self.count_pledged()

    def vault_token_id(self) -> int:
        return self.read_vault("token_id")

    def read_vault(self, name: str) -> int:
        return self.system.read(self.system.vault, vault_slot(name))

    def count_pledged(self) -> None:
        """Pledged liquidity is what the clearing house counts.

        Of an NFT that a liquidation has emptied, which is back in the vault's hands: what is in it
        now, by whomever, up to what the vault once put there (SPEC §4.2).
        """
        if not self.book.pledged:
            return
        pledges = self.ledger.account(self.book.accounts[0]).pledges
        self.book.liquidity = sum(pledge.liquidity for pledge in pledges.values())
        token_id = self.vault_token_id()
        if token_id and not pledges:
            held = self.system.view(self.system.manager, "positions(uint256)", token_id)[7]
            self.book.liquidity = min(held, self.read_vault("liquidity"))

    def _absorb_venue(self, event: Event, queue: list[Event], spot: int) -> None:
        out, values = self.ledger, event.values
        if event.name == "Deposited":
            account, c, _, raw = values
            trading.deposit(out, account >> 8, account & 255, c, raw)
        elif event.name == "Withdrawn":
            account, c, _, raw = values
            trading.withdraw(out, account >> 8, account & 255, c, raw)
        elif event.name == "MarginTransferred":
            giver, taker, raw = values
            trading.transfer_margin(out, giver >> 8, giver & 255, taker & 255, raw)
        elif event.name == "Traded":
            account, m, size, fill, fee, premium, _ = values
            limit, pool = 2**255 if size > 0 else 0, out.markets[m].pool
            answer = trading.trade(out, account >> 8, account & 255, m, size, limit)
            paid = (*answer, out.markets[m].pool - pool)
            require(paid == (fill, fee, premium), f"trade of {account:#x}: {paid}, event {event}")
        elif event.name == "Liquidated":
            account, m, caller, size, _, penalty = values
            answer = liquidate(out, caller, account, m)
            require(answer == (size, penalty), f"liquidation: {answer}, event {event}")
        elif event.name == "SliceTransferred":
            giver, taker, fraction = values
            self._absorb_slice(giver, taker, fraction, queue, spot)

    def _absorb_slice(
        self, giver: int, taker: int, fraction: int, queue: list[Event], spot: int
    ) -> None:
        out, account = self.ledger, self.ledger.account(giver)
        trading.transfer_slice(out, giver >> 8, giver & 255, fraction, taker >> 8)
        for token_id, pledge in list(account.pledges.items()):
            part = pledge.liquidity * fraction // WAD
            base, usdc = pledging.burn(out, giver, token_id, part, spot)
            fees = tuple(fee * fraction // WAD for fee in self.book.fees)
            out.held[1] += fees[0]
            out.held[0] += fees[1]
            trading.credit(out, out.account(taker), 1, base + fees[0])
            trading.credit(out, out.account(taker), 0, usdc + fees[1])
        waterfall.end(out)

    def _absorb_rearrangement(self, first: Event, queue: list[Event]) -> None:
        """NFTs lent, given back, and USDC paid in, checked once: one operation of the reference."""
        if first.name == "LiquidityReleased" and any(
            e.name == "SliceTransferred" and e.values[0] == first.values[0] for e in queue
        ):
            return  # an emptied NFT goes back to its owner: part of the slice
        account = first.values[0]
        lent = [first.values[1]] if first.name == "LiquidityReleased" else []
        returned: dict[int, Pledge] = {}
        group = [first] if first.name == "LiquidityPledged" else []
        usdc = 0
        kept: list[Event] = []
        done = False
        while queue and not done:
            event = queue.pop(0)
            if event.contract != self.system.clearing:
                kept.append(event)
            elif event.name == "LiquidityPledged":
                group.append(event)
            elif event.name == "Deposited" and not usdc and event.values[1] == 0:
                usdc, done = event.values[3], True
            else:
                kept.append(event)
                done = True
        queue[:0] = kept
        for event in group:
            lower, upper = self.nft_range(event.values[1])
            returned[event.values[1]] = Pledge(event.values[2], lower, upper)
        try:
            pledging.rearrange(self.ledger, account >> 8, account & 255, lent, returned, usdc)
        except RefusedError as refused:
            raise Mismatch(f"rearrange done, reference refuses: {refused}") from None

    def _absorb_vault(self, event: Event) -> None:
        book, values = self.book, event.values
        if event.name == "Transfer":
            book.move(*values)
            if not values[1]:
                book.burnt_from = values[0]
        elif event.name == "FeesAccrued":
            book.mark = values[2]
        elif event.name == "RedeemRequested":
            book.waiting[values[0]] = [values[1], values[2]]
        elif event.name == "RequestCancelled":
            book.waiting.pop(values[0])
        elif event.name == "Withdraw" and book.burnt_from == book.address:
            # Shares of the vault's own: a settlement, not an exit beside the line.
            book.leave_queue(values[2], values[4])
        elif event.name == "Recentered":
            book.lower, book.upper, book.liquidity = values
        elif event.name == "Unwound":
            book.liquidity -= values[1]

    def _absorb_transfers(self, events: list[Event]) -> None:
        """Tokens in and out of the vault: its own doing, deposits, or gifts."""
        s, book = self.system, self.book
        own = {s.clearing, s.pool, s.manager}
        paid_in = sum(e.values[2] for e in events if e.contract == s.vault and e.name == "Deposit")
        for event in events:
            if event.name != "Transfer" or event.contract not in (self.usdc, self.base):
                continue
            sender, receiver, raw = event.values
            kind = "usdc" if event.contract == self.usdc else "base"
            if receiver == s.vault:
                gift = sender not in own
                if gift and kind == "usdc":
                    taken = min(paid_in, raw)
                    paid_in -= taken
                    book.idle_usdc += taken
                    raw -= taken
                place = f"{'donated' if gift else 'idle'}_{kind}"
                setattr(book, place, getattr(book, place) + raw)
            if sender == s.vault:
                setattr(book, f"idle_{kind}", getattr(book, f"idle_{kind}") - event.values[2])


def uncollected(s: System, token_id: int) -> tuple[int, int]:
    """Fees a position of the manager could collect: tokensOwed and the growth since."""
    position = s.view(s.manager, "positions(uint256)", token_id)
    lower, upper, liquidity = position[5:8]
    tick = s.spot()[1]

    def word(slot: int) -> int:
        return s.read(s.pool, slot)

    fees = []
    for i in range(2):
        everywhere = word(1 + i)
        below = word(mapping_slot_solidity(5, lower) + 1 + i)
        above = word(mapping_slot_solidity(5, upper) + 1 + i)
        below = below if tick >= lower else everywhere - below
        above = above if tick < upper else everywhere - above
        grown = (everywhere - below - above - position[8 + i]) % 2**256
        fees.append(position[10 + i] + liquidity * grown // 2**128)
    return fees[0], fees[1]


@cache
def mapping_slot_solidity(slot: int, key: int) -> int:
    from eth_utils import keccak

    return int.from_bytes(keccak(words(key, slot)), "big")
