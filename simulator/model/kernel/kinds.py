"""Kinds of actions as plain integers, which compiled code folds into constants."""

from __future__ import annotations

from simulator.world import actions

#: Code of each kind of action; 0 is none.
CODE = {kind: code for code, kind in enumerate(actions.ACTIONS, start=1)}

SWAP, TRADE, POST_MARGIN = CODE[actions.Swap], CODE[actions.Trade], CODE[actions.PostMargin]
LIQUIDATE = CODE[actions.Liquidate]
LIQUIDATE_COLLATERAL = CODE[actions.LiquidateCollateral]
LIQUIDATE_PLEDGE = CODE[actions.LiquidatePledge]
LIQUIDATE_LOAN = CODE[actions.LiquidateLoan]
LIQUIDATE_BORROWER = CODE[actions.LiquidateBorrower]
POST_COVARIANCE, POST_BETAS = CODE[actions.PostCovariance], CODE[actions.PostBetas]
DEPOSIT, REDEEM = CODE[actions.Deposit], CODE[actions.Redeem]
REQUEST_REDEEM, CANCEL_REQUEST = CODE[actions.RequestRedeem], CODE[actions.CancelRequest]
REDEEM_IN_KIND = CODE[actions.RedeemInKind]
SETTLE_WITHDRAWALS = CODE[actions.SettleWithdrawals]
REBALANCE, RECENTER = CODE[actions.Rebalance], CODE[actions.Recenter]
PROVIDE_LIQUIDITY, REMOVE_LIQUIDITY = (
    CODE[actions.ProvideLiquidity],
    CODE[actions.RemoveLiquidity],
)
COLLECT_FEES = CODE[actions.CollectFees]
TOP_UP, DELEVERAGE = CODE[actions.TopUp], CODE[actions.Deleverage]
