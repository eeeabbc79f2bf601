"""What it brings to stand around the vault's order in its pool, as somebody who foresees it counts.

Uniswap v3 with the liquidity that is active, which the vault's recentring changes: its own is gone
while it swaps and there again, elsewhere, before the way back. In root prices r = √(USDC per base)
for an order that buys base; one that sells is the same in 1/r, with base as what is paid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.agents.do import part
from simulator.agents.gains import spend
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import RECENTER, SWAP

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Places between spot and the furthest that the vault's own bounds leave room for.
_PLACES = 24
# Of the way to what the vault would refuse, what it dares: its count of the vault's order is not
# to the raw unit.
_DARES = 0.9
#: Pieces it pushes in; after each it looks whether the vault would still go through.
PIECES = 3


class Order(NamedTuple):
    """What the vault is about to swap, and the pool as it is before, while and after.

    ``placed``, ``half``: what a range is minted of, in tokens in, and √ of its upper end over its
    centre; 0 and 1 of an order that does not depend on spot. ``turns``: the liquidity burnt for it
    that changes with spot.
    """

    buys: bool  # base, for USDC
    amount: float  # whole tokens in, where spot is the oracle's price
    before: float  # active liquidity, √(whole base · whole USDC)
    during: float
    after: float
    placed: float
    half: float
    turns: float


class Ahead(NamedTuple):
    """What to swap ahead of it."""

    amount: float  # whole tokens in: USDC ahead of a purchase, base ahead of a sale
    gain: float  # USD, gas apart


@part
def whole_liquidity(do: PlainDo) -> float:
    """The vault's own liquidity, √(whole base · whole USDC)."""
    unit = do.w.tables.oracle.unit
    return do.liquidity * (unit[1] * unit[0]) ** -0.5


@part
def recentring(do: PlainDo) -> Order:
    """What a recentring swaps: what the range takes at spot (contracts/SPEC.md §4.5)."""
    table, vault, own = do.w.tables.vault, do.vault(), whole_liquidity(do)
    price = do.oracle(1) / do.oracle(0)
    placed = table.lp_allocation * vault.nav / do.oracle(0)
    held = do.idle_base + vault.lp_base + vault.fees_base
    wanted = 0.5 * placed / price
    width = 1.0 - 1.0001 ** (-0.5 * float(table.range_half_width))
    after = 0.5 * placed / (np.sqrt(price) * width)
    in_range = vault.lp_base > 0.0 and vault.lp_usdc > 0.0
    during = do.pool_liquidity - own if in_range else do.pool_liquidity
    buys = wanted > held
    unit = price if buys else 1.0  # tokens in, of a base
    return Order(
        buys,
        abs(wanted - held) * unit,
        do.pool_liquidity,
        during,
        during + after,
        placed / price * unit,
        1.0001 ** (0.5 * float(table.range_half_width)),
        own if in_range else 0.0,
    )


@part
def _amount_at(order: Order, pushed: float, oracle: float) -> float:
    """Whole tokens in where the way there was pushed to a root price, the oracle's being known.

    Of what is placed less is bought the further spot has gone that way; of what is burnt less is
    there already.
    """
    at = pushed / oracle
    within = min(max(at, 1.0 / order.half), order.half)
    wanted, given = 1.0 / within - 1.0 / order.half, within - 1.0 / order.half
    share = wanted / (wanted + given) if order.placed > 0.0 else 0.5
    turned = order.turns * oracle * (1.0 - 1.0 / at if order.buys else at - 1.0)
    return max(order.amount + order.placed * (share - 0.5) + turned, 0.0)


@part
def best_ahead(do: PlainDo, order: Order, cost: float) -> Ahead:
    """The swap ahead that brings most; amount 0 where none brings anything the bounds allow.

    ``cost``: of what is put in, beside the pool's fee, as a loan's. Bounds: the vault refuses to
    begin where √spot is off √oracle by more than half of ``max_slippage``, and to swap beyond
    ``max_slippage`` of the price.
    """
    most, price = do.w.tables.vault.max_slippage, do.oracle(1) / do.oracle(0)
    kept = 1.0 - do.w.tables.pool.fee_ppm * 1e-6
    if order.buys:
        start, oracle, budget = np.sqrt(do.pool_price), np.sqrt(price), do.wallet_usdc
        unit, furthest = 1.0, oracle * np.sqrt(1.0 + most)
        begins = oracle * (1.0 + 0.5 * most)
    else:
        start, oracle, budget = 1.0 / np.sqrt(do.pool_price), 1.0 / np.sqrt(price), do.wallet_base
        unit, furthest = price, oracle / np.sqrt(1.0 - most)
        begins = oracle / (1.0 - 0.5 * most)
    if not (order.during > 0.0 and order.before > 0.0):
        return Ahead(0.0, 0.0)
    moved = _amount_at(order, start, oracle) * kept / order.during
    end = start + _DARES * (min(begins, furthest - moved) - start)
    end = min(end, start + budget * kept / order.before)
    amount, gain = 0.0, 0.0
    for place in range(1, _PLACES + 1):
        pushed = start + (end - start) * place / _PLACES
        if not pushed > start:
            break
        paid = order.before * (pushed - start) / kept
        got = order.before * (1.0 / start - 1.0 / pushed)
        vaults = pushed + _amount_at(order, pushed, oracle) * kept / order.during
        back = 1.0 / (1.0 / vaults + got * kept / order.after)
        found = (order.after * (vaults - back) - paid * (1.0 + cost)) * unit * do.oracle(0)
        if amount == 0.0 or found > gain:
            amount, gain = paid, found
    return Ahead(amount, gain)


@part
def settlement(do: PlainDo) -> Order:
    """What settling the queue sells: of the liquidity the part that idle USDC does not pay."""
    vault, own = do.vault(), whole_liquidity(do)
    owed = do.queued_shares / do.shares * vault.nav / do.oracle(0) - do.idle_usdc
    sold = min(max(owed * do.oracle(0) / max(vault.nav, 1.0), 0.0), 1.0)
    in_range = vault.lp_base > 0.0 and vault.lp_usdc > 0.0
    during = do.pool_liquidity - (sold * own if in_range else 0.0)
    sale = sold * vault.lp_base
    return Order(False, sale, do.pool_liquidity, during, during, 0.0, 1.0, 0.0)


@part
def goes_through(do: PlainDo, kind: int) -> bool:
    """Whether the vault's function would now be carried out."""
    status = do.recenter(quote=True) if kind == RECENTER else do.settle_withdrawals(1.0, quote=True)
    return status == OK


class Pushed(NamedTuple):
    """What was swapped ahead, whole tokens."""

    paid: float
    got: float


@part
def push(do: PlainDo, my: Any, order: Order, amount: float, kind: int) -> Pushed:
    """Swap so much ahead of the order, in pieces; the one it would be refused for is taken back."""
    paid, got = 0.0, 0.0
    for _ in range(PIECES):
        piece = amount / PIECES
        spend(do, my, SWAP)
        if do.swap(-piece if order.buys else piece) != OK:
            break
        put, out = do.amount_in, do.amount_out
        if not goes_through(do, kind):
            spend(do, my, SWAP)
            do.swap(out if order.buys else -out)
            paid += put - do.amount_out
            break
        paid, got = paid + put, got + out
    return Pushed(paid, got)
