"""What an agent can ask of a world, and what came of it.

Every array is ``[paths]``. A path on which ``amount`` (``size``, ``assets`` …) is zero, or ``when``
is False, is not acted on (:attr:`Status.NONE`). Actions without an amount carry ``when``. All that
is known of an action beside its fields stands in its ``spec``; lists of actions are made of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from simulator.protocol.action_spec import ActionSpec, Role, Worth

if TYPE_CHECKING:
    from simulator.types import Booleans, Codes, Floats


@dataclass(frozen=True, eq=False)
class Action:
    """Base of all actions; ``actor`` is the acting agent's index among the world's agents."""

    spec: ClassVar[ActionSpec]

    actor: int

    def __init_subclass__(cls) -> None:
        """Refuse an action that declares nothing of itself."""
        if "spec" not in vars(cls):
            raise TypeError(f"{cls.__name__} has no spec: see ActionSpec")

    def asked(self) -> Booleans:
        """Paths ``[paths]`` on which it is to be done."""
        values = vars(self)
        if "when" in values:
            return np.asarray(values["when"])
        amount = next(value for value in values.values() if isinstance(value, np.ndarray))
        return np.not_equal(amount, 0.0)


@dataclass(frozen=True, eq=False)
class Swap(Action):
    """Exact-input swap in the AMM pool, through the real SwapRouter on chain.

    ``amount``: whole tokens in; positive sells the base asset, negative sells USDC. The swap stops
    at ``price_limit`` (USDC per base token; 0 = none), taking only what it used. ``minimum_out`` in
    whole tokens of the other side (0 = none): less is refused as SLIPPAGE. With ``leg`` the pool is
    that leg's on Aave, and its asset stands in the base asset's place.
    """

    spec = ActionSpec(
        role=Role.TRADE, contract="SwapRouter", functions=("exactInputSingle",), gas=120_000,
        fill=("tokens in", "tokens out"), called="swap", signed=True,
    )  # fmt: skip

    amount: Floats
    price_limit: Floats
    minimum_out: Floats
    leg: int | None = None


@dataclass(frozen=True, eq=False)
class Trade(Action):
    """Perp order of signed ``size`` (base units) on ``market``, from the actor's cross account."""

    spec = ActionSpec(
        role=Role.TRADE, contract="ClearingHouse", functions=("trade",), gas=240_000,
        fill=("size", "fill price (USD)"), called="perp order", signed=True, of_account=True,
    )  # fmt: skip

    market: int
    size: Floats
    price_limit: Floats


@dataclass(frozen=True, eq=False)
class PostMargin(Action):
    """Deposit (positive) or withdraw (negative) ``amount`` whole tokens of a collateral."""

    spec = ActionSpec(
        role=Role.TRADE, contract="ClearingHouse", functions=("deposit", "withdraw"), gas=90_000,
        fill=("moved tokens", "0"), called="margin transfer", signed=True, of_account=True,
    )  # fmt: skip

    collateral: int
    amount: Floats


@dataclass(frozen=True, eq=False)
class ProvideLiquidity(Action):
    """Provide at most ``base`` and ``usdc`` whole tokens to the pool between two ticks.

    Through the NonfungiblePositionManager, by the actor's own account. ``position`` is the number
    of one of its positions, which then grows whatever the ticks say; from the number it holds on a
    new one is minted, which comes last. Ticks ``lower`` and ``upper`` are widened to multiples of
    the pool's spacing. As much liquidity is minted as both amounts pay for at the spot price.
    """

    spec = ActionSpec(
        role=Role.TRADE, contract="NonfungiblePositionManager",
        functions=("mint", "increaseLiquidity"), gas=450_000,
        fill=("base in", "USDC in"), called="liquidity provided",
    )  # fmt: skip

    position: int
    lower: Floats
    upper: Floats
    base: Floats
    usdc: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class RemoveLiquidity(Action):
    """Take ``fraction`` (0 … 1) of a position out of the pool, and all of its fees.

    One transaction (``multicall``). Of 1 the position is closed and its token burnt: the actor's
    last position takes its number.
    """

    spec = ActionSpec(
        role=Role.TRADE, contract="NonfungiblePositionManager",
        functions=("decreaseLiquidity",), gas=215_000,
        fill=("base out", "USDC out"), called="liquidity removed",
    )  # fmt: skip

    position: int
    fraction: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class CollectFees(Action):
    """Take the fees of a position."""

    spec = ActionSpec(
        role=Role.TRADE, contract="NonfungiblePositionManager", functions=("collect",),
        gas=200_000, fill=("base out", "USDC out"), called="fees collected",
    )  # fmt: skip

    position: int
    when: Booleans


