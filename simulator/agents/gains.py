"""What an adversary has gained: counted by itself, the same way by all of them.

Amounts of tokens against those it began with, at the index of now: holding what it began with
counts for nothing. Shares count what the vault holds for them at the index; perps their value at
the index; gas is taken off. Collateral other than USDC is taken to be what it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.agents.do import part

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@part
def usdc_held(do: PlainDo, shares: float) -> float:
    """USDC it has, with what its shares and its perps are worth at the index in USDC."""
    held, usdc = do.wallet_usdc, do.index(0)
    if shares > 0.0 and do.shares > 0.0:
        held += do.value_at_index() * shares / do.shares / usdc
    if do.account >= 0:
        table = do.w.tables.clearing
        value = do.margin_of(do.account).value
        for number in range(1, do.w.tables.count.collaterals):
            value -= do.collateral(do.account, number) * do.oracle(table.collateral_asset[number])
        held += value / do.oracle(0)
        for market in range(do.w.tables.count.markets):
            asset = table.asset[market]
            held += do.size(do.account, market) * (do.index(asset) - do.oracle(asset)) / usdc
    return held


@part
def count(do: PlainDo, my: Any, queued: float) -> None:
    """Bring ``my.profit`` up to date; ``queued``: shares of its own that wait in the queue."""
    shares = do.wallet_shares + queued
    if not my.begun:
        my.begun = True
        my.began_usdc, my.began_base = usdc_held(do, shares), do.wallet_base
    gained = (usdc_held(do, shares) - my.began_usdc) * do.index(0)
    my.profit = gained + (do.wallet_base - my.began_base) * do.index(1) - my.spent


@part
def spend(do: PlainDo, my: Any, kind: int) -> None:
    """Pay the gas of an action of a kind, which a refused one costs as well."""
    my.spent += do.gas_cost(kind)
