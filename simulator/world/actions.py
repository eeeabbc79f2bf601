"""What an agent can ask of a world, and what came of it.

Every array is ``[paths]``. A path on which ``amount`` (``size``, ``assets`` …) is zero, or ``when``
is False, is not acted on (:attr:`Status.NONE`). Actions without an amount carry ``when``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.types import Booleans, Codes, Floats


@dataclass(frozen=True, eq=False)
class Action:
    """Base of all actions; ``actor`` is the acting agent's index among the world's agents."""

    actor: int


@dataclass(frozen=True, eq=False)
class Swap(Action):
    """Exact-input swap in the AMM pool, through the real SwapRouter on chain.

    ``amount``: whole tokens in; positive sells the base asset, negative sells USDC. The swap stops
    at ``price_limit`` (USDC per base token; 0 = none), taking only what it used. ``minimum_out`` in
    whole tokens of the other side (0 = none): less is refused as SLIPPAGE. With ``leg`` the pool is
    that leg's on Aave, and its asset stands in the base asset's place.
    """

    amount: Floats
    price_limit: Floats
    minimum_out: Floats
    leg: int | None = None


@dataclass(frozen=True, eq=False)
class Trade(Action):
    """Perp order of signed ``size`` (base units) on ``market``, from the actor's cross account."""

    market: int
    size: Floats
    price_limit: Floats


@dataclass(frozen=True, eq=False)
class PostMargin(Action):
    """Deposit (positive) or withdraw (negative) ``amount`` whole tokens of a collateral."""

    collateral: int
    amount: Floats


@dataclass(frozen=True, eq=False)
class Liquidate(Action):
    """Liquidate the position of ``account`` (index into the world's accounts) on ``market``."""

    account: int
    market: int
    when: Booleans


@dataclass(frozen=True, eq=False)
class LiquidateCollateral(Action):
    """Buy at most ``amount`` whole tokens of a collateral (≥ 1) for the account's USDC debt.

    What is within 1e-12 of all the account holds means all of it, to the last raw unit.
    """

    account: int
    collateral: int
    amount: Floats


@dataclass(frozen=True, eq=False)
class LiquidatePledge(Action):
    """Liquidate the liquidity pledged by ``account`` (at most one position per account here)."""

    account: int
    when: Booleans


@dataclass(frozen=True, eq=False)
class LiquidateLoan(Action):
    """Aave's ``liquidationCall``: repay at most ``amount`` whole tokens of a leg's debt.

    The caller brings the asset and takes USDC of the vault's collateral with Aave's bonus.
    """

    leg: int
    amount: Floats


@dataclass(frozen=True, eq=False)
class PostCovariance(Action):
    """ClearingHouse ``post_covariance``: the factor W of daily covariance, ``[A, 8, paths]``.

    A risk assets in the order of ``Protocol.risk_assets``; rounded to 1e-8 at the border. It comes
    by a ramp, as far as one post may move it: the fill says how much of the way that is.
    """

    factor: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class Deposit(Action):
    """ERC-4626 ``deposit`` of ``assets`` whole USDC."""

    assets: Floats


@dataclass(frozen=True, eq=False)
class Redeem(Action):
    """ERC-4626 ``redeem`` of ``shares`` whole shares."""

    shares: Floats


@dataclass(frozen=True, eq=False)
class RequestRedeem(Action):
    """HedgeVault ``request_redeem`` of ``shares`` whole shares: the last place in the queue."""

    shares: Floats


@dataclass(frozen=True, eq=False)
class CancelRequest(Action):
    """HedgeVault ``cancel_request()``."""

    when: Booleans


@dataclass(frozen=True, eq=False)
class RedeemInKind(Action):
    """HedgeVault ``redeem_in_kind`` of ``shares``: tokens, and a slice of the margin account."""

    shares: Floats


@dataclass(frozen=True, eq=False)
class SettleWithdrawals(Action):
    """HedgeVault ``settle_withdrawals``, unwinding at most ``fraction`` (0 … 1) of both legs."""

    fraction: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class Rebalance(Action):
    """HedgeVault ``rebalance()``."""

    when: Booleans


@dataclass(frozen=True, eq=False)
class Recenter(Action):
    """HedgeVault ``recenter()``."""

    when: Booleans


@dataclass(frozen=True, eq=False)
class TopUp(Action):
    """HedgeVault ``top_up()``."""

    when: Booleans


@dataclass(frozen=True, eq=False)
class Deleverage(Action):
    """HedgeVault ``deleverage()``."""

    when: Booleans


@dataclass(frozen=True, eq=False)
class PostBetas(Action):
    """HedgeVault ``post_betas``: ``[markets, paths]``, USD short per USD of LP delta."""

    betas: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class Fill:
    """What came of an action: arrays ``[paths]``, zero where nothing was done.

    ``amount_in`` / ``amount_out`` by action, whole units:
    Swap: tokens in, tokens out. Trade: size, fill price (USD). PostMargin: moved tokens, 0.
    Liquidate: closed size (≥ 0), penalty (USDC). LiquidateCollateral: USDC paid, tokens taken.
    LiquidatePledge: USDC paid, fraction of the liquidity. LiquidateLoan: debt repaid, USDC taken.
    Deposit: assets in, shares out. Redeem: shares in, assets out. RequestRedeem, CancelRequest:
    shares, 0. RedeemInKind: shares in, fraction of the vault. SettleWithdrawals: shares burnt,
    assets paid. PostCovariance: 0, part of the way to the factor asked for (portfolio margin).
    Keeper functions: 0, reward (USDC).
    """

    status: Codes
    amount_in: Floats
    amount_out: Floats

    @staticmethod
    def empty(paths: int) -> Fill:
        """A fill on which nothing happened."""
        return Fill(np.zeros(paths, np.int8), np.zeros(paths), np.zeros(paths))


__all__ = [
    "Action",
    "CancelRequest",
    "Deleverage",
    "Deposit",
    "Fill",
    "Liquidate",
    "LiquidateCollateral",
    "LiquidateLoan",
    "LiquidatePledge",
    "PostBetas",
    "PostCovariance",
    "PostMargin",
    "Rebalance",
    "Recenter",
    "Redeem",
    "RedeemInKind",
    "RequestRedeem",
    "SettleWithdrawals",
    "Swap",
    "TopUp",
    "Trade",
]