@dataclass(frozen=True, eq=False)
class Liquidate(Action):
    """Liquidate the position of ``account`` (index into the world's accounts) on ``market``."""

    spec = ActionSpec(
        role=Role.LIQUIDATION, contract="ClearingHouse", functions=("liquidate",), gas=390_000,
        fill=("closed size (≥ 0)", "penalty (USDC)"), called="liquidation", of_account=True,
        counted="liquidations", counts="liquidations of the vault's perp accounts",
        seizes="of a perp", worth=Worth.SIZE,
    )  # fmt: skip

    account: int
    market: int
    when: Booleans


@dataclass(frozen=True, eq=False)
class LiquidateCollateral(Action):
    """Buy at most ``amount`` whole tokens of a collateral (≥ 1) for the account's USDC debt.

    What is within 1e-12 of all the account holds means all of it, to the last raw unit.
    """

    spec = ActionSpec(
        role=Role.LIQUIDATION, contract="ClearingHouse", functions=("liquidate_collateral",),
        gas=105_000, fill=("USDC paid", "tokens taken"), called="purchase of collateral",
        of_account=True, worth=Worth.USDC_IN,
    )  # fmt: skip

    account: int
    collateral: int
    amount: Floats


@dataclass(frozen=True, eq=False)
class LiquidatePledge(Action):
    """Liquidate the liquidity pledged by ``account`` (at most one position per account here)."""

    spec = ActionSpec(
        role=Role.LIQUIDATION, contract="ClearingHouse", functions=("liquidate_pledge",),
        gas=800_000, fill=("USDC paid", "fraction of the liquidity"),
        called="liquidation of a pledge", of_account=True, counted="pledge_liquidations",
        counts="liquidations of the vault's pledged liquidity", seizes="of its pledged liquidity",
        worth=Worth.USDC_IN,
    )  # fmt: skip

    account: int
    when: Booleans


@dataclass(frozen=True, eq=False)
class LiquidateLoan(Action):
    """Aave's ``liquidationCall``: repay at most ``amount`` whole tokens of a leg's debt.

    The caller brings the asset and takes USDC of the vault's collateral with Aave's bonus.
    """

    spec = ActionSpec(
        role=Role.LIQUIDATION, contract="Aave", functions=("liquidationCall",), gas=420_000,
        fill=("debt repaid", "USDC taken"), called="liquidation of a loan",
        counted="loan_liquidations", counts="liquidations of the vault's loans on Aave",
        seizes="of a loan on Aave", worth=Worth.USDC_OUT,
    )  # fmt: skip

    leg: int
    amount: Floats


@dataclass(frozen=True, eq=False)
class LiquidateBorrower(Action):
    """Aave's ``liquidationCall``: repay at most ``amount`` whole tokens of a borrower's debt.

    The caller brings the asset of listing ``repaid`` and takes that of ``seized`` out of the
    borrower's collateral, with Aave's bonus less its protocol fee. Listings are those of
    ``Protocol.lending``.
    """

    spec = ActionSpec(
        role=Role.OUTSIDE, contract="Aave", functions=("liquidationCall",), gas=440_000,
        fill=("debt repaid", "collateral taken"), called="liquidation of a borrower",
        worth=Worth.REPAID,
    )  # fmt: skip

    borrower: int
    seized: int
    repaid: int
    amount: Floats


@dataclass(frozen=True, eq=False)
class PostCovariance(Action):
    """ClearingHouse ``post_covariance``: the factor W of daily covariance, ``[A, 8, paths]``.

    A risk assets in the order of ``Protocol.risk_assets``; rounded to 1e-8 at the border. It comes
    by a ramp, as far as one post may move it: the fill says how much of the way that is.
    """

    spec = ActionSpec(
        role=Role.POST, contract="ClearingHouse", functions=("post_covariance",), gas=300_000,
        fill=("0", "part of the way to the factor asked for (portfolio margin)"),
        called="posted covariance", sender="venue",
    )  # fmt: skip

    factor: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class Deposit(Action):
    """ERC-4626 ``deposit`` of ``assets`` whole USDC."""

    spec = ActionSpec(
        role=Role.ENTRY, contract="HedgeVault", functions=("deposit",), gas=230_000,
        fill=("assets in", "shares out"), called="deposit",
    )  # fmt: skip

    assets: Floats


@dataclass(frozen=True, eq=False)
class Redeem(Action):
    """ERC-4626 ``redeem`` of ``shares`` whole shares."""

    spec = ActionSpec(
        role=Role.EXIT, contract="HedgeVault", functions=("redeem",), gas=260_000,
        fill=("shares in", "assets out"), called="redemption",
    )  # fmt: skip

    shares: Floats


@dataclass(frozen=True, eq=False)
class RequestRedeem(Action):
    """HedgeVault ``request_redeem`` of ``shares`` whole shares: the last place in the queue."""

    spec = ActionSpec(
        role=Role.QUEUE, contract="HedgeVault", functions=("request_redeem",), gas=170_000,
        fill=("shares", "0"), called="request to redeem",
    )  # fmt: skip

    shares: Floats


