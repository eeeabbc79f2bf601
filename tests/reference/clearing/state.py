"""State of the clearing house as plain integers (contracts/SPEC.md §1, §3.1, §3.5).

Scales are the specification's: WAD for prices, sizes, USD, cash; raw units for tokens. Assets are
addresses as integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import trunc

from tests.reference.amounts import sqrt_ratio_at_tick
from tests.reference.clearing.portfolio import NO_ROW
from tests.reference.integers import WAD, ceil

Asset = int
MAX_PLEDGES = 4
MAX_HOLDERS = 64
COVARIANCE_RAMP = 6 * 3_600  # seconds


class RefusedError(Exception):
    """The operation reverts; the argument is the contract's reason."""


@dataclass(frozen=True)
class Terms:
    """One market (IClearingHouse.Market)."""

    asset: Asset
    skew_scale: int
    half_spread: int
    taker_fee: int
    velocity: int
    max_skew: int
    maintenance_rate: int
    max_open_interest: int
    insurance_cap: int
    maker_loss_cap: int


@dataclass(frozen=True)
class Collateral:
    """One collateral; ``unit`` = 10**decimals, ``cap`` raw."""

    asset: Asset
    haircut: int
    cap: int
    unit: int


@dataclass(frozen=True)
class Parameters:
    """IClearingHouse.Parameters."""

    initial_multiple: int
    liquidation_penalty: int
    liquidator_share: int
    profit_cap: int
    gross_floor: int
    risk_multiple: int
    withdrawal_gate: int
    deleveraging: int = 0


@dataclass(frozen=True)
class LiquidityTerms:
    """Terms of pledged positions; ``base`` is the collateral that is the pool's token 0."""

    haircut: int
    cap: int
    base: int
    base_decimals: int


@dataclass
class Market:
    """What changes of a market. ``opened`` counts the positions ever opened in it.

    ``scaled_at``: when the risk manager last changed its scale; 0: never. ``pool``: premiums.
    ``unpaid``: of the potential of the skew, WAD**2, what liquidations could not pay for.
    ``opening_skew``: when the block opened that was accrued last, in which liquidations have
    raised the magnitude of the skew by ``liquidated``. ``maker_cash``: what stands behind it.
    ``settlement``: the price it is settled at, or 0; ``settlement_at``: when it was, or is due;
    ``closed``: all losses are taken; ``shortfall``: what ``gains`` have to make up for.
    """

    skew: int = 0
    rate: int = 0
    index: int = 0
    updated_at: int = 0
    longs: int = 0
    loss_long: int = 0
    loss_short: int = 0
    insurance_drawn: int = 0
    maker_drawn: int = 0
    opened: int = 0
    scaled_at: int = 0
    pool: int = 0
    unpaid: int = 0
    opening_skew: int = 0
    liquidated: int = 0
    maker_cash: int = 0
    settlement: int = 0
    settlement_at: int = 0
    closed: bool = False
    shortfall: int = 0
    gains: int = 0

    def loss(self, size: int) -> int:
        """Socialised loss per unit of size on the side of ``size``."""
        return self.loss_short if size < 0 else self.loss_long

    @property
    def shorts(self) -> int:
        return self.longs - self.skew


@dataclass(frozen=True)
class Position:
    """A position; ``opened``: which of its market's it was."""

    size: int
    cost: int
    index: int
    loss: int
    opened: int = 0


@dataclass(frozen=True)
class Pledge:
    """A pledged liquidity position, by token id in the account."""

    liquidity: int
    lower: int
    upper: int

    @property
    def most(self) -> int:
        """Raw USDC it is worth at most: all of it in USDC, above its range; rounded up."""
        width = sqrt_ratio_at_tick(self.upper) - sqrt_ratio_at_tick(self.lower)
        return ceil(self.liquidity, width, 2**96)


@dataclass
class Account:
    """``basket``: raw collateral >= 1.

    ``blamed``: by (market, long), what the debt grew by in fills of such a position, WAD.
    """

    isolated: bool = False
    cash: int = 0
    basket: dict[int, int] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    pledges: dict[int, Pledge] = field(default_factory=dict)
    blamed: dict[tuple[int, bool], int] = field(default_factory=dict)

    def copy(self) -> Account:
        return replace(
            self,
            basket=dict(self.basket),
            positions=dict(self.positions),
            pledges=dict(self.pledges),
            blamed=dict(self.blamed),
        )

    @property
    def empty(self) -> bool:
        """Nothing but cash."""
        return not self.positions and not self.pledges and not any(self.basket.values())


