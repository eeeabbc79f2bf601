"""What can be done to a path: one door, :func:`submit`, to every operation of the protocol.

Amounts of an order are whole units, as agents say them; here they become raw ones, and what came of
it goes back into the order. An order refused leaves the path bit for bit as it was.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import INSUFFICIENT_BALANCE, NONE, OK
from simulator.model.kernel.jit import copy_record, inner
from simulator.model.kernel.kinds import (
    CANCEL_REQUEST,
    COLLECT_FEES,
    DELEVERAGE,
    DEPOSIT,
    LIQUIDATE,
    LIQUIDATE_BORROWER,
    LIQUIDATE_COLLATERAL,
    LIQUIDATE_LOAN,
    LIQUIDATE_PLEDGE,
    POST_BETAS,
    POST_COVARIANCE,
    POST_MARGIN,
    PROVIDE_LIQUIDITY,
    REBALANCE,
    RECENTER,
    REDEEM,
    REDEEM_IN_KIND,
    REMOVE_LIQUIDITY,
    REQUEST_REDEEM,
    SETTLE_WITHDRAWALS,
    SWAP,
    TOP_UP,
    TRADE,
)
from simulator.model.kernel.record import Path, Record
from simulator.model.pools.held import Asked, swap, swap_at
from simulator.model.pools.uniswap_v3.tick import MAX_SQRT_PRICE, MIN_SQRT_PRICE
from simulator.model.providing import collect_fees, provide, withdraw
from simulator.model.raw_amounts import raw_or_all
from simulator.model.vault import queue, shares
from simulator.model.vault.in_kind import redeem_in_kind as _redeem_in_kind
from simulator.model.vault.keeping import deleverage as _deleverage
from simulator.model.vault.keeping import pay_reward as _pay_reward
from simulator.model.vault.keeping import post_betas as _post_betas
from simulator.model.vault.keeping import rebalance as _rebalance
from simulator.model.vault.keeping import top_up as _top_up
from simulator.model.vault.recentring import recenter as _recenter
from simulator.model.venues.aave import borrowers, lending
from simulator.model.venues.perps import clearing, liquidation, seizure, trading
from simulator.model.venues.perps.covariance import post as _post_covariance
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET
from simulator.world.units import SNAP

_trade, _deposit_margin, _withdraw_margin = trading.trade, clearing.deposit, clearing.withdraw
_has_room = clearing.has_room
_liquidate, _liquidate_loan = liquidation.liquidate, lending.liquidate
_liquidate_borrower = borrowers.liquidate
_liquidate_collateral, _liquidate_pledge = seizure.liquidate_collateral, seizure.liquidate_pledge
_request_redeem, _cancel_request, _settle = (
    queue.request_redeem,
    queue.cancel_request,
    queue.settle,
)
_deposit, _redeem = shares.deposit, shares.redeem

WHOLE_SHARE = 1e18  # raw
_SMALLEST_SIZE = 1e-18


@inner
def _swap(w: Path, order: Record) -> None:
    """SwapRouter.exactInputSingle: ``amount`` > 0 sells the base asset, or a leg's."""
    asset = BASE_ASSET if order.leg < 0 else w.tables.aave.asset[order.leg + 1]
    unit, token = w.tables.oracle.unit, w.state.wallet.token
    down = order.amount > 0.0
    given = asset if down else USDC_ASSET
    taken = USDC_ASSET if down else asset
    raw = raw_or_all(abs(order.amount), token[order.agent, given], unit[given])
    if raw <= 0.0:
        return
    limit = np.sqrt(order.limit * (unit[USDC_ASSET] / unit[asset]))
    if limit == 0.0:
        limit = MIN_SQRT_PRICE if down else MAX_SQRT_PRICE
    limit = min(max(limit, MIN_SQRT_PRICE), MAX_SQRT_PRICE)
    least = np.floor(order.minimum * unit[taken])
    asked = Asked(raw, limit, least, token[order.agent, given])
    if order.leg < 0:
        order.status, paid, got = swap(w, down, asked)
    else:
        table, pool = w.tables.aave.pools[order.leg], w.state.aave.pools[order.leg]
        order.status, paid, got = swap_at(table, pool, w.state.aave.nothing, down, asked)
    if order.status == OK:
        token[order.agent, given] -= paid
        token[order.agent, taken] += got
        order.amount_in, order.amount_out = paid / unit[given], got / unit[taken]


