"""What an agent sees of one path and what it may do there, as compiled code has it.

An agent is a scalar function ``act(do, my)``. Where it runs as plain Python ``do`` is a
:class:`~simulator.agents.plain_do.PlainDo`, which has the same names. All it shows is of now:
whole tokens, USD, fractions, base units; indices and codes are integers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from numba.core import cgutils, types
from numba.extending import (
    intrinsic,
    make_attribute_wrapper,
    models,
    overload_attribute,
    overload_method,
    register_jitable,
    register_model,
)

from simulator.model.kernel import kinds
from simulator.model.kernel.jit import OPTIONS, call_door, inner
from simulator.model.kernel.linking import SketchCompiler
from simulator.model.pools.uniswap_v3.pool import active_liquidity
from simulator.model.vault.at_index import value_at_index as _value_at_index
from simulator.model.vault.protecting import due as _due
from simulator.model.vault.protecting import reward as _reward
from simulator.model.vault.shares import queued
from simulator.model.vault.valuation import value_now
from simulator.model.venues.aave.lending import size_of
from simulator.model.venues.aave.lending import value as value_loan
from simulator.model.venues.perps.maker import accrued
from simulator.model.venues.perps.margin import standing
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET
from simulator.model.verbs import WHOLE_SHARE

#: How what only agents call is compiled.
_SKETCH = {"pipeline_class": SketchCompiler, "no_cpython_wrapper": True, **OPTIONS}


class DoType(types.Type):
    """Numba's type of a ``do``: a path and the index of who acts."""

    def __init__(self, path: Any) -> None:
        self.path = path
        super().__init__(f"Do({path})")


@register_model(DoType)
class _DoModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: DoType) -> None:
        super().__init__(manager, kind, [("w", kind.path), ("agent", types.int64)])


make_attribute_wrapper(DoType, "w", "w")
make_attribute_wrapper(DoType, "agent", "agent")


