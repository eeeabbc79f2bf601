"""Who is there when a hunt begins, what the party can do, and what it and the others then have.

The party owns 64 margin accounts, each with a wallet that is never short; how much of its own and
borrowed money it may use at a time is counted beside. Others: a crowd of traders at mixed leverage,
a vault with a depositor and his heir, a user who is flat, a newcomer. Amounts are raw or WAD.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_utils import keccak

from simulator.chain.evm.codec import (
    MAX_UINT256,
    Reverted,
    encode_with_arrays,
    reason,
    selector,
)
from tests.hunt.ground import (
    CASH_UNIT,
    COLLATERALS,
    ETH,
    HALF_SPREAD,
    INITIAL_MULTIPLE,
    INVENTORY,
    MAINTENANCE,
    MARKETS,
    PRICES,
    SYMBOLS,
    TAKER_FEE,
    USDC,
    USDC_UNIT,
    WAD,
    Ground,
)
from tests.hunt.quick import QuickContract

SYBILS = 64
WALLET = 10**9 * USDC_UNIT
OWN, FLASH = 50_000_000 * USDC_UNIT, 200_000_000 * USDC_UNIT
# Of the crowd: market, notional in USD, margin as a fraction of it; a long and a short of each.
CROWD = (
    *((0, 1_000_000, 0.12), (0, 1_000_000, 0.16), (0, 1_000_000, 0.35), (0, 1_000_000, 0.7)),
    *((1, 1_000_000, 0.12), (1, 1_000_000, 0.35)),
)
FLAT, DEPOSITED = 100_000 * USDC_UNIT, 1_000_000 * USDC_UNIT
BETAS = [WAD * 3 // 4, WAD // 4]
BLOCK = 12  # seconds
THIN = 1_250_000  # E/M, millionths, of an account near liquidation
REPORT = selector("report(address[],uint256[],uint256)")
ROUNDS = 40  # of unwinding
FURTHEST = 25  # per cent by which an index leaves where it began


class Void(Exception):  # noqa: N818 - not an error: the sequence could not have happened
    """A flash loan was not paid back at the end of its block."""


@dataclass
class Book:
    """What is remembered of one sequence; a new one for each."""

    prices: list[int] = field(default_factory=lambda: [price * WAD for price in PRICES])
    silent: set[int] = field(default_factory=set)  # assets whose feed has stopped
    lie: int = WAD  # what the thief among the reporters multiplies prices by
    used: set[int] = field(default_factory=set)  # accounts of the party
    bets: dict[int, int] = field(default_factory=dict)  # USD WAD: what the index alone gave them
    paid: dict[int, int] = field(default_factory=dict)  # raw USDC: deposits less withdrawals
    closed: dict[int, tuple[int, int]] = field(default_factory=dict)  # account: market, size last
    flash: bool = False  # borrowed, and the block is not over
    keys: set[str] = field(default_factory=set)  # roles whose key the party has used
    given: int = 0  # times something got into another's account that is priced by a feed of its own
    furthest: int = 0  # basis points by which an index was away from where it began
    skew: int = 0  # most |k| seen, millionths of S
    thinnest: int = 10**9  # least E/M of an account of the party, millionths
    brink: int = 0  # notional of its accounts near liquidation, thousandths of S
    out_of_turn: int = 0  # USD WAD that others paid while winners stood


class Scene:
    """One deployment with its people, from which every sequence starts anew."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.chain = ground, ground.chain
        self.clearing, self.vault, self.oracle = ground.clearing, ground.vault, ground.oracle
        named = self.chain.account
        self.sybils = [named(f"sybil {i}") for i in range(SYBILS)]
        self.crowd = [named(f"crowd {i}") for i in range(2 * len(CROWD))]
        self.depositor, self.heir, self.keeper = named("depositor"), named("heir"), named("keeper")
        self.flat, self.newcomer, self.thief = named("flat"), named("newcomer"), named("thief")
        self.index = {int(s, 16) << 8: i for i, s in enumerate(self.sybils)}
        self.book = Book()
        self.report()
        self._people()
        self.drain = ground.withdrawal_of_maker(10**12, self.thief)
        self.clearing.transact(ground.owner, "schedule", keccak(self.drain))
        self.fresh = self.chain.evm.snapshot()
        self.began = self.chain.time()

    def restart(self) -> None:
        """Back to the beginning. A reverted mark is gone, so a new one is made."""
        self.chain.evm.revert(self.fresh)
        self.fresh = self.chain.evm.snapshot()
        self.chain.set_time(self.began)
        self.book = Book()

    # ------------------------------------------------------------------------------------- people

    def _people(self) -> None:
        ground = self.ground
        everyone = (*self.crowd, self.depositor, self.flat, self.newcomer, *self.sybils)
        for who in everyone:
            ground.mint(USDC, who, WALLET)
            ground.approve(who)
        for asset in COLLATERALS[1:]:
            ground.mint(asset, self.sybils[0], 10**24)
        self.put(self.flat, FLAT)
        for i, (market, usd, part) in enumerate(CROWD):
            size = usd * WAD // PRICES[MARKETS[market]]
            for who, delta in ((self.crowd[2 * i], size), (self.crowd[2 * i + 1], -size)):
                self.put(who, int(usd * part) * USDC_UNIT)
                self._done(self.trade(who, market, delta))
        self.vault.transact(self.depositor, "deposit", DEPOSITED, self.depositor)
        self.vault.transact(ground.beta_manager, "post_betas", BETAS)
        deep = [(low, high, 20 * amount) for low, high, amount in ground.background]
        ground.provider.transact(ground.liquidity_owner, "set_liquidity", deep)
        for function in ("recenter", "rebalance"):
            self.vault.transact(self.keeper, function)
        self.clearing.transact(self.heir, "set_slice_consent", self.vault.address, True)
        self.clearing.transact(self.sybils[0], "set_slice_consent", self.vault.address, True)

    def _done(self, refusal: str) -> None:
        assert not refusal, refusal

    # ---------------------------------------------------------------------------------- operations

    def attempt(self, contract: QuickContract, sender: str, function: str, *arguments: Any) -> str:
        """The reason of a refusal; empty when it was done."""
        try:
            contract.transact(sender, function, *arguments)
        except Reverted as reverted:
            return reason(reverted.data)
        return ""

    def put(self, who: str, raw: int) -> str:
        """Margin of one's own."""
        return self.attempt(self.clearing, who, "deposit", who, 0, USDC, raw)

    def trade(self, who: str, market: int, delta: int) -> str:
        limit = MAX_UINT256 if delta > 0 else 0
        return self.attempt(self.clearing, who, "trade", 0, market, delta, limit)

    def size(self, who: str, market: int) -> int:
        return int(self.clearing.call("position", self.ground.account(who), market)[0])

    def skew(self, market: int) -> int:
        return int(self.clearing.call("last_market_state", market)[0])

    def state(self, who: str) -> tuple[int, ...]:
        """Balance, value, E, E0, M at the last prices, WAD."""
        found: tuple[int, ...] = self.clearing.call("last_account_state", self.ground.account(who))
        return found

    def limit(self, market: int) -> int:
        """S in base units WAD: a terms' one, whatever a stolen key makes of the depth."""
        return INVENTORY * WAD // PRICES[MARKETS[market]]

    # -------------------------------------------------------------------------------- of the party

    def bet(self, number: int, market: int, delta: int, margin: int) -> bool:
        """Post what ``delta`` needs times ``margin`` (millionths; 0: nothing) and trade.

        Not more than the inventory leaves: whoever wants the most asks for no more.
        """
        who, book = self.sybils[number], self.book
        delta = self._fitting(market, delta)
        price = book.prices[MARKETS[market]]
        notional = abs(delta) * price // WAD
        rate = INITIAL_MULTIPLE * MAINTENANCE // WAD + HALF_SPREAD + TAKER_FEE * 11 // 10
        raw = notional * rate // WAD * margin // 10**6 // CASH_UNIT + (1 if margin else 0)
        if not self._pay(number, raw):
            return False
        done = not self.trade(who, market, delta)
        self.look_bent(market)
        return done

    def _fitting(self, market: int, delta: int) -> int:
        """As much of a trade as the inventory has room for, all of it where there is none."""
        skew, most = self.skew(market), self.limit(market) * (10**9 - 1) // 10**9
        room = most - skew if delta > 0 else most + skew
        if 0 < room < abs(delta):
            return room if delta > 0 else -room
        return delta

    def _pay(self, number: int, raw: int) -> bool:
        book = self.book
        allowed = OWN + (FLASH if book.flash else 0)
        if sum(book.paid.values()) + raw > allowed or (raw and self.put(self.sybils[number], raw)):
            return False
        book.used.add(number)
        book.paid[number] = book.paid.get(number, 0) + raw
        return True

    def close(self, number: int, market: int, part: int) -> bool:
        """A part, in 1/64, of what an account holds, but not beyond what the inventory leaves."""
        who = self.sybils[number]
        size = self.size(who, market)
        if number not in self.book.used or not size:
            return False
        delta = self._fitting(market, -size if part == 64 else -size * part // 64)
        account = self.ground.account(who)
        self.book.closed[account] = (market, size)
        done = self._charging(account, lambda: self.trade(who, market, delta)) == ""
        self.look_bent(market)
        return done

    def take(self, number: int) -> bool:
        """Withdraw all that may be."""
        account = self.ground.account(self.sybils[number])
        try:
            raw = int(self.clearing.call("withdrawable", account, INITIAL_MULTIPLE))
        except Reverted:  # without a price
            return False
        return raw > 0 and self._withdraw(number, raw)

    def _withdraw(self, number: int, raw: int) -> bool:
        who = self.sybils[number]
        if self.attempt(self.clearing, who, "withdraw", 0, USDC, raw, who):
            return False
        self.book.paid[number] = self.book.paid.get(number, 0) - raw
        return True

    def look_bent(self, market: int) -> None:
        """How far the party has bent things, which is what a search goes by before it pays."""
        book = self.book
        book.skew = max(book.skew, abs(self.skew(market)) * 10**6 // self.limit(market))

    # ----------------------------------------------------------------------------- of anybody

    def liquidate(self, who: str, market: int) -> str:
        account = self.ground.account(who)
        size = self.size(who, market)
        if size:
            self.book.closed[account] = (market, size)
        return self._charging(
            account,
            lambda: self.attempt(self.clearing, self.keeper, "liquidate", account, market),
        )

    def write_off(self, who: str) -> str:
        """Let the venue bear the debt of an account that has nothing left."""
        account = self.ground.account(who)
        return self._charging(
            account,
            lambda: self.attempt(self.clearing, self.keeper, "liquidate_collateral", account, 1, 0),
        )

    def _charging(self, account: int, action: Callable[[], str]) -> str:
        """Do it, and see whether maker or traders were charged while winners stood."""
        before = self.clearing.call("bad_debt")
        drawn, debt = self._borne(), self._debt(account)
        refusal = action()
        if self.clearing.call("bad_debt") > before and account in self.book.closed:
            market, size = self.book.closed[account]
            # The spread of the close is a debt too, and goes to the maker: no loss of his.
            spread = abs(size) * self.book.prices[MARKETS[market]] // WAD * HALF_SPREAD // WAD
            charge = min(sum(self._borne()) - sum(drawn) - spread, debt)
            if charge > 1_000 * WAD:
                self.book.out_of_turn += self._standing(market, size, charge, debt)
        return refusal

    def _borne(self) -> list[int]:
        """USDC WAD that the maker has borne of each market's losses."""
        return [self.clearing.call("maker_drawn", market) for market in range(len(MARKETS))]

    def _debt(self, account: int) -> int:
        """USD WAD by which an account is worth less than nothing at the last prices."""
        return max(-int(self.clearing.call("last_account_state", account)[1]), 0)

    def _standing(self, market: int, size: int, charge: int, debt: int) -> int:
        """The charge, where those who won from the failed account could have paid half of it.

        They are asked at the price at which all of it was worth nothing (SPEC §3.5.9, step 1), also
        where insurance has paid the most of what it owes.
        """
        bankrupt = self.book.prices[MARKETS[market]] + debt * WAD // size
        could = 0
        for account in self.clearing.call("holders", market):
            held, cost = self.clearing.call("position", account, market)[:2]
            if held * size < 0:
                could += max(held * bankrupt // WAD - cost, 0)
        return charge if 2 * could > charge else 0

    # ------------------------------------------------------------------------------------- nature

    def report(self) -> None:
        """A round of every price whose feed still speaks, by the honest reporters and the thief."""
        book = self.book
        assets = [i for i in range(len(SYMBOLS)) if i not in book.silent]
        self._tell(assets, WAD, *self.ground.reporters[:2])
        if book.lie != WAD:
            self._tell(assets, book.lie, self.ground.reporters[2])

    def _tell(self, assets: list[int], factor: int, *reporters: str) -> None:
        tokens = [int(self.ground.tokens[i].address, 16) for i in assets]
        prices = [self.book.prices[i] * factor // WAD for i in assets]
        data = encode_with_arrays([], [tokens, prices], [self.chain.time()])
        for reporter in reporters:
            self.chain.transact(reporter, self.oracle.address, REPORT + data)

    def wait(self, seconds: int) -> None:
        """The block ends: what was borrowed for it is back, or none of this happened."""
        book = self.book
        if book.flash:
            book.flash = False
            if sum(book.paid.values()) > OWN:
                raise Void
        self.chain.set_time(self.chain.time() + seconds)
        self.report()

    def move(self, asset: int, basis_points: int, times: int) -> None:
        """The index goes ``times`` blocks in a row by so much; what everybody holds is noted.

        But not of an asset whose feed is silent: the venue trades and settles at the last price it
        was told, for max_age, so there the index gives nobody anything and takes nothing. That
        option is the late oracle's price (SPEC §7, Latency), no rule's fault: none is judged by it.
        """
        price, start = self.book.prices[asset], PRICES[asset] * WAD
        for _ in range(times):
            price = price * (10_000 + basis_points) // 10_000
        if abs(price - start) > start * FURTHEST // 100:
            return
        self.book.furthest = max(self.book.furthest, abs(price - start) * 10_000 // start)
        change = price - self.book.prices[asset]
        if asset in MARKETS and asset not in self.book.silent:
            market = MARKETS.index(asset)
            for number in self.book.used:
                size = self.size(self.sybils[number], market)
                if size:
                    gain = size * change // WAD
                    self.book.bets[number] = self.book.bets.get(number, 0) + gain
        self.book.prices[asset] = price
        self.wait(BLOCK * times)

    # ------------------------------------------------------------------------------------ the end

    def look_thin(self) -> None:
        """The least E/M among accounts of the party, and how much those near liquidation hold."""
        book = self.book
        for number in book.used:
            _, _, equity, _, maintenance = self.state(self.sybils[number])
            if maintenance:
                ratio = max(equity, -maintenance) * 10**6 // maintenance
                book.thinnest = min(book.thinnest, ratio)
                if ratio < THIN:
                    book.brink += maintenance * WAD // MAINTENANCE // (INVENTORY * WAD // 1_000)

    def unwind(self) -> None:
        """The party closes what it can in whatever order, and takes what it can."""
        used = sorted(self.book.used)
        shares = self.vault.call("balanceOf", self.sybils[0])
        if shares:
            who = self.sybils[0]
            self.attempt(self.vault, who, "redeem", shares, who, who)
        waiting = {(n, m) for n in used for m in range(len(MARKETS))}
        waiting = {(n, m) for n, m in waiting if self.size(self.sybils[n], m)}
        for _ in range(ROUNDS):
            left = set()
            for number, market in sorted(waiting):
                who = self.sybils[number]
                if not self.close(number, market, 64):
                    self.liquidate(who, market)
                if self.size(who, market):
                    left.add((number, market))
            if not left or left == waiting:
                break
            waiting = left
        for number in used:
            cash = self.clearing.call("cash", self.ground.account(self.sybils[number]))
            if cash >= CASH_UNIT:
                self._withdraw(number, cash // CASH_UNIT)
            elif cash < 0:
                self.write_off(self.sybils[number])

    def wealth(self) -> int:
        """Of the party, USD WAD at the index, less what it had."""
        used = self.book.used | {0}
        usdc = sum(self.ground.balance(USDC, self.sybils[i]) - WALLET for i in used)
        base = self.ground.balance(ETH, self.sybils[0]) - 10**24
        return usdc * CASH_UNIT + base * self.book.prices[ETH] // WAD

    def bets(self) -> int:
        """USD WAD that the party's accounts would have from the index alone, none below nothing.

        The index as far as its feed has told it.
        """
        book = self.book
        return sum(
            max(gain, -book.paid.get(number, 0) * CASH_UNIT) for number, gain in book.bets.items()
        )

    def at_index(self, who: str) -> int:
        """USD WAD of a margin account with every position at the index."""
        account = self.ground.account(who)
        worth = int(self.clearing.call("cash", account))
        for market, asset in enumerate(MARKETS):
            size, cost = self.clearing.call("position", account, market)[:2]
            worth += size * self.book.prices[asset] // WAD - cost
        return worth
