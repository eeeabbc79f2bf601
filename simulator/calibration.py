"""Processes from recorded prices, and a look at what they draw: ``hedgesim paths``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from simulator.config import Config, files, from_mapping, load, sections, to_yaml
from simulator.config.impact import MOST_DEPTH
from simulator.market import fitting
from simulator.market.files.symbols import refuse_mixed_quotes
from simulator.market.fitting.base import written as written_correlation
from simulator.market.history_file import AS_WRITTEN, Reading, resolve
from simulator.market.panel import Panel, read_panel
from simulator.protocol.impact import ImpactTerms
from simulator.protocol.terms import terms_of
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from simulator.market.fitting.base import Fitted

MAX_GAP_HOURS = 6.0  # exchanges were down that long
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Calibration:
    """A process fitted to a window of recorded prices, and where these came from.

    ``symbols``: symbol in the file by asset.
    """

    file: str
    symbols: dict[str, str]
    panel: Panel
    fitted: Fitted
    reading: Reading = AS_WRITTEN

    def block(self) -> dict[str, Any]:
        """The sections ``assets``, ``correlation`` and ``process`` as plain data.

        ``assets`` holds last prices and long-run volatilities of what was fitted, nothing else.
        """
        fitted = self.fitted
        correlation = written_correlation(fitted.correlation, _DIGITS)
        pairs = {
            f"{one}/{other}": float(correlation[row, row + 1 + column])
            for row, one in enumerate(fitted.names)
            for column, other in enumerate(fitted.names[row + 1 :])
        }
        assets = {
            name: {
                "price": float(price),
                "volatility": round(float(volatility), _DIGITS),
            }
            for name, price, volatility in zip(
                fitted.names, self.panel.last, fitted.volatility, strict=True
            )
        }
        return {
            "assets": assets,
            "correlation": {"default": 0.0, "pairs": pairs},
            "process": self.process(),
        }

    def process(self) -> dict[str, Any]:
        """The ``process`` section."""
        if self.fitted.process["kind"] != "bootstrap":
            return dict(self.fitted.process)
        return {
            **self.fitted.process,
            "file": self.file,
            "symbols": dict(self.symbols),
            "start": self.panel.start.isoformat(),
            "end": self.panel.end.isoformat(),
            "max_gap_hours": MAX_GAP_HOURS,
            "stamps": self.reading.stamps,
            "outliers": self.reading.outliers,
            "pool": self.reading.pool,
        }

    def yaml(self) -> str:
        """:meth:`block` as YAML, under comments that say what it rests on and how sure it is."""
        panel = self.panel
        filled = sum(report.filled for report in panel.reports)
        lines = [
            f"{self.fitted.process['kind']} fitted to {self.file}: {', '.join(panel.symbols)}",
            f"{len(panel.returns)} returns of {panel.step_minutes} minutes, {filled} bars filled",
            f"from {panel.start} to {panel.end}",
            *panel.notes,
            *(
                f"{name} = {found.value:.4g} ± {found.error:.2g}"
                for name, found in self.fitted.estimates.items()
            ),
        ]
        block = self.block()
        files.to_folder(block, None)  # nobody knows where it will be put
        text = yaml.safe_dump(block, sort_keys=False, allow_unicode=True)
        return "".join(f"# {line}\n" for line in lines) + text

    def into(self, config: Config) -> Config:
        """A scenario with this process, its volatilities and correlations; prices stay its own.

        Raises:
            InputError: the scenario lacks a fitted asset, or does not go with the process.
        """
        data, block = config.model_dump(mode="json"), self.block()
        for name, found in block["assets"].items():
            if name not in data["assets"]:
                raise InputError(
                    f"symbols = {name}: {config.name} has no such asset, must be one of "
                    f"{', '.join(config.symbols)}"
                )
            data["assets"][name]["volatility"] = found["volatility"]
        fitted = set(block["assets"])
        kept = {
            pair: value
            for pair, value in data["correlation"]["pairs"].items()
            if not set(pair.split("/")) <= fitted
        }
        data["correlation"]["pairs"] = kept | block["correlation"]["pairs"]
        data["process"] = block["process"]
        return from_mapping(data)


def calibrate(
    file: str | Path,
    kind: str,
    symbols: Mapping[str, str],
    window: tuple[datetime, datetime] | None = None,
    *,
    regimes: int | None = None,
    reading: Reading = AS_WRITTEN,
) -> Calibration:
    """Fit a process of ``kind`` to ``symbols`` (asset → symbol in the file, short if one fits).

    ``window`` None: all that every symbol has. ``regimes``: how many, for that kind only.

    Raises:
        InputError: something in the file or the arguments is not allowed.
    """
    start, end = window or (None, None)
    symbols = dict(zip(symbols, resolve(file, tuple(symbols.values()), reading), strict=True))
    refuse_mixed_quotes(tuple(symbols.values()), str(file))
    panel = read_panel(file, tuple(symbols.values()), None, start, end, MAX_GAP_HOURS, reading)
    fitted = fitting.fit(kind, panel.returns, tuple(symbols), panel.step_minutes, regimes)
    return Calibration(str(file), symbols, panel, fitted, reading)


def parse_symbols(text: str) -> dict[str, str]:
    """``SOL=SOLUSDT,BTC=BTCUSDT`` as a mapping; raises InputError for anything else."""
    result: dict[str, str] = {}
    for part in text.split(","):
        asset, equals, symbol = (piece.strip() for piece in part.partition("="))
        if not (asset and equals and symbol) or asset in result:
            raise InputError(
                f"symbols = {text}: must be ASSET=SYMBOL,…, each asset once (SOL=SOLUSDT)"
            )
        result[asset] = symbol
    return result


def parse_window(text: str | None) -> tuple[datetime, datetime] | None:
    """A window as ``hedgesim run --window`` takes it; None stays None."""
    from simulator.market import history

    return None if text is None else history.parse_window(text)


def written(calibration: Calibration, scenario: str | None) -> str:
    """YAML of a calibration: the block alone, or a whole scenario it was put into.

    Raises:
        InputError: a run would refuse it.
    """
    if scenario is None:
        sections.validate(calibration.block(), calibration.panel.step_minutes)
        return calibration.yaml()
    return to_yaml(calibration.into(load(scenario)))


def draw_and_show(config: Config, file: str | Path, picture: str | Path) -> None:
    """Draw the market paths of a scenario, save them as Parquet and a picture of them as PNG."""
    from simulator.market.draw import draw
    from simulator.report.paths import save_picture

    market = draw(config.market, 0, config.paths)
    market.to_parquet(file)
    save_picture(market, f"{config.name}, {config.process.kind}", picture)


def depth(file: str, asset: str, pair: str | None, decimals: int | None, usd: float | None) -> str:
    """The section ``impact`` that goes with quotes by size, as YAML with how sure it is.

    Raises:
        InputError: as :func:`~simulator.market.files.quotes.read_quotes` and
            :func:`~simulator.market.fitting.impact.fit`.
    """
    from simulator.market.files.quotes import read_quotes
    from simulator.market.fitting.impact import fit

    if pair is not None and usd is None:
        raise InputError(
            f"usd = None; allowed: the price of {pair.partition('/')[2]}, 1 of a dollar"
        )
    if usd is not None and not usd > 0.0:
        raise InputError(f"usd = {usd:g}; allowed: above 0")
    fitted = fit(*read_quotes(file, pair, decimals, usd or 1.0))
    if not fitted.depth_usd <= MOST_DEPTH:
        raise InputError(
            f"decimals = {decimals}: a depth of {fitted.depth_usd:.3g} USD; allowed: decimals of "
            f"the token sold, with which it is at most {MOST_DEPTH:g}"
        )
    lines = [
        f"# {file}{'' if pair is None else f', {pair}'}",
        "# a quote of a size, its average price, was worse by (the depth is of the marginal price)",
        *(
            f"#   {volume:>14,.0f} USD: {paid:.2%}, fitted {expected:.2%}"
            for volume, paid, expected in zip(
                fitted.volume, fitted.paid, fitted.expected, strict=True
            )
        ),
        (
            f"# depth ± {fitted.depth_error:.0%}, exponent {fitted.exponent:.2f} ± "
            f"{fitted.exponent_error:.2f} (standard errors); half-life and what lasts no quote says"
        ),
    ]
    low, high = (getattr(terms_of(ImpactTerms)["exponent"], end) for end in ("ge", "le"))
    exponent = min(max(fitted.exponent, low), high)
    if exponent != fitted.exponent:
        lines.append(f"# allowed: {low:g} to {high:g}; a quote knows one moment, not a long order")
    block = {
        "impact": {
            "depth_usd": {asset: float(f"{fitted.depth_usd:.3g}")},
            "exponent": round(exponent, 2),
        }
    }
    return "\n".join(lines) + "\n" + yaml.safe_dump(block, sort_keys=False)