@dataclass(frozen=True, eq=False)
class CancelRequest(Action):
    """HedgeVault ``cancel_request()``."""

    spec = ActionSpec(
        role=Role.QUEUE, contract="HedgeVault", functions=("cancel_request",), gas=53_000,
        fill=("shares", "0"), called="cancelled request",
    )  # fmt: skip

    when: Booleans


@dataclass(frozen=True, eq=False)
class SettleWithdrawals(Action):
    """HedgeVault ``settle_withdrawals``, unwinding at most ``fraction`` (0 … 1) of both legs."""

    spec = ActionSpec(
        role=Role.EXIT, contract="HedgeVault", functions=("settle_withdrawals",), gas=800_000,
        fill=("shares burnt", "assets paid"), called="settlement of the queue",
        counted="settlements", counts="settlements of queued withdrawals",
    )  # fmt: skip

    fraction: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class RedeemInKind(Action):
    """HedgeVault ``redeem_in_kind`` of ``shares``: tokens, and a slice of the margin account."""

    spec = ActionSpec(
        role=Role.EXIT, contract="HedgeVault", functions=("redeem_in_kind",), gas=715_000,
        fill=("shares in", "fraction of the vault"), called="exit in kind",
        counted="exits_in_kind", counts="exits in kind",
    )  # fmt: skip

    shares: Floats


@dataclass(frozen=True, eq=False)
class Rebalance(Action):
    """HedgeVault ``rebalance()``."""

    spec = ActionSpec(
        role=Role.KEEPER, contract="HedgeVault", functions=("rebalance",), gas=800_000,
        fill=("0", "reward (USDC)"), called="rebalance", task="rebalancing", counted="rebalances",
        counts="rebalances of the hedge that went through",
    )  # fmt: skip

    when: Booleans


@dataclass(frozen=True, eq=False)
class Recenter(Action):
    """HedgeVault ``recenter()``."""

    spec = ActionSpec(
        role=Role.KEEPER, contract="HedgeVault", functions=("recenter",), gas=1_080_000,
        fill=("0", "reward (USDC)"), called="recentring", task="recentring", counted="recenters",
        counts="recentrings of the position that went through",
    )  # fmt: skip

    when: Booleans


@dataclass(frozen=True, eq=False)
class TopUp(Action):
    """HedgeVault ``top_up()``."""

    spec = ActionSpec(
        role=Role.KEEPER, contract="HedgeVault", functions=("top_up",), gas=255_000,
        fill=("0", "reward (USDC)"), called="top-up", task="top_up", counted="top_ups",
        counts="top-ups of margin that went through",
    )  # fmt: skip

    when: Booleans


@dataclass(frozen=True, eq=False)
class Deleverage(Action):
    """HedgeVault ``deleverage()``."""

    spec = ActionSpec(
        role=Role.KEEPER, contract="HedgeVault", functions=("deleverage",), gas=700_000,
        fill=("0", "reward (USDC)"), called="deleveraging", task="deleveraging",
        counted="deleverages", counts="deleveragings that went through",
    )  # fmt: skip

    when: Booleans


@dataclass(frozen=True, eq=False)
class PostBetas(Action):
    """HedgeVault ``post_betas``: ``[markets, paths]``, USD short per USD of LP delta."""

    spec = ActionSpec(
        role=Role.POST, contract="HedgeVault", functions=("post_betas",), gas=100_000,
        fill=("0", "0"), called="posted betas", sender="risk_manager",
    )  # fmt: skip

    betas: Floats
    when: Booleans


@dataclass(frozen=True, eq=False)
class Fill:
    """What came of an action: arrays ``[paths]``, zero where nothing was done.

    ``amount_in``, ``amount_out``: what the action's :attr:`ActionSpec.fill` says.
    """

    status: Codes
    amount_in: Floats
    amount_out: Floats

    @staticmethod
    def empty(paths: int) -> Fill:
        """A fill on which nothing happened."""
        return Fill(np.zeros(paths, np.int8), np.zeros(paths), np.zeros(paths))


_DECLARED: tuple[type[Action], ...] = tuple(Action.__subclasses__())
#: Every action there is, by name: a record's code of one is its place here.
ACTIONS: tuple[type[Action], ...] = tuple(sorted(_DECLARED, key=lambda kind: kind.__name__))


def having(*roles: Role) -> tuple[type[Action], ...]:
    """The actions of some roles, role after role, each as declared."""
    return tuple(kind for role in roles for kind in _DECLARED if kind.spec.role is role)


#: Permissionless functions that pay the keeper's reward.
KEEPER_FUNCTIONS = having(Role.KEEPER)
#: Column of how often each went through to the vault.
COUNTED: dict[type[Action], str] = {
    kind: kind.spec.counted for kind in having(*Role) if kind.spec.counted
}
