"""Oracle pusher: pushes the market that an oracle reads, with the vault's shares in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.agents.crossing import between, is_wide, narrowed
from simulator.agents.do import part
from simulator.agents.gains import count, spend
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import DEPOSIT, REDEEM, SWAP

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Pushes it looks at, each twice the one before, up to its budget.
_PUSHES = 12
# Of what a push is counted on to move the oracle by, what it waits for.
_BROUGHT = 0.75


class Push(NamedTuple):
    """A push of the base asset's market."""

    usdc: float  # that it buys for in the pool
    gain: float  # USD, gas apart


@dataclass(eq=False)
class OraclePusher(ScalarAgent):
    """Buys shares, buys base in the pool, and sells both once the oracle has followed.

    The vault values nothing at the pool's spot: what a push moves is the market outside, where
    arbitrageurs pass it on (``impact``), and the oracle's next round. It counts on what that adds
    to the shares it holds, by the vault's base and its perps in that asset, less the fees of entry
    and exit and what it gets less for what it pushed with: the pool's fee twice, and what
    arbitrageurs have sold into the pool meanwhile. It sells when a round has brought what it
    counted on, or after ``patience_blocks``.
    """

    stake: float
    patience_blocks: int
    minimum_profit_usd: float
    until: int = field(default=-1, init=False)  # step at which it sells; -1: it has pushed nothing
    base: float = field(default=0.0, init=False)  # tokens it pushed with
    price: float = field(default=0.0, init=False)  # of the oracle, at which it sells
    begun: bool = field(default=False, init=False)
    began_usdc: float = field(default=0.0, init=False)
    began_base: float = field(default=0.0, init=False)
    spent: float = field(default=0.0, init=False)  # on gas and fees of loans, USD
    profit: float = field(default=0.0, init=False)  # USD

    @staticmethod
    def act(do: PlainDo, my: OraclePusher) -> None:  # type: ignore[override]
        """Push where that pays; sell once it has."""
        if not my.begun:
            count(do, my, 0.0)
        if my.until >= 0:
            if do.step >= my.until or do.oracle(1) >= my.price:
                _leave(do, my)
        elif do.shares > 0.0:
            push = _best(do, my)
            if push.usdc > 0.0 and push.gain > my.minimum_profit_usd:
                _begin(do, my, push)
        count(do, my, 0.0)


@part
def _delta(do: PlainDo) -> float:
    """What the vault's NAV gains per USD of its own when the base asset's price doubles."""
    table, vault = do.w.tables.clearing, do.vault()
    held = vault.lp_base + vault.fees_base + do.idle_base
    for market in range(do.w.tables.count.markets):
        if table.asset[market] == 1:
            for account in range(1 + do.w.tables.count.markets):
                held += do.size(account, market)
    return held * do.oracle(1) / vault.nav if vault.nav > 0.0 else 0.0


class Moved(NamedTuple):
    """What comes of a push."""

    rise: float  # of the index, a part of it
    lost: float  # USDC, on what it pushed with


@part
def _moved(do: PlainDo, usdc: float) -> Moved:
    """What comes of pushing the pool with USDC where arbitrageurs bring the index back to it.

    They sell into the pool what they buy outside, up to where the two meet but for the pool's fee.
    """
    kept = 1.0 - do.w.tables.pool.fee_ppm * 1e-6
    fair, liquidity = do.index(1) / do.index(0), do.pool_liquidity
    start = np.sqrt(do.pool_price)
    pushed = start + usdc * kept / liquidity
    most = usdc / do.pool_price
    span = between(
        0.0,
        most,
        _above(pushed, 0.0, kept, liquidity, fair),
        _above(pushed, most, kept, liquidity, fair * do.moved_by(1, most)),
    )
    while is_wide(span):
        moved = fair * do.moved_by(1, span.place)
        span = narrowed(span, _above(pushed, span.place, kept, liquidity, moved))
    least = span.place
    met = 1.0 / (1.0 / pushed + least * kept / liquidity)
    base = liquidity * (1.0 / start - 1.0 / pushed)
    back = 1.0 / (1.0 / met + base * kept / liquidity)
    return Moved(do.moved_by(1, least) - 1.0, usdc - liquidity * (met - back))


@part
def _above(pushed: float, bought: float, kept: float, liquidity: float, outside: float) -> float:
    """What the pool pays for one more, above what it costs outside, once so many came in."""
    left = 1.0 / (1.0 / pushed + bought * kept / liquidity)
    return left * left * kept - outside


@part
def _best(do: PlainDo, my: OraclePusher) -> Push:
    """The push that brings most by what it counts on; of 0 USDC where it has nothing to push with.

    A push must carry the price beyond the feed's deviation, or no round shows it before the
    heartbeat does: that is the oracle's to say, and it waits.
    """
    table = do.w.tables.vault
    stake = my.stake * do.wallet_usdc
    budget, delta = do.wallet_usdc - stake, _delta(do)
    # Its own deposit lies idle beside what the vault has placed, and gains nothing.
    nav = do.vault().nav
    part_of = nav / (nav + stake * do.index(0))
    gas = do.gas_cost(DEPOSIT) + do.gas_cost(REDEEM) + 2.0 * do.gas_cost(SWAP)
    usdc, gain = 0.0, 0.0
    for halvings in range(_PUSHES):
        spent = budget * 0.5**halvings
        moved = _moved(do, spent)
        won = stake * (part_of * delta * moved.rise - table.entry_fee - table.exit_fee)
        found = (won - moved.lost) * do.index(0) - gas
        if spent > 0.0 and (usdc == 0.0 or found > gain):
            usdc, gain = spent, found
    return Push(usdc, gain)


@part
def _begin(do: PlainDo, my: OraclePusher, push: Push) -> None:
    spend(do, my, DEPOSIT)
    if do.deposit(my.stake * do.wallet_usdc) != OK:
        return
    moved = _moved(do, push.usdc).rise
    spend(do, my, SWAP)
    my.base = do.amount_out if do.swap(-push.usdc) == OK else 0.0
    my.until = do.step + my.patience_blocks
    my.price = do.oracle(1) * (1.0 + _BROUGHT * moved) if moved > 0.0 else 1e300


@part
def _leave(do: PlainDo, my: OraclePusher) -> None:
    """Sell the shares, then the base; what is refused is tried again at each step."""
    if do.wallet_shares > 0.0:
        spend(do, my, REDEEM)
        do.redeem(do.wallet_shares)
    if my.base > 0.0:
        spend(do, my, SWAP)
        do.swap(my.base)
        my.base = 0.0
    if do.wallet_shares == 0.0:
        my.until = -1
