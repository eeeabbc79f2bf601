"""What a compiled ``do`` may do: orders, each carried out at once.

Each gives back a status (:class:`simulator.types.Status`), and amounts in ``do.amount_in`` and
``do.amount_out``. With ``quote`` it is only tried: what would come of it, or why it is refused.
"""

from __future__ import annotations

from typing import Any

from simulator.agents.do.kind import can, seen
from simulator.model.kernel import kinds
from simulator.model.kernel.jit import call_door, inner


@seen
def amount_in(do: Any) -> Any:
    """Of the last action, as :class:`~simulator.world.actions.Fill` says."""
    return do.w.order.amount_in


@seen
def amount_out(do: Any) -> Any:
    """Of the last action, as :class:`~simulator.world.actions.Fill` says."""
    return do.w.order.amount_out


@inner
def _blank(do: Any) -> None:
    """Let the path's order say nothing in particular."""
    order = do.w.order
    order.account = order.market = order.collateral = order.leg = -1
    order.borrower = order.seized = order.repaid = order.position = -1
    order.limit = order.minimum = order.lower = order.upper = order.usdc = 0.0


@inner
def _ask(do: Any, kind: int, amount: float, quote: bool) -> int:
    """Carry out the order that is written but for these: its status."""
    order = do.w.order
    order.kind, order.agent, order.amount, order.quote = kind, do.agent, amount, quote
    call_door(do.w.tables.door.submit, do.w)
    status: int = order.status
    return status


@can
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


@can
def trade(do: Any, market: int, size: float, limit: float, quote: bool = False) -> Any:
    """Perp order: status."""
    _blank(do)
    do.w.order.market, do.w.order.limit = market, limit
    return _ask(do, kinds.TRADE, size, quote)


@can
def post_margin(do: Any, collateral: int, amount: float, quote: bool = False) -> Any:
    """Deposit or (< 0) withdraw collateral: status."""
    _blank(do)
    do.w.order.collateral = collateral
    return _ask(do, kinds.POST_MARGIN, amount, quote)


@can
def provide(
    do: Any,
    position: int,
    lower: float,
    upper: float,
    base: float,
    usdc: float,
    quote: bool = False,
) -> Any:
    """Liquidity between two ticks: status (:class:`~simulator.world.actions.ProvideLiquidity`)."""
    _blank(do)
    order = do.w.order
    order.position, order.lower, order.upper, order.usdc = position, lower, upper, usdc
    return _ask(do, kinds.PROVIDE_LIQUIDITY, base, quote)


@can
def withdraw(do: Any, position: int, fraction: float = 1.0, quote: bool = False) -> Any:
    """Take a fraction of a position out, and its fees: status."""
    _blank(do)
    do.w.order.position = position
    return _ask(do, kinds.REMOVE_LIQUIDITY, fraction, quote)


@can
def collect(do: Any, position: int, quote: bool = False) -> Any:
    """Take the fees of a position: status."""
    _blank(do)
    do.w.order.position = position
    return _ask(do, kinds.COLLECT_FEES, 0.0, quote)


@can
def liquidate(do: Any, account: int, market: int, quote: bool = False) -> Any:
    """Liquidate a position: status."""
    _blank(do)
    do.w.order.account, do.w.order.market = account, market
    return _ask(do, kinds.LIQUIDATE, 0.0, quote)


@can
def liquidate_collateral(
    do: Any, account: int, collateral: int, amount: float, quote: bool = False
) -> Any:
    """Buy collateral for an account's debt: status."""
    _blank(do)
    do.w.order.account, do.w.order.collateral = account, collateral
    return _ask(do, kinds.LIQUIDATE_COLLATERAL, amount, quote)


@can
def liquidate_pledge(do: Any, account: int, quote: bool = False) -> Any:
    """Liquidate pledged liquidity: status."""
    _blank(do)
    do.w.order.account = account
    return _ask(do, kinds.LIQUIDATE_PLEDGE, 0.0, quote)


@can
def liquidate_loan(do: Any, leg: int, amount: float, quote: bool = False) -> Any:
    """Aave's liquidationCall: status."""
    _blank(do)
    do.w.order.leg = leg
    return _ask(do, kinds.LIQUIDATE_LOAN, amount, quote)


@can
def liquidate_borrower(
    do: Any, borrower: int, seized: int, repaid: int, amount: float, quote: bool = False
) -> Any:
    """Aave's liquidationCall of a borrower: status; of listings, what is taken and what is paid."""
    _blank(do)
    order = do.w.order
    order.borrower, order.seized, order.repaid = borrower, seized, repaid
    return _ask(do, kinds.LIQUIDATE_BORROWER, amount, quote)


def _of_amount(name: str, kind: int) -> None:
    """A verb that takes an amount."""

    def ask(do: Any, amount: float, quote: bool = False) -> Any:
        _blank(do)
        return _ask(do, kind, amount, quote)

    ask.__name__ = name
    can(ask)


def _of_nothing(name: str, kind: int) -> None:
    """A verb that takes nothing."""

    def ask(do: Any, quote: bool = False) -> Any:
        _blank(do)
        return _ask(do, kind, 0.0, quote)

    ask.__name__ = name
    can(ask)


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