@inner
def _order(w: Path, order: Record) -> None:
    """Perp order of signed ``amount`` base units from the agent's account."""
    account, size = w.tables.agent.account[order.agent], order.amount
    held = -w.state.clearing.size[account, order.market]
    if abs(size) < _SMALLEST_SIZE:
        return
    if abs(size - held) <= SNAP * abs(held):
        size = held
    if size == 0.0:
        return
    status, fill, _ = _trade(w, account, order.market, size, order.limit)
    order.status = status
    if status == OK:
        order.amount_in, order.amount_out = size, fill


@inner
def _post_margin(w: Path, order: Record) -> None:
    """Deposit (``amount`` > 0) or withdraw (< 0) collateral."""
    account, collateral = w.tables.agent.account[order.agent], order.collateral
    table, token = w.tables.clearing, w.state.wallet.token
    asset, unit = table.collateral_asset[collateral], table.unit[collateral]
    if order.amount > 0.0:
        raw = raw_or_all(order.amount, token[order.agent, asset], unit)
        if raw <= 0.0:
            return
        if token[order.agent, asset] < raw and _has_room(w, account, collateral, raw):
            order.status = INSUFFICIENT_BALANCE
            return
        order.status = _deposit_margin(w, account, collateral, raw)
    else:
        held = w.state.clearing.collateral[account, collateral]
        raw = -raw_or_all(-order.amount, held, unit)
        if raw >= 0.0:
            return
        order.status = _withdraw_margin(w, account, collateral, -raw)
    if order.status == OK:
        token[order.agent, asset] -= raw
        order.amount_in = raw / unit


@inner
def _close(w: Path, order: Record) -> None:
    """Liquidate a position: size closed, penalty."""
    liquidator = w.tables.agent.account[order.agent]
    order.status, order.amount_in, order.amount_out = _liquidate(
        w, order.account, order.market, liquidator
    )


@inner
def _buy_collateral(w: Path, order: Record) -> None:
    """Collateral bought for an account's debt: USDC paid, tokens taken."""
    unit = w.tables.clearing.unit[order.collateral]
    held = w.state.clearing.collateral[order.account, order.collateral]
    raw = raw_or_all(order.amount, held, unit)
    if raw <= 0.0:
        return
    liquidator = w.tables.agent.account[order.agent]
    order.status, taken, order.amount_in = _liquidate_collateral(
        w, order.account, order.collateral, raw, liquidator
    )
    order.amount_out = taken / unit


@inner
def _buy_pledge(w: Path, order: Record) -> None:
    """Pledged liquidity taken: USDC paid, fraction of it."""
    liquidator = w.tables.agent.account[order.agent]
    order.status, order.amount_out, order.amount_in = _liquidate_pledge(
        w, order.account, liquidator
    )


@inner
def _repay_loan(w: Path, order: Record) -> None:
    """Aave's liquidationCall: debt repaid, USDC taken."""
    asset, token = w.tables.aave.asset[order.leg + 1], w.state.wallet.token
    unit = w.tables.aave.unit[order.leg + 1]
    most = raw_or_all(order.amount, token[order.agent, asset], unit)
    if most <= 0.0:
        return
    order.status, paid, taken = _liquidate_loan(w, order.leg, most)
    if order.status == OK and token[order.agent, asset] < paid:
        order.status = INSUFFICIENT_BALANCE
    if order.status == OK:
        token[order.agent, asset] -= paid
        token[order.agent, USDC_ASSET] += taken
        order.amount_in, order.amount_out = paid / unit, taken / w.tables.aave.unit[0]


@inner
def _repay_borrower(w: Path, order: Record) -> None:
    """Aave's liquidationCall of a borrower: debt repaid, collateral taken, which comes first."""
    table, token = w.tables.lending, w.state.wallet.token
    seized, repaid = table.asset[order.seized], table.asset[order.repaid]
    unit = table.unit[order.repaid]
    most = raw_or_all(order.amount, token[order.agent, repaid], unit)
    if most <= 0.0:
        return
    order.status, paid, taken = _liquidate_borrower(
        w, order.borrower, order.seized, order.repaid, most
    )
    if order.status != OK:
        return
    token[order.agent, seized] += taken
    if token[order.agent, repaid] < paid:
        order.status = INSUFFICIENT_BALANCE
        return
    token[order.agent, repaid] -= paid
    order.amount_in, order.amount_out = paid / unit, taken / table.unit[order.seized]


@inner
def _enter(w: Path, order: Record) -> None:
    """ERC-4626 deposit: USDC in, shares out."""
    unit = w.tables.vault.usdc_unit
    raw = raw_or_all(order.amount, w.state.wallet.token[order.agent, USDC_ASSET], unit)
    if raw <= 0.0:
        return
    order.status, out = _deposit(w, order.agent, raw)
    if order.status == OK:
        order.amount_in = raw / unit
    order.amount_out = out / WHOLE_SHARE


