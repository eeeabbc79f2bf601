"""The report: one self-contained HTML page that says in a minute what a run came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.config import lending, replays
from simulator.protocol.statuses import meaning
from simulator.report import cascade, causes, sections, strategies
from simulator.report.format import MINUS, count, heading, listed, number, percent, usd
from simulator.report.template import fill
from simulator.report.verdict import is_off_market, verdict
from simulator.results.records import rolling_window
from simulator.results.registry import counted

if TYPE_CHECKING:
    from simulator.config import Config
    from simulator.results.dataset import Dataset


#: Figures of what an agent of one's own counts.
_COLUMNS = ("mean", "p5", "median", "p95")


def render(result: Dataset) -> str:
    """The page as HTML."""
    from markupsafe import Markup

    charts = {
        "shocks": sections.shocks(result),
        "share_price": sections.share_price(result),
        "strategies": strategies.chart(result),
        "legs_mean": sections.legs(result, worst=False),
        "legs_worst": sections.legs(result, worst=True),
        "margin": sections.margin(result),
        "correlation": sections.correlation(result),
        "attribution_mean": sections.attribution(result, "mean"),
        "attribution_tail": sections.attribution(result, "tail"),
        "attribution_worst": sections.attribution(result, "worst_path"),
        "worst_prices": sections.worst_prices(result),
        "worst_events": sections.worst_events(result),
        "worst_delta": sections.worst_delta(result),
        "worst_gamma": sections.worst_gamma(result),
    }
    config, summary = result.config, result.summary
    window = rolling_window(config.steps, config.step_seconds) * config.step_minutes / 60
    html = fill(
        "page.html",
        title=heading(config.name, config.symbols),
        sentence=_sentence(config, summary["world"]),
        description=config.description,
        verdict=verdict(summary),
        gates=summary["gates"],
        cards=_cards(summary),
        basis=_basis(summary),
        cascade=cascade.section(result),
        charts={name: Markup(svg) for name, svg in charts.items()},
        worst=summary["worst_path"],
        symbols={"lp": config.pool.base, "hedge": listed(list(config.markets))},
        window=f"{window:g}",
        parameters=_parameters(config, summary["config"]),
        notes=replays.notes(config),
        refusals=_refusals(summary),
        counted=_counted(summary),
        off_market=is_off_market(summary),
        strategies=strategies.cells(summary["strategies"] or []),
        strategy_columns=strategies.COLUMNS,
        diagnosis=summary["diagnosis"],
        summary=summary,
    )
    # A line must not break between the sign and the amount.
    return html.replace(f"{MINUS}$", f"{MINUS}\N{WORD JOINER}$")


def _sentence(config: Config, world: str) -> str:
    days = config.steps * config.step_minutes / 1_440
    length = f"{days:.3g} days" if days >= 2 else f"{days * 24:g} hours"
    deposit = ""
    if config.agents.depositor is not None:
        deposit = f"{usd(config.agents.depositor.initial_deposit)} of deposits provide "
    where = "on the contracts themselves" if world == "chain" else "on the fast model"
    prices = "recorded prices" if config.history.prices else "drawn prices"
    return (
        f"{deposit or 'A vault provides '}{config.pool.base}/USDC liquidity, hedged by shorting "
        f"{listed(list(config.markets))}; {count(config.paths, 'path')} of {length} in steps of "
        f"{config.step_minutes} minutes, {prices}, {where}, seed {config.seed}."
    )


def _cards(summary: dict[str, Any]) -> list[dict[str, str]]:
    """Key figures; ``gate`` is what a requirement calls the figure."""
    metrics, by = summary["metrics"], ", by the oracle" if is_off_market(summary) else ""
    assumed = summary["assumed_correlation"]
    realised = metrics["realised_correlation"]["median"]
    return [
        {
            "name": "Mean return",
            "gate": "return.mean",
            "value": percent(metrics["return"]["mean"], plus=True),
            "note": f"median {percent(metrics['return']['median'], plus=True)}{by}",
        },
        {
            "name": "Expected shortfall",
            "gate": "return.es95",
            "value": percent(metrics["return"]["es95"]),
            "note": f"mean loss of the worst 5 % of paths{by}",
        },
        {
            "name": "Maximum drawdown",
            "gate": "max_drawdown.median",
            "value": percent(metrics["max_drawdown"]["median"]),
            "note": f"median{by}; worst {percent(metrics['max_drawdown']['max'])}",
        },
        {
            "name": "Lowest margin ratio",
            "gate": "min_margin_ratio.median",
            "value": number(metrics["min_margin_ratio"]["median"]),
            "note": f"median; thinnest {number(metrics['min_margin_ratio']['min'])}, "
            "liquidation at 1",
        },
        {
            "name": "Hedge effectiveness",
            "gate": "hedge_effectiveness.median",
            "value": percent(metrics["hedge_effectiveness"]["median"], 0),
            "note": "of the LP leg's variance removed, median",
        },
        {
            "name": "Correlation",
            "gate": "realised_correlation.median",
            "value": number(realised),
            "note": "realised, median"
            + ("" if assumed is None else f"; assumed {number(assumed)}"),
        },
        *_further_cards(summary),
    ]


def _further_cards(summary: dict[str, Any]) -> list[dict[str, str]]:
    """What only some runs have: hedges taken away, and somebody trading against the oracle."""
    metrics, agents = summary["metrics"], summary["config"]["agents"]
    cards = []
    if metrics["adl_notional"]["max"] > 0.0:
        cards.append(
            {
                "name": "Auto-deleveraged",
                "gate": "adl_notional.mean",
                "value": usd(metrics["adl_notional"]["mean"]),
                "note": "of the hedge, mean; with losses shared it cost "
                f"{usd(-metrics['loss_sharing']['mean'])}",
            }
        )
    if metrics["borrower_liquidations"]["max"] > 0.0:
        cards.append(
            {
                "name": "Borrowers liquidated",
                "gate": "borrower_repaid.mean",
                "value": usd(metrics["borrower_repaid"]["mean"]),
                "note": "of debt on the lending market, mean; liquidators got "
                f"{usd(metrics['borrower_bonus']['mean'])}, bad debt left "
                f"{usd(metrics['bad_loans']['mean'])}",
            }
        )
    if agents["latency_arbitrageur"] is not None:
        cards.append(
            {
                "name": "Latency arbitrage",
                "gate": "latency_profit.mean",
                "value": usd(metrics["latency_profit"]["mean"], plus=True),
                "note": "mean gain from timing the oracle; best path "
                f"{usd(metrics['latency_profit']['max'], plus=True)}",
            }
        )
    return cards


def _basis(summary: dict[str, Any]) -> str:
    """What the mean result is made of, and how much of it came from basis."""
    mean = causes.of(summary, "mean")
    cancelled = causes.basis(mean)
    text = f"On average the vault {causes.account(mean)}."
    return f"{text} {cancelled}." if cancelled else text


def _parameters(config: Config, data: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The configuration, flat, by section; what is charged instead of a value stands beside it."""
    charged = {
        f"markets.{symbol}.half_spread": config.half_spread(symbol)
        for symbol, market in config.clearing.markets.items()
        if symbol not in lending.lent(config) and config.half_spread(symbol) > market.half_spread
    }
    general, groups = [], []
    for name, value in data.items():
        if isinstance(value, dict | list):
            rows = [
                (key, f"{text} (charged: {charged[key]:.4g})" if key in charged else text)
                for key, text in _flat("", value)
            ]
            if rows:
                groups.append((name, rows))
        else:
            general.append((name, _text(value)))
    return [("run", general), *groups]


def _counted(summary: dict[str, Any]) -> list[list[str]]:
    """What agents of one's own count: name, mean, quantiles; not what never happened."""
    found = summary["metrics"]
    return [
        [one.heading, *(_figure(found[one.name][key], one.form) for key in _COLUMNS)]
        for one in counted(found)
        if not (one.only_if_any and found[one.name]["min"] == found[one.name]["max"] == 0.0)
    ]


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _refusals(summary: dict[str, Any]) -> list[dict[str, str]]:
    """What was refused to those who run the vault and to others, most of the vault's first."""
    ours, everybody = summary["upkeep_refusals"], summary["refusals"]
    rows = sorted(everybody, key=lambda name: (-ours.get(name, 0), -everybody[name]))
    return [
        {
            "name": name.replace("_", " "),
            "upkeep": f"{ours.get(name, 0):,}",
            "others": f"{everybody[name] - ours.get(name, 0):,}",
            "meaning": meaning(name),
        }
        for name in rows
    ]


def _flat(prefix: str, value: Any) -> Any:
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        yield prefix, _text(value)
        return
    for key, item in items:
        yield from _flat(f"{prefix}.{key}" if prefix else str(key), item)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "–" if value is None else str(value)
