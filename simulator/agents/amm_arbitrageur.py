"""AMM arbitrageur: keeps the pool's price within the fee of the index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.agents.crossing import between, is_wide, narrowed
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import SWAP

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Part of what it had that is all of it: an amount in is rounded to what the tokens count in.
_ALL = 1.0 - 1e-9


class Pool(NamedTuple):
    """A pool asset/USDC as an arbitrageur sees it."""

    leg: int  # whose pool it is on Aave; -1: the vault's
    asset: int
    fee_ppm: float  # 1e-6 of what goes in
    spot: float  # USDC per whole token
    liquidity: float  # active, √(whole asset · whole USDC)


@dataclass(eq=False)
class AmmArbitrageur(ScalarAgent):
    """Trades the pool against the index (CEX) until the marginal price, fee included, equals it.

    Observes spot, index and gas; may swap. Profitable when the value taken, marked at the index,
    exceeds gas plus ``minimum_profit_usd``. The loss it hands to liquidity providers is LVR. Where
    its trade outside moves the index, pool and index meet half way, by their depths.
    """

    minimum_profit_usd: float
    missed: float = field(default=0.0, init=False)

    @staticmethod
    def act(do: PlainDo, my: AmmArbitrageur) -> None:  # type: ignore[override]
        """Swap to the edge of the no-arbitrage band where that pays."""
        if do.w.tables.stable.on:
            my.missed += try_to_index(do, my.minimum_profit_usd)
            return
        pool = Pool(-1, 1, do.w.tables.pool.fee_ppm, do.pool_price, do.pool_liquidity)
        my.missed += bring_to_index(do, pool, my.minimum_profit_usd)


@part
def bring_to_index(do: PlainDo, pool: Pool, minimum_profit_usd: float) -> float:
    """Swap to the edge of the pool's no-arbitrage band where that pays.

    1 where it had to stop before for want of money, else 0.
    """
    fair = do.index(pool.asset) / do.index(0)
    kept = 1.0 - pool.fee_ppm * 1e-6
    low, high = fair * kept, fair / kept
    if pool.spot < low:
        edge = low
    elif pool.spot > high:
        edge = high
    else:
        return 0.0
    met = meeting(do, pool, edge)
    fair, edge = fair * (0.5 + 0.5 * met / edge), met
    profit = taken(pool, edge, fair, kept) * do.index(0)
    if not profit > minimum_profit_usd + do.gas_cost(SWAP):
        return 0.0
    if pool.spot < low:
        stake = -do.wallet_usdc
    elif pool.leg < 0:
        stake = do.wallet_base
    else:
        stake = do.wallet_leg(pool.leg)
    status = do.swap(stake, edge, 0.0, pool.leg)
    return ran_out(do, status, stake, pool.asset)


@part
def ran_out(do: PlainDo, status: int, stake: float, asset: int) -> float:
    """1 where a swap that paid took all there was (``stake``, < 0: USDC), or there was nothing.

    Nothing is what is worth no more than the gas; orders that wait show no more than that.
    """
    usd = stake * do.index(asset) if stake > 0.0 else -stake * do.index(0)
    if usd <= do.gas_cost(SWAP):
        return 1.0
    return 1.0 if status == OK and do.amount_in >= _ALL * abs(stake) else 0.0


@part
def try_to_index(do: PlainDo, minimum_profit_usd: float) -> float:
    """The same in a pool whose curve is no constant product: what it would pay is asked first."""
    fair, kept, spot = do.index(1) / do.index(0), 1.0 - do.pool_fee, do.pool_price
    low, high = fair * kept, fair / kept
    if low <= spot <= high:
        return 0.0
    edge, stake = (low, -do.wallet_usdc) if spot < low else (high, do.wallet_base)
    if do.swap(stake, edge, 0.0, -1, True) != OK:
        return 0.0
    paid, got = do.amount_in * do.index(0), do.amount_out * do.index(1)
    if stake > 0.0:
        paid, got = do.amount_in * do.index(1), do.amount_out * do.index(0)
    if not got - paid > minimum_profit_usd + do.gas_cost(SWAP):
        return 0.0
    status = do.swap(stake, edge)
    return ran_out(do, status, stake, 1)


@part
def meeting(do: PlainDo, pool: Pool, edge: float) -> float:
    """Where the pool's price meets the edge of its band, which moves towards it as it is traded.

    The edge itself where nothing moves the index.
    """
    moved = do.moved_by(pool.asset, _bought(pool, edge))
    if moved == 1.0:
        return edge
    span = between(pool.spot, edge, edge - pool.spot, edge * moved - edge)
    while is_wide(span):
        moved = edge * do.moved_by(pool.asset, _bought(pool, span.place))
        span = narrowed(span, moved - span.place)
    return span.place


@part
def _bought(pool: Pool, end: float) -> float:
    """Whole tokens that are bought outside while the pool goes to a price; < 0: sold."""
    return pool.liquidity * (1.0 / np.sqrt(end) - 1.0 / np.sqrt(pool.spot))


@part
def taken(pool: Pool, edge: float, fair: float, kept: float) -> float:
    """USDC gained by moving the pool to ``edge`` at the liquidity active now.

    ``fair``: the index, USDC per whole token; ``kept``: what the fee leaves of an amount in.
    """
    root, end = np.sqrt(pool.spot), np.sqrt(edge)
    usdc = pool.liquidity * abs(end - root)
    asset = pool.liquidity * abs(1.0 / root - 1.0 / end)
    return asset * fair - usdc / kept if edge > pool.spot else usdc - asset / kept * fair
