"""The vault's own books: shares, counters, queue, fees, its place in the pool (SPEC §4.2, §4.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference.amounts import amounts_down, sqrt_price_of
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import Ledger
from tests.reference.integers import WAD, ceil, floor

VIRTUAL_SHARES = 10**12
MARK_UNIT = 10**30
YEAR = 365 * 86_400


@dataclass(frozen=True)
class Terms:
    """IHedgeVault.Parameters that the books need."""

    entry_fee: int
    exit_fee: int
    management_fee: int
    performance_fee: int
    deposit_cap: int


@dataclass
class VaultBook:
    """Integers as on chain. ``accounts``: the vault's margin accounts, by number.

    ``waiting``: owner to [receiver, shares], in line. ``pledged``: the liquidity is in the first
    account. ``fees``: uncollected (base, USDC), read from the pool. ``burnt_from``: whose shares
    were the last to be cancelled. ``charged``: the most shares there were, fee shares among them,
    when the receiver was given some in this operation: a flash deposit is charged before it leaves.
    """

    address: int
    terms: Terms
    accounts: tuple[int, ...]
    pledged: bool
    fee_receiver: int
    accrued_at: int
    mark: int = WAD
    idle_usdc: int = 0
    idle_base: int = 0
    supply: int = 0
    shares: dict[int, int] = field(default_factory=dict)
    waiting: dict[int, list[int]] = field(default_factory=dict)
    liquidity: int = 0
    lower: int = 0
    upper: int = 0
    fees: tuple[int, int] = (0, 0)
    donated_usdc: int = 0
    donated_base: int = 0
    burnt_from: int = 0
    charged: int = 0

    # ------------------------------------------------------------------------------- valuation

    def lp_amounts(self, ledger: Ledger, base: int) -> tuple[int, int]:
        if not self.liquidity:
            return 0, 0
        sqrt_price = sqrt_price_of(ledger.price(base), ledger.price(ledger.usdc), 18)
        return amounts_down(sqrt_price, self.lower, self.upper, self.liquidity)

    def nav(self, ledger: Ledger, base: int) -> int:
        """USD WAD at fresh prices, floored at 0."""
        x, y = self.lp_amounts(ledger, base)

        def worth(raw_base: int, raw_usdc: int) -> int:
            in_base = floor(raw_base, ledger.price(base), WAD)
            return in_base + floor(raw_usdc, ledger.price(ledger.usdc), 10**6)

        margin = sum(valuation(ledger, number).value for number in self.accounts)
        if self.pledged and ledger.account(self.accounts[0]).pledges:
            margin -= worth(x, y)
        tokens = worth(
            self.idle_base + x + self.fees[0],
            self.idle_usdc + y + self.fees[1],
        )
        return max(tokens + margin, 0)

    def _all_usdc(self, ledger: Ledger) -> bool:
        flat = not any(ledger.account(number).positions for number in self.accounts)
        return flat and not self.idle_base and not self.liquidity

    def total_assets(self, ledger: Ledger, base: int) -> int:
        """Raw USDC; an all-USDC vault reads no price."""
        if self._all_usdc(ledger):
            cash = sum(ledger.account(number).cash // 10**12 for number in self.accounts)
            return max(self.idle_usdc + cash, 0)
        return self.nav(ledger, base) * 10**6 // ledger.price(ledger.usdc)

    def owing(self, ledger: Ledger) -> list[int]:
        """Accounts worth less than nothing, pledges counted in; all USDC: no price is read."""
        if self._all_usdc(ledger):
            return [number for number in self.accounts if ledger.account(number).cash < 0]
        return [number for number in self.accounts if valuation(ledger, number).value < 0]

    # ------------------------------------------------------------------------------ share price

    def due(self, total: int, now: int) -> tuple[int, int]:
        """(fee shares due, high-water mark after)."""
        if not self.supply:
            return 0, max(WAD, self._price(total, 0))
        management = self.management_due(now)
        supply = self.supply + management
        price, performance = self._price(total, supply), 0
        if price > self.mark and self.fee_receiver:
            fee = floor(self.terms.performance_fee * (price - self.mark), supply, MARK_UNIT * WAD)
            performance = floor(fee, supply + VIRTUAL_SHARES, total - fee + 1)
        mark = max(self.mark, self._price(total, supply + performance))
        return management + performance, mark

    def management_due(self, now: int) -> int:
        if not self.fee_receiver:
            return 0
        part = min(self.terms.management_fee * (now - self.accrued_at) // YEAR, WAD // 2)
        return floor(self.supply, part, WAD - part)

    def _price(self, total: int, supply: int) -> int:
        return floor(MARK_UNIT, total + 1, supply + VIRTUAL_SHARES)

    def room(self, supply: int, total: int) -> int:
        """Raw assets that may come in; none where a whole share is worth less than a raw unit."""
        if (total + 1) * WAD < supply + VIRTUAL_SHARES:
            return 0
        return max(self.terms.deposit_cap - total, 0)

    def preview_deposit(self, assets: int, supply: int, total: int) -> int:
        net = floor(assets, WAD - self.terms.entry_fee, WAD)
        return floor(net, supply + VIRTUAL_SHARES, total + 1)

    def preview_mint(self, shares: int, supply: int, total: int) -> int:
        net = ceil(shares, total + 1, supply + VIRTUAL_SHARES)
        return ceil(net, WAD, WAD - self.terms.entry_fee)

    def preview_withdraw(self, assets: int, supply: int, total: int) -> int:
        gross = ceil(assets, WAD, WAD - self.terms.exit_fee)
        return ceil(gross, supply + VIRTUAL_SHARES, total + 1)

    def net(self, shares: int) -> int:
        """Shares that an exit in kind is paid for."""
        return floor(shares, WAD - self.terms.exit_fee, WAD)

    def preview_redeem(self, shares: int, supply: int, total: int) -> int:
        gross = floor(shares, total + 1, supply + VIRTUAL_SHARES)
        return floor(gross, WAD - self.terms.exit_fee, WAD)

    # ---------------------------------------------------------------------------------- changes

    def accrue(self, total: int, now: int) -> None:
        shares, self.mark = self.due(total, now)
        self.take_fees(shares, now)

    def take_fees(self, shares: int, now: int) -> None:
        self.accrued_at = now
        if shares:
            self.move(0, self.fee_receiver, shares)

    def move(self, sender: int, receiver: int, shares: int) -> None:
        """Zero issues and cancels."""
        if sender:
            self.shares[sender] = self.shares.get(sender, 0) - shares
        else:
            self.supply += shares
            if receiver == self.fee_receiver:
                self.charged = max(self.charged, self.supply)
        if receiver:
            self.shares[receiver] = self.shares.get(receiver, 0) + shares
        else:
            self.supply -= shares

    @property
    def queued(self) -> int:
        return sum(shares for _, shares in self.waiting.values())

    def leave_queue(self, owner: int, shares: int) -> None:
        self.waiting[owner][1] -= shares
        if not self.waiting[owner][1]:
            del self.waiting[owner]
