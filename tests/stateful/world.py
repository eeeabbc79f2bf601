"""A system with its exact books beside it, compared after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import selector, words
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import (
    Collateral,
    Ledger,
    LiquidityTerms,
    Market,
    Parameters,
    RefusedError,
    Terms,
)
from tests.reference.integers import WAD
from tests.reference.storage import differences
from tests.stateful.absorbing import Absorbing, uncollected
from tests.stateful.events import Event, decode
from tests.stateful.genesis import BASE, DELAY, HOOK, MAX_AGE, USDC
from tests.stateful.mismatch import require
from tests.stateful.oracle_book import Feed, OracleBook
from tests.stateful.system import System, mapping_slot, vault_slot
from tests.stateful.vault_book import Terms as VaultTerms
from tests.stateful.vault_book import VaultBook

STALE = ("oracle: stale", "oracle: no round")
T = TypeVar("T")


class World(Absorbing):
    """``history``: the operations done, replayable; ``seen``: what happened how often."""

    def __init__(self, variant: str) -> None:
        self.system = System(variant)
        self.variant = variant
        self.now = self.system.chain.time()
        self.history: list[tuple[str, list[int | str]]] = []
        self.seen: Counter[str] = Counter()
        self.donated = {USDC: 0, BASE: 0, HOOK: 0}  # to the clearing house
        self.usdc, self.base = self.system.tokens[USDC], self.system.tokens[BASE]
        self.oracle = OracleBook({t: self._feed(t) for t in self.system.tokens}, quorum=2)
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

    def _feed(self, token: int) -> Feed:
        s = self.system
        return Feed(MAX_AGE, s.view(s.oracle, "deviation(address)", token)[0])

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
            deepest=[view("deepest(uint256)", m)[0] for m in range(len(terms))],
            deviation={token: self._feed(token).deviation for token in s.tokens},
            now=self.now,
            held=[view("collateral_held(uint256)", c)[0] for c in range(count)],
            insurance_fund=view("insurance_fund()")[0],
        )
        slots = artifacts.load("ClearingHouse").slots
        for m in range(len(terms)):
            updated = s.read(s.clearing, mapping_slot(slots["state"], m) + 3)
            (maker,) = view("maker_cash(uint256)", m)
            ledger.markets.append(Market(updated_at=updated, maker_cash=maker))
        for i in range(view("risk_asset_count()")[0]):
            asset = view("risk_asset(uint256)", i)[0]
            ledger.rows[asset] = tuple(view("factor(uint256)", i))
        ledger.consents = {
            (actor, s.vault) for name, actor in s.actors.items() if name != "attacker"
        }
        return ledger

    def _read_book(self) -> VaultBook:
        s, v = self.system, self.system.protocol.vault
        fees = ("entry_fee", "exit_fee", "management_fee", "performance_fee")
        terms = VaultTerms(
            **{name: round(getattr(v, name) * 10**6) * 10**12 for name in fees},
            deposit_cap=int(v.deposit_cap * 10**6),
        )
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
        self.ledger.prices = self.oracle.last_prices()
        self.ledger.silent = self.oracle.silent(self.now)

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
        return len(self.ledger.served) == len(self.index)

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
        prices = {**self.index, **self.ledger.served}
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

    def read_fees(self) -> None:
        """What the pool owes the vault's position now, from the pool's own counters."""
        s, token_id = self.system, self.vault_token_id()
        self.book.fees = (0, 0)
        if token_id:  # also of an NFT that a liquidation has emptied
            self.book.fees = uncollected(s, token_id)

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
