"""What can come of an action: each status with its sentence and the reverts it stands for."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What came of an action on one path; shared by both worlds.

    ``NONE``: nothing was asked. ``OK``: done. Everything else: refused, and the state of that path
    is exactly what it was before. Declared as code, sentence a designer can act on, revert strings.

    Attributes:
        sentence: What it means.
        reverts: Revert strings, of the contracts and of the third-party code beside them, that the
            model's kernels answer with this code.
    """

    sentence: str
    reverts: tuple[str, ...]

    def __new__(cls, code: int, sentence: str = "", *reverts: str) -> Status:
        """A member whose value is ``code``."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.sentence, member.reverts = sentence, reverts
        return member

    NONE = 0, "nothing was asked"
    OK = 1, "it was done"
    INSUFFICIENT_BALANCE = (
        2,
        "the sender had less than it wanted to spend",
        *("vault: insufficient shares", "token: insufficient balance"),
        "STF",  # v3-periphery TransferHelper: transferFrom failed
        # Aave v3 works out the rates at what is left, before it pays out more than it has.
        "Aave: panic 0x11",
        "LO",  # v3-core pool: more liquidity asked for than a tick can have, let alone a wallet
    )
    SLIPPAGE = (
        3,
        "the price was worse than accepted: too large an order for the depth",
        *("clearing: slippage", "vault: slippage", "stable: slippage"),
        "Too little received",  # v3-periphery SwapRouter
        "SPL",  # v3-core pool: the spot price is at or beyond the limit
    )
    STALE_ORACLE = (
        4,
        "a price feed was silent for longer than oracle.max_age_minutes",
        "oracle: stale",
    )
    INVENTORY_LIMIT = (
        5,
        (
            "the market takes no more skew: max_skew_usd, or "
            "skew_scale_usd · φ · maintenance_rate / 2, whichever is less"
        ),
        "clearing: inventory limit",
    )
    BELOW_INITIAL_MARGIN = (
        6,
        "margin was below initial_multiple times maintenance",
        "clearing: below initial margin",
        "35",  # Aave v3: the health factor would be below one
    )
    BELOW_MARGIN_TARGET = (
        7,
        "more hedge would have left the vault below its deleverage_ratio",
        "vault: below margin target",
    )
    NOT_LIQUIDATABLE = (
        8,
        "the account had enough margin",
        "clearing: not liquidatable",
        "45",  # Aave v3: the health factor is not below one
    )
    NO_POSITION = (
        9,
        "there was no position to close",
        "clearing: no position",
        "47",  # Aave v3: nothing is owed of this asset
        "ERC721: operator query for nonexistent token",  # v3-periphery: no such position
    )
    INSUFFICIENT_COLLATERAL = (
        10,
        "the account held less of the collateral",
        "clearing: insufficient collateral",
        "46",  # Aave v3: it has none of it, or none that backs its debts
    )
    COLLATERAL_CAP = (
        11,
        "the venue takes no more of the collateral: its cap, or lp_cap_usd",
        "clearing: collateral cap",
    )
    WITHIN_BAND = 12, "every hedge was within hedge_band of its target", "vault: within band"
    CENTRED = 13, "the range was still centred, or the vault's account owes", "vault: centred"
    SPOT_DEVIATES = (
        14,
        "the pool's price was further from the oracle's than max_slippage allows",
        "vault: spot deviates",
    )
    MARGIN_SUFFICIENT = 15, "margin was sufficient", "vault: margin sufficient"
    NO_IDLE_ASSETS = 16, "nothing was idle", "vault: no idle assets"
    INSUFFICIENT_LIQUIDITY = (
        17,
        "the vault could not raise that much USDC at once",
        "vault: insufficient liquidity",
    )
    DEPOSIT_CAP = 18, "the vault was at its deposit_cap", "vault: deposit cap"
    BETA_OUT_OF_BOUNDS = (
        19,
        "a hedge ratio beyond beta_max, or a long one on Aave",
        "vault: beta out of bounds",
    )
    BETA_TOO_FAST = (
        20,
        "ratios move by beta_max_change each beta_interval_hours at most",
        "vault: beta change too fast",
    )
    PAUSED = (
        21,
        "the protocol was paused",
        *("clearing: paused", "vault: paused"),
        "29",  # Aave v3: the reserve is paused
    )
    ZERO_AMOUNT = (
        22,
        "too little to be worth anything after rounding",
        *("clearing: zero size", "vault: zero amount", "vault: least request"),
        "AS",  # v3-core pool: amount specified is zero
        "25",  # Aave v3: the amount to burn is zero
        # v3-core pool: the liquidity that amounts pay for is zero.
        "NonfungiblePositionManager: no reason given",
    )
    WRONG_MARKET = 23, "an isolated account trades its own market alone", "clearing: wrong market"
    OPEN_INTEREST_CAP = (
        24,
        "the market was full: max_open_interest_usd, or four times the inventory limit on one side",
        "clearing: open interest cap",
    )
    WITHDRAWALS_GATED = (
        25,
        "margin stays for withdrawal_gate_hours after an insolvency",
        "clearing: withdrawals gated",
    )
    NOT_REDUCING_RISK = 26, "it would not have reduced the risk", "clearing: not reducing risk"
    TOO_MANY_ACCOUNTS = 27, "the market's list of accounts was full", "clearing: too many accounts"
    WITHDRAWALS_QUEUED = (
        28,
        "others were first in the withdrawal queue",
        "vault: withdrawals queued",
    )
    REQUEST_PENDING = 29, "a request to redeem was waiting already", "vault: request pending"
    NO_REQUEST = 30, "no request to redeem was waiting", "vault: no request"
    NOTHING_TO_SETTLE = 31, "nobody was waiting in the queue", "vault: nothing to settle"
    NO_CONSENT = 32, "the receiver had not agreed", "clearing: no consent", "vault: no consent"
    ACCOUNT_IN_USE = 33, "the account held something already", "clearing: account in use"
    TOO_SOON = 34, "it had been done too short a time before", "clearing: too soon"
    NOT_PLEDGED = 35, "the liquidity was not pledged", "clearing: bad pledge"
    INSOLVENT = 36, "the account owed more than it had", "clearing: insolvent"
    LIQUIDATION_LIMIT = (
        37,
        "liquidations of the block had used up the inventory limit",
        "clearing: liquidation limit",
    )
    MAKER_RESERVE = (
        38,
        "maker_funds did not cover a move by maintenance_rate of the larger side",
        "clearing: maker reserve",
    )
    WINDING_DOWN = (
        39,
        "the market is winding down: positions can only shrink",
        "clearing: winding down",
    )
    SETTLED = 40, "the market is settled", "clearing: settled"
    ACCOUNT_INSOLVENT = (
        41,
        "an account of the vault owed more than it had, and is left to its liquidation first",
        "vault: account insolvent",
    )

    @property
    def refused(self) -> bool:
        """Whether it is a refusal."""
        return self > 1

    @property
    def label(self) -> str:
        """As columns are named after it: ``within_band``."""
        return self.name.lower()


#: Every refusal, by code.
REFUSALS: tuple[Status, ...] = tuple(status for status in Status if status.refused)
#: The status that each revert string stands for.
STATUS_OF_REVERT: dict[str, Status] = {text: status for status in Status for text in status.reverts}


def meaning(status: int | str) -> str:
    """The sentence on a status, by its code or its name in any case."""
    found = Status[status.upper()] if isinstance(status, str) else Status(status)
    return found.sentence
