"""The market outside: its prices, as far as those who trade there what they take here move them.

Who arbitrages wants no position: by how much its holdings of an asset change, it trades outside the
other way. So a sale in the pool, a liquidation that pushes the perp's skew and the vault's own
hedge all come out where the price is made, as far as somebody passes them on, and are shared
between the venues by their depths. What was traded in a step moves the price from the next on:
within one prices stand still. The price follows from these flows alone, on top of the drawn path
(:class:`~simulator.protocol.impact.ImpactTerms`); the oracle's rounds carry it.
"""

from __future__ import annotations

from math import exp

from simulator.market.kernels import is_due
from simulator.model.batch import at
from simulator.model.crowd import begin, crossed
from simulator.model.kernel.jit import inner, kernel
from simulator.model.kernel.record import Path, Paths
from simulator.protocol.impact import PERCENT, felt
from simulator.protocol.oracle import SILENT

_is_due, _felt = inner(is_due), inner(felt)
_crossed, _begin_crowds = crossed, begin


@inner
def moved_by(w: Path, asset: int, tokens: float) -> float:
    """Factor on the index of an asset if so many more were bought there now (< 0: sold)."""
    table, outside = w.tables.outside, w.outside
    if not table.on or not table.depth[asset] > 0.0:
        return 1.0
    volume = outside.lasting[asset] + outside.passing[asset]
    more = tokens / (table.depth[asset] * w.now.outside_depth)
    return exp(PERCENT * (_felt(table.exponent, volume + more) - outside.felt[asset]))


@inner
def move(w: Path) -> None:
    """Make the drawn prices of a step, and its rounds, those that flows leave.

    Who is liquidated at the index sells at once, which may bring down the next; who is liquidated
    at the oracle's price sells once its round is there, which the index shows at the next step.
    """
    table, outside, now = w.tables.outside, w.outside, w.now
    memory = 0.5 ** ((now.clock - outside.clock) / table.half_life)
    for asset in range(w.tables.count.assets):
        drawn, outside.factor[asset] = now.index[asset], 1.0
        if table.depth[asset] > 0.0:
            if now.step == 0.0:
                _begin(w, asset)
            else:
                outside.passing[asset] *= memory
                _pass_on(w, asset)
            _price(w, asset, drawn)
            sold = _crossed(w, asset, now.index[asset], 0)
            while sold != 0.0:
                _force(w, asset, -sold)
                _price(w, asset, drawn)
                sold = _crossed(w, asset, now.index[asset], 0)
            if asset == table.native:
                now.gas_usd *= outside.factor[asset]
        if table.heartbeat[asset] > 0.0:
            _post(w, asset)
        if table.depth[asset] > 0.0:
            sold = _crossed(w, asset, now.price[asset], 1)
            _force(w, asset, -sold)
            if sold != 0.0:
                _feel(w, asset)
    outside.clock, outside.depth = now.clock, now.outside_depth


@inner
def _begin(w: Path, asset: int) -> None:
    """Nothing was traded yet."""
    w.outside.lasting[asset] = w.outside.passing[asset] = 0.0
    w.outside.held[asset] = held(w, asset)
    _begin_crowds(w, asset)


@inner
def _feel(w: Path, asset: int) -> None:
    """How much the net volume bought moves the price: asked for often until it changes."""
    outside = w.outside
    volume = outside.lasting[asset] + outside.passing[asset]
    outside.felt[asset] = _felt(w.tables.outside.exponent, volume)


@inner
def _price(w: Path, asset: int, drawn: float) -> None:
    """The index as the net volume bought leaves it."""
    _feel(w, asset)
    outside = w.outside
    outside.factor[asset] = exp(PERCENT * outside.felt[asset])
    w.now.index[asset] = drawn * outside.factor[asset]


@inner
def _take(w: Path, asset: int, tokens: float) -> None:
    """So many more are bought (< 0: sold), at a depth of one."""
    table, outside = w.tables.outside, w.outside
    volume = tokens / table.depth[asset]
    outside.lasting[asset] += table.lasting * volume
    outside.passing[asset] += (1.0 - table.lasting) * volume


@inner
def _force(w: Path, asset: int, tokens: float) -> None:
    """Somebody is forced to buy so many (< 0: to sell), which the market feels if it does."""
    if w.tables.outside.feedback:
        _take(w, asset, tokens / w.now.outside_depth)


@kernel
def move_all(paths: Paths) -> None:
    """The same on every path."""
    for i in range(paths.states.size):
        move(at(paths, i))


@inner
def _pass_on(w: Path, asset: int) -> None:
    """What was taken here in the last step is traded outside, at its depth."""
    outside, held_now = w.outside, held(w, asset)
    bought = outside.held[asset] - held_now
    if not w.tables.outside.feedback:
        for party in range(w.tables.count.parties):
            bought -= outside.due[party, asset]
    _take(w, asset, bought / outside.depth)
    outside.held[asset] = held_now


@inner
def held(w: Path, asset: int) -> float:
    """Whole tokens that those who trade outside have of an asset: wallets, collateral, perps."""
    table, clearing, count = w.tables, w.state.clearing, w.tables.count
    found = 0.0
    for place in range(table.outside.trader_count):
        agent = table.outside.trader[place]
        found += w.state.wallet.token[agent, asset] / table.oracle.unit[asset]
        account = table.agent.account[agent]
        if account < 0:
            continue
        for market in range(count.markets):
            if table.clearing.asset[market] == asset:
                found += clearing.size[account, market]
        for number in range(1, count.collaterals):
            if table.clearing.collateral_asset[number] == asset:
                found += clearing.collateral[account, number] / table.oracle.unit[asset]
    return found


@inner
def _post(w: Path, asset: int) -> None:
    """The last round of an asset's feed, as kernels of the market would post it."""
    table, outside, now = w.tables.outside, w.outside, w.now
    step, lags = int(now.step), w.tables.count.lags
    outside.past[asset, step % lags] = now.index[asset]
    observed = outside.past[asset, max(step - table.lag[asset], 0) % lags]
    if step == 0:
        outside.price[asset], outside.updated_at[asset] = now.index[asset], 0.0
    elif now.special[asset] > 0.0:
        outside.price[asset] = observed * now.special[asset]
        outside.updated_at[asset] = now.clock
    elif now.special[asset] != SILENT:
        last, age = outside.price[asset], now.clock - outside.updated_at[asset]
        deviation = w.tables.oracle.deviation[asset]
        if _is_due(observed, last, age, table.heartbeat[asset], deviation):
            outside.price[asset], outside.updated_at[asset] = observed, now.clock
    now.price[asset], now.updated_at[asset] = outside.price[asset], outside.updated_at[asset]