@inner
def _leave(w: Path, order: Record) -> None:
    """The ways to ask for one's money: shares in, and USDC out or a part of the vault."""
    raw = raw_or_all(order.amount, w.state.wallet.shares[order.agent], WHOLE_SHARE)
    if raw <= 0.0:
        return
    out = 0.0
    if order.kind == REDEEM:
        order.status, out = _redeem(w, order.agent, raw)
        out /= w.tables.vault.usdc_unit
    elif order.kind == REDEEM_IN_KIND:
        # A slice of an isolated account goes to the receiver's own of that market, which agents do
        # not have here: no consent.
        account = -1 if w.tables.vault.isolated else w.tables.agent.account[order.agent]
        order.status, out = _redeem_in_kind(w, order.agent, account, raw)
    else:
        order.status = _request_redeem(w, order.agent, raw)
    if order.status == OK:
        order.amount_in = raw / WHOLE_SHARE
    order.amount_out = out


@inner
def _wait_no_more(w: Path, order: Record) -> None:
    """Take a request back: shares."""
    order.status, raw = _cancel_request(w, order.agent)
    order.amount_in = raw / WHOLE_SHARE


@inner
def _settle_queue(w: Path, order: Record) -> None:
    """Settlement of the queue: shares burnt, USDC paid."""
    most = min(max(order.amount, 0.0), 1.0)
    order.status, burnt, paid = _settle(w, most)
    order.amount_in, order.amount_out = burnt / WHOLE_SHARE, paid / w.tables.vault.usdc_unit


@inner
def _keep(w: Path, order: Record) -> None:
    """One of the vault's keeper functions: its reward."""
    if order.kind == REBALANCE:
        status, protected = _rebalance(w)
    elif order.kind == RECENTER:
        status, protected = _recenter(w)
    elif order.kind == TOP_UP:
        status, protected = _top_up(w)
    elif order.kind == DELEVERAGE:
        status, protected = _deleverage(w)
    else:  # no world carries it out
        return
    order.status = status
    if status == OK:
        reward = _pay_reward(w, order.agent, protected)
        order.amount_out = reward / w.tables.vault.usdc_unit


@inner
def _at_once(w: Path, order: Record) -> bool:
    """Carry out an order that has written nothing where it is refused; False: another kind."""
    kind = order.kind
    if kind == SWAP:
        _swap(w, order)
    elif kind == TRADE:
        _order(w, order)
    elif kind == POST_MARGIN:
        _post_margin(w, order)
    elif kind == DEPOSIT:
        _enter(w, order)
    elif kind == PROVIDE_LIQUIDITY:
        provide(w, order)
    elif kind == REMOVE_LIQUIDITY:
        withdraw(w, order)
    elif kind == COLLECT_FEES:
        collect_fees(w, order)
    elif kind == CANCEL_REQUEST:
        _wait_no_more(w, order)
    elif kind == POST_BETAS:
        order.status = _post_betas(w, w.state.position.liquidity, w.now.clock, order.betas)
    elif kind == POST_COVARIANCE:
        order.status, order.amount_out = _post_covariance(w, order.factor, w.now.clock)
    else:
        return False
    return True


@inner
def submit(w: Path) -> None:
    """Carry out the path's order."""
    order = w.order
    order.status, order.amount_in, order.amount_out = NONE, 0.0, 0.0
    if _at_once(w, order):
        return
    copy_record(w.saved, w.state)
    kind = order.kind
    if kind == LIQUIDATE:
        _close(w, order)
    elif kind == LIQUIDATE_COLLATERAL:
        _buy_collateral(w, order)
    elif kind == LIQUIDATE_PLEDGE:
        _buy_pledge(w, order)
    elif kind == LIQUIDATE_LOAN:
        _repay_loan(w, order)
    elif kind == LIQUIDATE_BORROWER:
        _repay_borrower(w, order)
    elif kind == SETTLE_WITHDRAWALS:
        _settle_queue(w, order)
    elif kind in (REDEEM, REDEEM_IN_KIND, REQUEST_REDEEM):
        _leave(w, order)
    else:
        _keep(w, order)
    if order.status not in (OK, NONE):
        copy_record(w.state, w.saved)
        order.amount_in, order.amount_out = 0.0, 0.0


@inner
def attempt(w: Path) -> None:
    """Try the path's order, and leave the path as it was."""
    copy_record(w.spare, w.state)
    submit(w)
    copy_record(w.state, w.spare)