@intrinsic
def make_do(_typing: Any, w: Any, agent: Any) -> Any:
    """The ``do`` of an agent on a path."""
    kind = DoType(w)

    def emit(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        made = cgutils.create_struct_proxy(kind)(context, builder)
        made.w, made.agent = given
        return made._getvalue()

    return kind(w, types.int64), emit


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that agents call, of ``do`` and whatever else: compiled with them, or plain."""
    function.is_part = True  # type: ignore[attr-defined]  # a worker's copy is told by it
    return register_jitable(**_SKETCH)(function)


def _same(function: Callable[..., Any]) -> Callable[..., Any]:
    """What Numba asks for the body of an attribute or a method, with the same parameters."""
    return functools.wraps(function)(lambda *_types, **_named: function)


def _seen(function: Callable[..., Any]) -> None:
    """An attribute of ``do``."""
    overload_attribute(DoType, function.__name__, jit_options=_SKETCH)(_same(function))


def _can(function: Callable[..., Any]) -> None:
    """A method of ``do``."""
    overload_method(DoType, function.__name__, jit_options=_SKETCH)(_same(function))


# ----------------------------------------------------------------------------- the market, itself


@_seen
def step(do: Any) -> Any:
    """Of the run."""
    return int(do.w.now.step)


@_seen
def seconds(do: Any) -> Any:
    """Since the start."""
    return do.w.now.clock


@_seen
def account(do: Any) -> Any:
    """Its margin account; -1: none."""
    return do.w.tables.agent.account[do.agent]


@_can
def index(do: Any, asset: int) -> Any:
    """Index price, USD."""
    return do.w.now.index[asset]


@_can
def oracle(do: Any, asset: int) -> Any:
    """Last oracle round, USD."""
    return do.w.now.price[asset]


@_can
def gas_cost(do: Any, kind: int) -> Any:
    """USD one action of a kind costs in gas now."""
    return do.w.tables.gas[kind] * do.w.now.gas_usd


@_seen
def noise_swap(do: Any) -> Any:
    """USD of uninformed flow in the pool; > 0 buys the base asset."""
    return do.w.now.noise_swap


@_can
def noise_trade(do: Any, market: int) -> Any:
    """USD of uninformed flow on a market; > 0 buys."""
    return do.w.now.noise_trade[market]


@_seen
def deposit_flow(do: Any) -> Any:
    """Part of the opening deposit that comes, or (< 0) of the shares that leaves."""
    return do.w.now.deposit_flow


# -------------------------------------------------------------------------------- pools and wallet


@_seen
def pool_price(do: Any) -> Any:
    """Spot price of the pool, USDC per whole base token."""
    unit = do.w.tables.oracle.unit
    return do.w.state.pool.sqrt_price**2 * (unit[BASE_ASSET] / unit[USDC_ASSET])


@_seen
def pool_liquidity(do: Any) -> Any:
    """Active liquidity of the pool: √(whole base · whole USDC)."""
    unit = do.w.tables.oracle.unit
    raw = active_liquidity(do.w.state.pool, do.w.state.position)
    return raw * (unit[BASE_ASSET] * unit[USDC_ASSET]) ** -0.5


@_can
def leg_price(do: Any, leg: int) -> Any:
    """Spot price of a leg's pool on Aave, USDC per whole token."""
    unit = do.w.tables.aave.unit
    return do.w.state.aave.pools[leg].sqrt_price ** 2 * (unit[leg + 1] / unit[0])


@_can
def leg_liquidity(do: Any, leg: int) -> Any:
    """Its liquidity, the same over its one range: √(whole asset · whole USDC)."""
    unit = do.w.tables.aave.unit
    return do.w.tables.aave.pools[leg].liquidity[0] * (unit[leg + 1] * unit[0]) ** -0.5


@_seen
def wallet_usdc(do: Any) -> Any:
    """USDC in its wallet."""
    unit = do.w.tables.oracle.unit
    return do.w.state.wallet.token[do.agent, USDC_ASSET] / unit[USDC_ASSET]


@_seen
def wallet_base(do: Any) -> Any:
    """Whole base tokens in its wallet."""
    unit = do.w.tables.oracle.unit
    return do.w.state.wallet.token[do.agent, BASE_ASSET] / unit[BASE_ASSET]


@_can
def wallet_leg(do: Any, leg: int) -> Any:
    """Whole tokens of a leg's asset in its wallet."""
    asset = do.w.tables.aave.asset[leg + 1]
    return do.w.state.wallet.token[do.agent, asset] / do.w.tables.aave.unit[leg + 1]


@_seen
def wallet_shares(do: Any) -> Any:
    """Whole shares in its wallet."""
    return do.w.state.wallet.shares[do.agent] / WHOLE_SHARE


# ------------------------------------------------------------------------------------------- venue


@_can
def size(do: Any, account: int, market: int) -> Any:
    """Position of an account, base units."""
    return do.w.state.clearing.size[account, market]


@_can
def cash(do: Any, account: int) -> Any:
    """Settled balance of an account, USDC."""
    return do.w.state.clearing.cash[account]


@_can
def collateral(do: Any, account: int, number: int) -> Any:
    """Collateral of an account, whole tokens; 0 of USDC, which is its cash (``cash``)."""
    return do.w.state.clearing.collateral[account, number] / do.w.tables.clearing.unit[number]


@_can
def skew(do: Any, market: int) -> Any:
    """Base units."""
    return do.w.state.clearing.skew[market]


@_can
def skew_scale(do: Any, market: int) -> Any:
    """Base units."""
    return do.w.state.clearing.skew_scale[market]


@_can
def premium_pool(do: Any, market: int) -> Any:
    """USDC paid for the skew and not yet earned by taking it back."""
    return do.w.state.clearing.premium_pool[market]


@_can
def unpaid_premium(do: Any, market: int) -> Any:
    """Base units squared, of the skew's potential what liquidations could not pay for."""
    return do.w.state.clearing.unpaid_premium[market]


@_can
def funding(do: Any, market: int) -> Any:
    """Funding rate a day and index, USD per unit of size, accrued up to now."""
    return accrued(do.w, market)


class Margin(NamedTuple):
    """A margin account, USD."""

    value: float
    equity: float
    maintenance: float


@_can
def margin_of(do: Any, account: int) -> Any:
    """Value, equity and maintenance of an account, USD."""
    valued = standing(do.w, account)
    return Margin(valued.value, valued.equity, valued.maintenance)


class Loan(NamedTuple):
    """The vault's account on Aave: USDC supplied, equity and maintenance in USD."""

    supplied: float
    equity: float
    maintenance: float


@_can
def loan(do: Any) -> Any:
    """The vault's account on Aave."""
    found = value_loan(do.w)
    return Loan(found.supplied / do.w.tables.aave.unit[0], found.equity, found.maintenance)


@_can
def debt(do: Any, leg: int) -> Any:
    """What it owes of a leg's asset, base units."""
    return -size_of(do.w, leg)


# ------------------------------------------------------------------------------------------- vault


class Vault(NamedTuple):
    """The vault valued at the oracle's prices."""

    nav: float  # USD, at least 0
    lp_base: float  # whole tokens
    lp_usdc: float
    fees_base: float  # uncollected
    fees_usdc: float


@_can
def vault(do: Any) -> Any:
    """The vault valued at the oracle's prices."""
    table, found = do.w.tables.vault, value_now(do.w)
    return Vault(
        max(found.nav, 0.0),
        found.lp_base / table.base_unit,
        found.lp_usdc / table.usdc_unit,
        found.fees_base / table.base_unit,
        found.fees_usdc / table.usdc_unit,
    )


@_seen
def shares(do: Any) -> Any:
    """Whole shares of the vault, all."""
    return do.w.state.vault.shares / WHOLE_SHARE


@_seen
def queued_shares(do: Any) -> Any:
    """Whole shares waiting in the queue."""
    return queued(do.w) / WHOLE_SHARE


@_seen
def idle_usdc(do: Any) -> Any:
    """USDC."""
    return do.w.state.vault.idle_usdc / do.w.tables.vault.usdc_unit


@_seen
def idle_base(do: Any) -> Any:
    """Whole base tokens."""
    return do.w.state.vault.idle_base / do.w.tables.vault.base_unit


@_can
def beta(do: Any, market: int) -> Any:
    """USD short per USD of LP delta, as posted."""
    return do.w.state.vault.betas[market]


@_seen
def liquidity(do: Any) -> Any:
    """L of the vault's position, raw."""
    return do.w.state.position.liquidity


@_can
def value_at_index(do: Any) -> Any:
    """What the vault holds at index prices, USD: its NAV, were the oracle never late."""
    return _value_at_index(do.w)


@_can
def due(do: Any) -> Any:
    """USD of value that each of the vault's keeper functions would protect; 0: not due."""
    return _due(do.w)


@_can
def reward(do: Any, kind: int, protected: float) -> Any:
    """USD that a call of it which protects so much is paid."""
    return _reward(do.w, kind, protected)


# ------------------------------------------------------------------------------------------- verbs
# Each gives back a status (simulator.types.Status), and amounts in ``do.amount_in`` and
# ``do.amount_out``. With ``quote`` it is only tried: what would come of it, or why it is refused.


@_seen
def amount_in(do: Any) -> Any:
    """Of the last action, as :class:`~simulator.world.actions.Fill` says."""
    return do.w.order.amount_in


@_seen
def amount_out(do: Any) -> Any:
    """Of the last action, as :class:`~simulator.world.actions.Fill` says."""
    return do.w.order.amount_out


@inner
def _blank(do: Any) -> None:
    """Let the path's order say nothing in particular."""
    order = do.w.order
    order.account = order.market = order.collateral = order.leg = -1
    order.limit = order.minimum = 0.0


@inner
def _ask(do: Any, kind: int, amount: float, quote: bool) -> int:
    """Carry out the order that is written but for these: its status."""
    order = do.w.order
    order.kind, order.agent, order.amount, order.quote = kind, do.agent, amount, quote
    call_door(do.w.tables.door.submit, do.w)
    status: int = order.status
    return status


@_can
def swap(
    do: Any,
    amount: float,
    limit: float = 0.0,
    minimum: float = 0.0,
    leg: int = -1,
    quote: bool = False,
) -> Any:
    """Exact-input swap: status; see :class:`~simulator.world.actions.Swap`."""
    _blank(do)
    do.w.order.limit, do.w.order.minimum, do.w.order.leg = limit, minimum, leg
    return _ask(do, kinds.SWAP, amount, quote)


@_can
def trade(do: Any, market: int, size: float, limit: float, quote: bool = False) -> Any:
    """Perp order: status."""
    _blank(do)
    do.w.order.market, do.w.order.limit = market, limit
    return _ask(do, kinds.TRADE, size, quote)


@_can
def post_margin(do: Any, collateral: int, amount: float, quote: bool = False) -> Any:
    """Deposit or (< 0) withdraw collateral: status."""
    _blank(do)
    do.w.order.collateral = collateral
    return _ask(do, kinds.POST_MARGIN, amount, quote)


@_can
def liquidate(do: Any, account: int, market: int, quote: bool = False) -> Any:
    """Liquidate a position: status."""
    _blank(do)
    do.w.order.account, do.w.order.market = account, market
    return _ask(do, kinds.LIQUIDATE, 0.0, quote)


@_can
def liquidate_collateral(
    do: Any, account: int, collateral: int, amount: float, quote: bool = False
) -> Any:
    """Buy collateral for an account's debt: status."""
    _blank(do)
    do.w.order.account, do.w.order.collateral = account, collateral
    return _ask(do, kinds.LIQUIDATE_COLLATERAL, amount, quote)


@_can
def liquidate_pledge(do: Any, account: int, quote: bool = False) -> Any:
    """Liquidate pledged liquidity: status."""
    _blank(do)
    do.w.order.account = account
    return _ask(do, kinds.LIQUIDATE_PLEDGE, 0.0, quote)


@_can
def liquidate_loan(do: Any, leg: int, amount: float, quote: bool = False) -> Any:
    """Aave's liquidationCall: status."""
    _blank(do)
    do.w.order.leg = leg
    return _ask(do, kinds.LIQUIDATE_LOAN, amount, quote)


def _of_amount(name: str, kind: int) -> None:
    """A verb that takes an amount."""

    def ask(do: Any, amount: float, quote: bool = False) -> Any:
        _blank(do)
        return _ask(do, kind, amount, quote)

    ask.__name__ = name
    _can(ask)


def _of_nothing(name: str, kind: int) -> None:
    """A verb that takes nothing."""

    def ask(do: Any, quote: bool = False) -> Any:
        _blank(do)
        return _ask(do, kind, 0.0, quote)

    ask.__name__ = name
    _can(ask)


_of_amount("deposit", kinds.DEPOSIT)
_of_amount("redeem", kinds.REDEEM)
_of_amount("request_redeem", kinds.REQUEST_REDEEM)
_of_amount("redeem_in_kind", kinds.REDEEM_IN_KIND)
_of_amount("settle_withdrawals", kinds.SETTLE_WITHDRAWALS)
_of_nothing("cancel_request", kinds.CANCEL_REQUEST)
_of_nothing("rebalance", kinds.REBALANCE)
_of_nothing("recenter", kinds.RECENTER)
_of_nothing("top_up", kinds.TOP_UP)
_of_nothing("deleverage", kinds.DELEVERAGE)


__all__ = ["DoType", "Loan", "Margin", "Vault", "make_do", "part"]
