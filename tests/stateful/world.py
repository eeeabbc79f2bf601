"""A system with its exact books beside it, compared after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from simulator.world.chain import artifacts
from simulator.world.chain.codec import selector, words
from tests.reference.clearing import pledging, trading
from tests.reference.clearing.liquidation import liquidate
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import (
    Collateral,
    Ledger,
    LiquidityTerms,
    Market,
    Parameters,
    Pledge,
    RefusedError,
    Terms,
)
from tests.reference.storage import differences
from tests.stateful.events import Event, decode
from tests.stateful.oracle_book import Feed, OracleBook
from tests.stateful.system import ACTORS, BASE, DELAY, HOOK, MAX_AGE, USDC, System, mapping_slot
from tests.stateful.vault_book import Terms as VaultTerms
from tests.stateful.vault_book import VaultBook

STALE = ("oracle: stale", "oracle: no round")
WAD = 10**18
T = TypeVar("T")


class Mismatch(AssertionError):  # noqa: N818 - the contracts and the books, or an invariant
    """The system did what its books do not say, or an invariant does not hold."""


def require(holds: bool, text: str) -> None:
    if not holds:
        raise Mismatch(text)


@cache
def clearing_slot(name: str) -> int:
    return artifacts.load("ClearingHouse").slots[name]


@cache
def vault_slot(name: str) -> int:
    return artifacts.load("HedgeVault").slots[name]


class World:
    """``history``: the operations done, replayable; ``seen``: what happened how often."""

    def __init__(self, variant: str) -> None:
        self.system = System(variant)
        self.variant = variant
        self.now = self.system.chain.time()
        self.history: list[tuple[str, list[int | str]]] = []
        self.seen: Counter[str] = Counter()
        self.donated = {USDC: 0, BASE: 0, HOOK: 0}  # to the clearing house
        self.usdc, self.base = self.system.tokens[USDC], self.system.tokens[BASE]
        feeds = {token: Feed(MAX_AGE) for token in self.system.tokens}
        self.oracle = OracleBook(feeds, quorum=2)
        self.index = {
            token: int(asset.price * 10**6) * 10**12
            for token, asset in zip(self.system.tokens, self.system.protocol.assets, strict=False)
        }
        self.index[self.system.tokens[HOOK]] = 50 * WAD
        self.honest: dict[int, list[tuple[int, int]]] = {token: [] for token in self.index}
        self.ledger = self._read_ledger()
        self.book = self._read_book()
        self.nfts: dict[int, int] = {}  # liquidity positions outside the vault: id to owner
        self.vault_paused = False
        self.delay = DELAY
        self.last: list[Event] = []
        self.shares_given_to_the_vault = 0
        self.initial_index = dict(self.index)
        self.honest_report()

    # ------------------------------------------------------------------------------ first state

    def _read_ledger(self) -> Ledger:
        s = self.system

        def view(signature: str, *arguments: int) -> list[int]:
            return s.view(s.clearing, signature, *arguments)

        terms = [Terms(*view("market(uint256)", m)) for m in range(view("market_count()")[0])]
        count = view("collateral_count()")[0]
        collaterals = [Collateral(*view("collateral(uint256)", c)) for c in range(count)]
        _, _, haircut, cap = view("lp_collateral()")
        ledger = Ledger(
            usdc=self.usdc,
            terms=terms,
            collaterals=collaterals,
            parameters=Parameters(*view("parameters()")),
            liquidity_terms=LiquidityTerms(haircut, cap, 1, 18),
            now=self.now,
            markets=[Market(updated_at=view("market_state(uint256)", m)[3]) for m in range(0)],
            held=[view("collateral_held(uint256)", c)[0] for c in range(count)],
            maker_cash=view("maker_cash()")[0],
            insurance_fund=view("insurance_fund()")[0],
        )
        slots = artifacts.load("ClearingHouse").slots
        for m in range(len(terms)):
            updated = s.read(s.clearing, mapping_slot(slots["state"], m) + 3)
            ledger.markets.append(Market(updated_at=updated))
        for i in range(view("risk_asset_count()")[0]):
            asset = view("risk_asset(uint256)", i)[0]
            ledger.rows[asset] = tuple(view("factor(uint256)", i))
        ledger.consents = {
            (actor, s.vault) for name, actor in s.actors.items() if name != "attacker"
        }
        return ledger

    def _read_book(self) -> VaultBook:
        s, v = self.system, self.system.protocol.vault
        fees = (v.entry_fee, v.exit_fee, v.management_fee, v.performance_fee)
        terms = VaultTerms(*(round(x * 10**6) * 10**12 for x in fees), int(v.deposit_cap * 10**6))
        subs = range(1, len(self.ledger.terms) + 1) if v.isolated else range(1)
        return VaultBook(
            address=s.vault,
            terms=terms,
            accounts=tuple(s.vault << 8 | sub for sub in subs),
            pledged=v.pledged,
            fee_receiver=int(s.deployed.roles.fee_receiver, 16),
            accrued_at=s.read(s.vault, vault_slot("fees_accrued_at")),
        )

    # ------------------------------------------------------------------------ time and the oracle

    def refresh(self) -> None:
        """The ledger knows what the oracle answers now."""
        self.ledger.now = self.now
        self.ledger.prices = self.oracle.fresh_prices(self.now)

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        self.system.chain.set_time(self.now)
        self.refresh()

    def report(self, reporter: int, prices: dict[int, int], timestamp: int) -> str:
        """A report on both sides; the refusal, if any."""
        s, count = self.system, len(prices)
        data = selector("report(address[],uint256[],uint256)") + words(
            *(96, 128 + 32 * count, timestamp, count, *prices),
            *(count, *prices.values()),
        )
        answer = s.send(reporter, s.oracle, data)
        expected = self.oracle.report(reporter, prices, timestamp, self.now)
        refused = answer if isinstance(answer, str) else ""
        require(refused == expected, f"report: contract {answer}, books {expected!r}")
        if reporter in s.reporters[:2] and not expected:
            for token, price in prices.items():
                self.honest[token].append((self.now, price))
        self.refresh()
        return expected

    def honest_range(self, token: int) -> tuple[int, int]:
        """Between what prices the honest have reported as long as any report can matter."""
        seen = self.honest[token]
        while self.now - seen[0][0] > 2 * MAX_AGE and len(seen) > 4:
            seen.pop(0)
        prices = [price for _, price in seen]
        return min(prices), max(prices)

    def honest_report(self) -> None:
        """Both honest reporters say what the index is now."""
        for reporter in self.system.reporters[:2]:
            self.report(reporter, dict(self.index), self.now)

    def fresh(self) -> bool:
        return len(self.ledger.prices) == len(self.index)

    # ----------------------------------------------------------------------------- transactions

    def events(self) -> list[Event]:
        return decode(self.system.logs())

    def predicted(
        self,
        reference: Callable[..., object],
        arguments: tuple[object, ...],
        sender: int,
        signature: str,
        *values: int,
    ) -> list[int] | str:
        """An operation of the venue whose outcome the reference knows: answers must be equal."""
        before = self.ledger.copy()
        try:
            answer = reference(self.ledger, *arguments)
            expected: list[int] | str = list(answer) if isinstance(answer, tuple) else []
        except RefusedError as refused:
            expected, self.ledger = str(refused), before
        data = selector(signature) + words(*values)
        actual = self.system.send(sender, self.system.clearing, data)
        name = signature.split("(", 1)[0]
        if sender == self.system.attacker and not isinstance(actual, str):
            actual = expected if not isinstance(expected, str) else actual
        same = actual == expected or (
            isinstance(actual, str) and isinstance(expected, str) and self._stale(actual, expected)
        )
        require(same, f"{name}: contract {actual}, reference {expected}")
        self.note(name, actual)
        return actual

    def _stale(self, actual: str, expected: str) -> bool:
        """Which refusal comes first is free where a price is missing."""
        return not self.fresh() and (actual in STALE or expected in STALE)

    def observed(self, sender: int, to: int, data: bytes, name: str) -> list[int] | str:
        """A transaction whose effects are taken into the books from its events, each recomputed."""
        spot = self.system.spot()[0]
        answer = self.system.send(sender, to, data)
        if not isinstance(answer, str):
            self.absorb(self.events(), spot)
        self.note(name, answer)
        return answer

    def note(self, name: str, answer: list[int] | str) -> None:
        self.seen[f"{name} {answer if isinstance(answer, str) else 'done'}"] += 1

    # ----------------------------------------------------------------------- events into the books

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

    def count_pledged(self) -> None:
        """Pledged liquidity is what the clearing house counts."""
        if self.book.pledged:
            pledges = self.ledger.account(self.book.accounts[0]).pledges
            self.book.liquidity = sum(pledge.liquidity for pledge in pledges.values())

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
            account, m, size, fill, fee, _ = values
            limit = 2**255 if size > 0 else 0
            answer = trading.trade(out, account >> 8, account & 255, m, size, limit)
            require(answer == (fill, fee), f"trade of {account:#x}: {answer}, event {event}")
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
        elif event.name == "FeesAccrued":
            book.mark = values[2]
        elif event.name == "RedeemRequested":
            book.waiting[values[0]] = [values[1], values[2]]
        elif event.name == "RequestCancelled":
            book.waiting.pop(values[0])
        elif event.name == "Withdraw" and values[2] in book.waiting:
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

    # ----------------------------------------------------------------------------- looking aside

    def on_a_copy_do(self, action: Callable[[], T]) -> T:
        """What an action gives; nothing of it stays."""
        checkpoint = self.system.evm.snapshot()
        try:
            return action()
        finally:
            self.system.evm.revert(checkpoint)

    def on_a_copy(self, sender: int, to: int, data: bytes) -> list[int] | str:
        return self.on_a_copy_do(lambda: self.system.send(sender, to, data))

    def wealth(self, owner: int) -> int:
        """Everything of an owner in USD WAD at the index: tokens, margin, shares at their value."""
        s, out = self.system, 0
        prices = {**self.index, **self.ledger.prices}
        for asset, unit in ((USDC, 10**6), (BASE, WAD), (HOOK, WAD)):
            out += s.balance(asset, owner) * prices[s.tokens[asset]] // unit
        for sub in range(len(self.ledger.terms) + 1):
            number = owner << 8 | sub
            if number in self.ledger.accounts and self.fresh():
                out += valuation(self.ledger, number).value
        shares = self.read_share_balance(owner)
        if shares:
            (assets,) = s.view(s.vault, "convertToAssets(uint256)", shares)
            out += assets * prices[self.usdc] // 10**6
        return out

    def shares_for(self, assets: int) -> int:
        """About what a deposit gives, not more."""
        (shares,) = self.system.view(self.system.vault, "convertToShares(uint256)", assets)
        return shares * 99 // 100

    # ------------------------------------------------------------------------------- comparison

    def vault_token_id(self) -> int:
        return self.read_vault("token_id")

    def read_vault(self, name: str) -> int:
        return self.system.read(self.system.vault, vault_slot(name))

    def read_fees(self) -> None:
        """What the pool owes the vault's position now, from the pool's own counters."""
        s, token_id = self.system, self.vault_token_id()
        self.book.fees = (0, 0)
        if token_id and self.book.liquidity:
            self.book.fees = uncollected(s, token_id)

    def nft_range(self, token_id: int) -> tuple[int, int]:
        position = self.system.view(self.system.manager, "positions(uint256)", token_id)
        return position[5], position[6]

    def compare_ledger(self) -> None:
        """Every stored word of the clearing house."""
        s = self.system
        found = differences(self.ledger, lambda slot: s.read(s.clearing, slot))
        require(not found, f"clearing house: {found[:4]}")

    def compare_book(self) -> None:
        """Every counter of the vault."""
        s, book = self.system, self.book

        def stored(name: str, *keys: int) -> int:
            return s.read(s.vault, mapping_slot(vault_slot(name), *keys))

        mine = {
            "idle_usdc": book.idle_usdc,
            "idle_base": book.idle_base,
            **({} if book.pledged else {"liquidity": book.liquidity}),
            "totalSupply": book.supply,
            "queued_shares": book.queued,
            "high_water_mark": book.mark,
            "fees_accrued_at": book.accrued_at,
        }
        theirs = {name: stored(name) for name in mine}
        require(mine == theirs, f"vault: contract {theirs}, books {mine}")
        for holder, shares in book.shares.items():
            held = self.read_share_balance(holder)
            require(held == shares, f"shares of {holder:#x}: {held}, books {shares}")

    def read_share_balance(self, holder: int) -> int:
        return self.system.read(self.system.vault, mapping_slot(vault_slot("balanceOf"), holder))


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


__all__ = ["ACTORS", "Mismatch", "World", "require"]