@dataclass
class Ledger:
    """The whole venue at the prices (USD WAD by asset) and the time it is given.

    ``silent``: the assets whose feed has stopped; ``prices`` says what was heard last.

    ``rows``: the covariance factor by asset as posted at ``rows_posted_at``, entries scaled 10**8;
    an asset not named has zeros. It was ``rows_before`` then.
    ``deviation``: of each feed, WAD; an asset not named has none.
    ``accounts`` are keyed by the contract's number, ``owner << 8 | sub``.
    ``emptied``: those that an operation has taken something whole from, in turn, until it ends.
    """

    usdc: Asset
    terms: list[Terms]
    collaterals: list[Collateral]
    parameters: Parameters
    liquidity_terms: LiquidityTerms | None = None
    rows: dict[Asset, tuple[int, ...]] = field(default_factory=dict)
    rows_before: dict[Asset, tuple[int, ...]] = field(default_factory=dict)
    rows_posted_at: int = 0
    deepest: list[int] = field(default_factory=list)  # the owner's skew scales, WAD
    prices: dict[Asset, int] = field(default_factory=dict)
    silent: frozenset[Asset] = frozenset()
    deviation: dict[Asset, int] = field(default_factory=dict)
    now: int = 0
    markets: list[Market] = field(default_factory=list)
    accounts: dict[int, Account] = field(default_factory=dict)
    emptied: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    insurance_fund: int = 0
    bad_debt: int = 0
    gate_until: int = 0
    pledged_liquidity: int = 0
    consents: set[tuple[int, int]] = field(default_factory=set)
    paused: bool = False

    def account(self, number: int) -> Account:
        if number not in self.accounts:
            self.accounts[number] = Account(isolated=number & 255 != 0)
        return self.accounts[number]

    def row(self, asset: Asset) -> tuple[int, ...]:
        """Of the covariance factor now; each entry's move is rounded toward zero."""
        after = self.rows.get(asset, NO_ROW)
        elapsed = self.now - self.rows_posted_at
        if elapsed >= COVARIANCE_RAMP:
            return after
        before = self.rows_before.get(asset, NO_ROW)
        return tuple(
            a + trunc(Fraction((b - a) * elapsed, COVARIANCE_RAMP))
            for a, b in zip(before, after, strict=True)
        )

    def price(self, asset: Asset) -> int:
        """A price now; a missing one is stale."""
        if asset not in self.prices or asset in self.silent:
            raise RefusedError("oracle: stale")
        return self.prices[asset]

    @property
    def served(self) -> dict[Asset, int]:
        """The prices that are answered now."""
        return {asset: p for asset, p in self.prices.items() if asset not in self.silent}

    def at_last_prices(self) -> Ledger:
        """The same accounts and markets, not copies, to be read at whatever prices were last."""
        return replace(self, silent=frozenset())

    def index_price(self, m: int) -> int:
        """What positions are valued at; once it is settled the market's own."""
        return self.markets[m].settlement or self.price(self.terms[m].asset)

    @property
    def cash_unit(self) -> int:
        """WAD of cash per raw unit of USDC."""
        return WAD // self.collaterals[0].unit

    @property
    def usdc_haircut(self) -> int:
        return self.collaterals[0].haircut

    def holders(self, m: int) -> list[int]:
        """Accounts with a position in a market."""
        return [number for number, a in self.accounts.items() if m in a.positions]

    def attempt(self, operation: Callable[..., object], *arguments: object) -> str:
        """Run an operation on this ledger; a refusal changes nothing: its reason, else empty."""
        before = self.copy()
        try:
            operation(self, *arguments)
        except RefusedError as refused:
            self.__dict__.update(before.__dict__)
            return str(refused)
        return ""

    def copy(self) -> Ledger:
        return replace(
            self,
            markets=[replace(m) for m in self.markets],
            accounts={number: a.copy() for number, a in self.accounts.items()},
            emptied=list(self.emptied),
            held=list(self.held),
            consents=set(self.consents),
        )


def require(condition: bool, reason: str) -> None:
    """Refuse with a reason unless the condition holds."""
    if not condition:
        raise RefusedError(reason)
