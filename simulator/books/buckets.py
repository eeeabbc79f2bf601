"""The terms of the attribution: their order, what people call them, which belong together.

The one home of these names: summary, frames, their registry, charts, story and terminal take them
from here; books number them by their places here. How each is computed:
:mod:`simulator.books.attribution`.
"""

from __future__ import annotations

_TERMS = """
lp_delta | LP delta (price) | price moves of the base asset in the position, its fees and idle base
lp_convexity | LP convexity (gamma) | what being rebalanced by the market cost the position (gamma)
lp_fees | LP fees | swap fees earned by the position
hedge_target | Hedge on target | what the hedge that the posted betas ask for would have gained
hedge_drift | Hedge off target | gain of the hedge from being another than the betas ask for
funding | Funding | funding of the perps, and interest on Aave
perp_fees | Perp fees | taker fees of the vault's perp trades
perp_spread | Perp spread | spread of the vault's perp trades
perp_premium | Perp price impact | premium for the skew of the vault's perp trades
pool_fees | Pool fees paid | swap fees the vault paid to pools
pool_impact | Pool price impact | what pools gave beside the oracle's price, fees apart
collateral_revaluation | USDC and collateral | moves of USDC's own price, and of other collateral
loss_sharing | ADL and socialised loss | losses of others: auto-deleveraging and socialised loss
liquidation_penalty | Liquidation penalty | penalties for liquidated accounts of the vault
written_off | Debt written off | debt of the vault that others bore (a gain)
rewards | Keeper rewards | rewards paid to keepers
"""
_ROWS = [[cell.strip() for cell in line.split("|")] for line in _TERMS.strip().splitlines()]

#: Term → title, in the order they are shown, and term → what it is.
TITLES = {name: title for name, title, _ in _ROWS}
MEANINGS = {name: meaning for name, _, meaning in _ROWS}
BUCKETS = tuple(TITLES)

LP_LEG = ("lp_delta", "lp_convexity", "lp_fees")
HEDGE_LEG = ("hedge_target", "hedge_drift", "funding")

#: Price moves of the LP asset and of its hedge on target: what does not cancel is the basis.
BASIS = ("lp_delta", "hedge_target")
TRADING_COST = ("perp_fees", "perp_spread", "perp_premium", "pool_fees", "pool_impact")

#: Sums of terms that are per-path metrics beside them.
SUMS = {
    "pnl": BUCKETS,
    "basis_pnl": BASIS,
    "hedge_price": ("hedge_target", "hedge_drift"),
    "trading_cost": TRADING_COST,
    "price_impact": ("perp_premium", "pool_impact"),
}
