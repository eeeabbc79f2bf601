"""The report: one self-contained HTML page that says in a minute what a run came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.report import sections
from simulator.report.format import MINUS, count, listed, number, percent, usd
from simulator.results.records import rolling_window

if TYPE_CHECKING:
    from simulator.config import Config
    from simulator.results.dataset import Dataset


def render(result: Dataset) -> str:
    """The page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("simulator.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    charts = {
        "shocks": sections.shocks(result),
        "share_price": sections.share_price(result),
        "legs_mean": sections.legs(result, worst=False),
        "legs_worst": sections.legs(result, worst=True),
        "margin": sections.margin(result),
        "correlation": sections.correlation(result),
        "attribution_mean": sections.attribution(result, "mean"),
        "attribution_worst": sections.attribution(result, "worst_path"),
        "worst_prices": sections.worst_prices(result),
        "worst_events": sections.worst_events(result),
        "worst_delta": sections.worst_delta(result),
        "worst_gamma": sections.worst_gamma(result),
    }
    config, summary = result.config, result.summary
    window = rolling_window(config.steps, config.step_seconds) * config.step_minutes / 60
    html = environment.get_template("page.html").render(
        title=config.name.replace("-", " ").replace("_", " ").capitalize(),
        sentence=_sentence(config, summary["world"]),
        description=config.description,
        verdict=_verdict(summary),
        gates=summary["gates"],
        cards=_cards(summary),
        basis=_basis(summary),
        charts={name: Markup(svg) for name, svg in charts.items()},
        worst=summary["worst_path"],
        symbols={"lp": config.pool.base, "hedge": listed(list(config.markets))},
        window=f"{window:g}",
        parameters=_parameters(summary["config"]),
        notes=config.history.notes,
        summary=summary,
    )
    # A line must not break between the sign and the amount.
    return html.replace(f"{MINUS}$", f"{MINUS}\N{WORD JOINER}$")


#: Mean loss beyond which a run without liquidations is no success.
_COSTLY = 0.05


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


def _verdict(summary: dict[str, Any]) -> dict[str, str]:
    """Survived or not, in how many paths, and how sure that is."""
    paths, found = summary["paths"], summary["probabilities"]
    liquidated, debt = found["liquidation"], found["bad_debt"]
    survived = paths - liquidated["paths"]
    if liquidated["paths"] == 0 and debt["paths"] == 0:
        tone, text = "good", f"Survived: never liquidated on any of {count(paths, 'path')}"
    elif survived == 0:
        tone, text = "bad", f"Liquidated on every one of {count(paths, 'path')}"
    else:
        tone = "bad" if liquidated["estimate"] > 0.05 or debt["paths"] else "warn"
        text = f"Survived {survived:,} of {paths:,} paths without liquidation"
    sampled = summary.get("sampling")
    if sampled is not None:  # paths drawn towards the event say little by their number
        text = (
            f"Survives without liquidation with probability {percent(1 - liquidated['estimate'])}"
        )
    mean = summary["metrics"]["return"]["mean"]
    if mean < -_COSTLY:
        tone = "bad"
        text += f", but depositors lost {percent(-mean)} on average"
    details = (
        f"Probability of liquidation {percent(liquidated['estimate'])} (95 % interval "
        f"{percent(liquidated['low'])} to {percent(liquidated['high'])}); depositors lost money on "
        f"{percent(found['loss']['estimate'])} of the paths; "
        + (
            f"bad debt on {count(debt['paths'], 'path')}, "
            f"up to {usd(summary['metrics']['bad_debt']['max'])}."
            if debt["paths"]
            else "no bad debt."
        )
    )
    if sampled is not None:
        known = round(sampled["effective_sample_size"])
        details += (
            " Importance sampling: some paths were drawn towards rare events and every path is "
            f"weighted back, which for a mean is worth {count(known, 'plain path')}."
        )
    return {"tone": tone, "text": text, "details": details}


def _cards(summary: dict[str, Any]) -> list[dict[str, str]]:
    """Key figures; ``gate`` is what a requirement calls the figure."""
    metrics = summary["metrics"]
    assumed = summary["assumed_correlation"]
    realised = metrics["realised_correlation"]["median"]
    return [
        {
            "name": "Mean return",
            "gate": "return.mean",
            "value": percent(metrics["return"]["mean"], plus=True),
            "note": f"median {percent(metrics['return']['median'], plus=True)}",
        },
        {
            "name": "Expected shortfall",
            "gate": "return.es95",
            "value": percent(metrics["return"]["es95"]),
            "note": "mean loss of the worst 5 % of paths",
        },
        {
            "name": "Maximum drawdown",
            "gate": "max_drawdown.median",
            "value": percent(metrics["max_drawdown"]["median"]),
            "note": f"median; worst {percent(metrics['max_drawdown']['max'])}",
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
    """How much of the result came from basis, over all paths."""
    mean = summary["attribution"]["mean"]
    basis, total = mean["lp_delta"] + mean["hedge_price"], sum(mean.values())
    text = (
        f"On average the LP leg's price exposure brought {usd(mean['lp_delta'], plus=True)} and "
        f"the hedge {usd(mean['hedge_price'], plus=True)}: what did not cancel, the basis, is "
        f"{usd(basis, plus=True)}"
    )
    if total < 0 and basis < 0:
        share = percent(basis / total, 0)
        return f"{text}, or {share} of the mean loss of {usd(-total)}."
    return f"{text}, beside a mean result of {usd(total, plus=True)}."


def _parameters(config: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The configuration, flat, by section."""
    general, groups = [], []
    for name, value in config.items():
        if isinstance(value, dict | list):
            rows = list(_flat("", value))
            if rows:
                groups.append((name, rows))
        else:
            general.append((name, _text(value)))
    return [("run", general), *groups]


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
