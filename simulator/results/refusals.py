"""What each refusal means, in a sentence a designer can act on."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.types import Status

MEANING: Mapping[Status, str] = {
    Status.INSUFFICIENT_BALANCE: "the sender had less than it wanted to spend",
    Status.SLIPPAGE: "the price was worse than accepted: too large an order for the depth",
    Status.STALE_ORACLE: "a price feed was silent for longer than oracle.max_age_minutes",
    Status.INVENTORY_LIMIT: "the market takes no more skew: max_skew_usd, or "
    "skew_scale_usd · φ · maintenance_rate / 2, whichever is less",
    Status.BELOW_INITIAL_MARGIN: "margin was below initial_multiple times maintenance",
    Status.BELOW_MARGIN_TARGET: "more hedge would have left the vault below its deleverage_ratio",
    Status.NOT_LIQUIDATABLE: "the account had enough margin",
    Status.NO_POSITION: "there was no position to close",
    Status.INSUFFICIENT_COLLATERAL: "the account held less of the collateral",
    Status.COLLATERAL_CAP: "the venue takes no more of the collateral: its cap, or lp_cap_usd",
    Status.WITHIN_BAND: "every hedge was within hedge_band of its target",
    Status.CENTRED: "the range was still centred, or the vault's account owes",
    Status.SPOT_DEVIATES: "the pool's price was further from the oracle's than max_slippage allows",
    Status.MARGIN_SUFFICIENT: "margin was sufficient",
    Status.NO_IDLE_ASSETS: "nothing was idle",
    Status.INSUFFICIENT_LIQUIDITY: "the vault could not raise that much USDC at once",
    Status.DEPOSIT_CAP: "the vault was at its deposit_cap",
    Status.BETA_OUT_OF_BOUNDS: "a hedge ratio beyond beta_max, or a long one on Aave",
    Status.BETA_TOO_FAST: "ratios move by beta_max_change each beta_interval_hours at most",
    Status.PAUSED: "the protocol was paused",
    Status.ZERO_AMOUNT: "too little to be worth anything after rounding",
    Status.WRONG_MARKET: "an isolated account trades its own market alone",
    Status.OPEN_INTEREST_CAP: "the market was full: max_open_interest_usd, or four times the "
    "inventory limit on one side",
    Status.WITHDRAWALS_GATED: "margin stays for withdrawal_gate_hours after an insolvency",
    Status.NOT_REDUCING_RISK: "it would not have reduced the risk",
    Status.TOO_MANY_ACCOUNTS: "the market's list of accounts was full",
    Status.WITHDRAWALS_QUEUED: "others were first in the withdrawal queue",
    Status.REQUEST_PENDING: "a request to redeem was waiting already",
    Status.NO_REQUEST: "no request to redeem was waiting",
    Status.NOTHING_TO_SETTLE: "nobody was waiting in the queue",
    Status.NO_CONSENT: "the receiver had not agreed",
    Status.ACCOUNT_IN_USE: "the account held something already",
    Status.TOO_SOON: "it had been done too short a time before",
    Status.NOT_PLEDGED: "the liquidity was not pledged",
    Status.INSOLVENT: "the account owed more than it had",
    Status.LIQUIDATION_LIMIT: "liquidations of the block had used up the inventory limit",
    Status.MAKER_RESERVE: "maker_funds did not cover a move by maintenance_rate of the larger side",
    Status.WINDING_DOWN: "the market is winding down: positions can only shrink",
    Status.SETTLED: "the market is settled",
    Status.ACCOUNT_INSOLVENT: "an account of the vault owed more than it had, and is left to its "
    "liquidation first",
}


def meaning(status: int | str) -> str:
    """The sentence on a status, by its number or its name in any case."""
    found = Status[status.upper()] if isinstance(status, str) else Status(status)
    return MEANING.get(found, found.name.lower().replace("_", " "))
