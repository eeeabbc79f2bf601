"""A configuration to start from: ``hedgesim init``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from math import exp, isclose, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config.feasibility import written
from simulator.protocol.pool import TICK_SPACING
from simulator.types import InputError
from simulator.world.actions import Recenter
from simulator.world.gas import GAS_UNITS
from simulator.world.protocol import lag_spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.types import Floats


@dataclass(frozen=True)
class Coin:
    """What a coin and its perp are like.

    Attributes:
        price: USD, on 31 December 2022.
        volatility: of hourly log returns, per square root of a year.
        skew_scale: skew that moves the perp's mark by 100 %, USD.
        maintenance: maintenance margin, fraction of the notional.
    """

    price: float
    volatility: float
    skew_scale: float
    maintenance: float = 0.05


# Hourly closes of Binance spot against USDT, July to December 2022 (4,416 hours): volatility, and
# below the correlations. Depth as in the built-in scenarios.
COINS = {
    "BTC": Coin(16_542, 0.54, 2.0e8, 0.03),
    "ETH": Coin(1_196, 0.77, 1.5e8, 0.03),
    "SOL": Coin(9.97, 1.16, 4.0e7),
    "BNB": Coin(246, 0.68, 4.0e7),
    "AVAX": Coin(10.9, 0.88, 2.0e7),
    "LINK": Coin(5.58, 0.88, 2.0e7),
    "UNI": Coin(5.17, 0.98, 2.0e7),
    "AAVE": Coin(52.0, 0.98, 2.0e7),
}
_CORRELATIONS = (
    (),
    (0.88,),
    (0.70, 0.71),
    (0.73, 0.74, 0.64),
    (0.77, 0.79, 0.74, 0.71),
    (0.75, 0.78, 0.71, 0.73, 0.77),
    (0.69, 0.73, 0.63, 0.64, 0.70, 0.71),
    (0.71, 0.76, 0.63, 0.65, 0.73, 0.73, 0.72),
)
#: Gas price of a rollup, gwei.
GWEI = 0.2
_LP_ALLOCATION, _FEE_APR = 0.65, 0.16
_HOURS, _HOURS_PER_YEAR = 720, 8_760
#: Standard deviations of the price that the background liquidity follows; and wallets of who
#: brings the pool there, in values of the pool: two to three for the most volatile of the coins.
_REACH, _WALLET = 4, 4.0
#: Feeds may lag by so much, and takers pay so much; the least half spread that goes with them.
_DEVIATION, _TAKER_FEE = 0.005, 0.0005
_LEAST_SPREAD = float(written(lag_spread(_DEVIATION, _TAKER_FEE)))
#: Value of the pool beside the vault, USD: of the deepest two, of others. And over the deposit: the
#: swap that opens the position has to stay within max_slippage, fee and impact together.
_DEEP, _SHALLOW, _POOL_OVER_DEPOSIT = 8e7, 3e7, 40.0
#: Room of a market's inventory limit over the hedge when the whole position is in its base asset;
#: and skew scale over that hedge, so that it is opened within max_slippage.
_ROOM, _SCALE_OVER_HEDGE = 1.25, 80.0


def starter(
    lp: str,
    hedge: Sequence[str],
    deposit: float,
    *,
    fee_percent: float = 0.3,
    half_width_percent: float = 20.0,
) -> str:
    """YAML of a vault that provides ``lp``/USDC liquidity and sells perps of ``hedge`` against it.

    ``deposit``: USDC at step 0; ``fee_percent``: tier of the pool; ``half_width_percent``: how far
    above its centre the range ends. The pool and the perps are deeper than usual where the deposit
    would not fit, and the file says so.

    Raises:
        InputError: an asset that is not known here or named twice, a deposit that is not positive,
            a tier that Uniswap v3 has not, or a range that cannot be.
    """
    from jinja2 import Environment, StrictUndefined

    from simulator.config.loading import from_mapping

    _check(lp, hedge, deposit)
    fee_ppm = _tier(fee_percent)
    recentring = GAS_UNITS[Recenter]
    betas = _betas(lp, hedge)
    usual = _DEEP if COINS[lp].skew_scale > 1e8 else _SHALLOW
    pool = max(usual, _POOL_OVER_DEPOSIT * deposit)
    symbols = list(dict.fromkeys((lp, *hedge)))
    far = exp(_REACH * COINS[lp].volatility * sqrt(_HOURS / _HOURS_PER_YEAR))
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    environment.finalize = lambda value: _figure(value) if isinstance(value, float) else value
    template = (resources.files("simulator.config") / "starter.yaml").read_text(encoding="utf-8")
    text = environment.from_string(template).render(
        name=f"{lp.lower()}-hedged-with-{'-and-'.join(hedge).lower()}",
        lp=lp,
        hedge=list(hedge),
        deposit=float(deposit),
        deposit_text=f"{deposit:,.0f}",
        assets=[{"symbol": symbol, **vars(COINS[symbol])} for symbol in symbols],
        pairs=_pairs(symbols),
        betas=", ".join(f"{s} {beta:.2f}" for s, beta in zip(hedge, betas, strict=True)),
        gwei=GWEI,
        gas="native_asset: ETH" if "ETH" in symbols else f"native_price: {COINS['ETH'].price:g}",
        pool_usd=pool,
        pool_usd_text=f"{pool:,.0f}",
        pool_raised=pool > usual,
        maker_funds=max(5e7, 10.0 * deposit),
        cap=max(1e9, 100.0 * deposit),  # the maker's money counts towards it
        markets=[
            _market(symbol, abs(beta) * _LP_ALLOCATION * deposit)
            for symbol, beta in zip(hedge, betas, strict=True)
        ],
        noise_base=pool / 2 / COINS[lp].price,
        wallet=_WALLET,
        arbitrage_base=_WALLET * pool / COINS[lp].price,
        hours=_HOURS,
        days=_HOURS // 24,
        reach=_REACH,
        lowest=COINS[lp].price / far,
        highest=COINS[lp].price * far,
        deviation=_DEVIATION,
        taker_fee=_TAKER_FEE,
        least_spread=_LEAST_SPREAD,
        fee_apr=round(100 * _FEE_APR),
        fee_ppm=fee_ppm,
        fee_percent=f"{fee_percent:g}",
        half_width=f"{half_width_percent:g}",
        swap_usd=_FEE_APR * pool / (fee_ppm * 1e-6 * _HOURS_PER_YEAR),
        recentring_gas=f"{recentring:,}",
        recentring_cents=round(recentring * GWEI * 1e-9 * COINS["ETH"].price * 100),
    )
    from_mapping(_read(text))  # what is out of range is said here, not when it is run
    return text


def _check(lp: str, hedge: Sequence[str], deposit: float) -> None:
    for option, symbol in (("lp", lp), *(("hedge", symbol) for symbol in hedge)):
        if symbol not in COINS:
            raise InputError(
                f"{option} = {symbol}: must be one of {', '.join(COINS)}; for another coin begin "
                "with the nearest and put its own figures in"
            )
    if len(set(hedge)) < len(hedge):
        raise InputError(f"hedge = {', '.join(hedge)}: must name each asset once")
    if not (isfinite(deposit) and deposit > 0):
        raise InputError(f"deposit = {deposit:g}: must be more than 0, USDC")


def _tier(fee_percent: float) -> int:
    """The tier of a fee in per cent, parts per million."""
    for fee_ppm in TICK_SPACING:
        if isclose(fee_percent, fee_ppm * 1e-4):
            return fee_ppm
    tiers = ", ".join(f"{fee_ppm * 1e-4:g}" for fee_ppm in TICK_SPACING)
    raise InputError(f"fee = {fee_percent:g}: must be one of {tiers}, per cent")


def _correlation(symbols: Sequence[str]) -> Floats:
    size = len(COINS)
    lower = np.eye(size)
    for row, values in enumerate(_CORRELATIONS):
        lower[row, :row] = lower[:row, row] = values
    rows = [list(COINS).index(symbol) for symbol in symbols]
    return lower[np.ix_(rows, rows)]


def _betas(lp: str, hedge: Sequence[str]) -> list[float]:
    """Hedge ratios of least variance, as the vault will begin with."""
    from simulator.hedging.minimum_variance import hedge_ratios

    symbols = (lp, *hedge)
    volatility = np.array([COINS[symbol].volatility for symbol in symbols])
    found = hedge_ratios(_correlation(symbols) * np.outer(volatility, volatility))
    return [round(float(beta), 9) + 0.0 for beta in found]  # no rounding left, and no minus zero


def _pairs(symbols: Sequence[str]) -> str:
    matrix = _correlation(symbols)
    return ", ".join(
        f"{one}/{other}: {matrix[row, column]:g}"
        for row, one in enumerate(symbols)
        for column, other in enumerate(symbols)
        if row < column
    )


def _market(symbol: str, hedge_usd: float) -> dict[str, Any]:
    """A perp market whose inventory limit carries ``hedge_usd``.

    The limit in force is min(max_skew, skew_scale · maintenance / 2) (contracts/SPEC.md §3.5).
    """
    coin = COINS[symbol]
    needed = max(2.0 * _ROOM / coin.maintenance, _SCALE_OVER_HEDGE) * hedge_usd
    scale = max(coin.skew_scale, needed)
    return {
        "symbol": symbol,
        "skew_scale": scale,
        "max_skew": scale / 10,
        "half_spread": _LEAST_SPREAD,
        "maintenance": coin.maintenance,
        "raised": needed > coin.skew_scale,
        "usual": _figure(coin.skew_scale),
    }


def _figure(value: float) -> str:
    """A number as YAML reads it back as one, and people do too: ``0.05``, ``1234``, ``2.5e+7``."""
    if 1e-4 <= abs(value) < 1e6:
        return f"{value:.6g}"
    mantissa, _, exponent = f"{value:.4e}".partition("e")
    digits = mantissa.rstrip("0")
    return f"{digits}{'0' * digits.endswith('.')}e{int(exponent):+d}"


def _read(text: str) -> dict[str, Any]:
    import yaml

    data: dict[str, Any] = yaml.safe_load(text)
    return data
