"""What does nothing, or is missing, is said at load: remarks, each held to what a run does."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import simulator
from simulator.config import Config, load, resolve, scenarios
from simulator.config.loading import scenario_text
from simulator.config.remarks import Remark, remarks
from simulator.config.starter import starter

BARE = """
name: mine
horizon_hours: 720
assets:
  USDC: {price: 1.0}
  ETH: {price: 2000, volatility: 0.1}
  BTC: {price: 60000, volatility: 0.1}
correlation: {default: 0.9}
pool: {base: ETH}
clearing: {markets: {BTC: {skew_scale_usd: 2.0e+8, max_skew_usd: 5.0e+6}}}
vault: {range_half_width_percent: 100, hedge_band: 0.01}
agents: {depositor: {}, keeper: {}}
"""


def named(config: Config, finding: str) -> list[Remark]:
    return [remark for remark in remarks(config) if remark.finding == finding]


def frame(config: Config) -> pd.DataFrame:
    return simulator.run(config, paths=2, workers=1, record=1).paths


@pytest.mark.parametrize("scenario", scenarios())
def test_shipped_scenarios_have_the_spread_that_is_charged_and_say_why(scenario: str) -> None:
    config = load(scenario)
    protocol = resolve(config)
    assert [config.half_spread(symbol) for symbol in config.markets] == pytest.approx(
        [protocol.half_spread(market) for market in range(protocol.markets)]
    )
    assert not remarks(config)
    for symbol, market in config.clearing.markets.items():
        charged = config.half_spread(symbol)
        assert 0.99 * charged < market.half_spread <= charged
        assert f"the least that is charged, {charged:.4f}," in scenario_text(scenario)


def test_what_is_said_to_have_no_effect_has_none_and_what_is_charged_has() -> None:
    short = ["horizon_hours=12", "agents.noise_trader=null"]
    field = "clearing.markets.BTC.half_spread"
    costs = []
    for value in ("0", "0.0001", "0.002", "0.004"):
        config = load("calm", [*short, f"{field}={value}"])
        assert (field in [r.field for r in remarks(config)]) == (value in ("0", "0.0001"))
        costs.append(frame(config)["perp_spread"].mean())
    assert costs[0] == costs[1] == costs[2]
    assert costs[3] < 1.2 * costs[2] < 0.0  # of two markets, one charges twice as much


def test_flow_that_nobody_acts_on_is_said() -> None:
    agents = ["agents.noise_trader=null", "agents.depositor=null"]
    for agent, name in zip(agents, ("orders", "deposits"), strict=True):
        (found,) = named(load("calm", [agent]), "no_effect")
        assert found.field == f"flow.{name}"
        assert f"{agent.removesuffix('=null')} is null" in found.text
    none = ["flow.orders={swap_usd_per_hour: 0}", "flow.deposits.flow_per_day=0"]
    assert not named(load("calm", [*agents, *none]), "no_effect")


def test_a_feed_of_its_own_is_named_and_a_market_that_lends_has_no_spread() -> None:
    fees = ["vault.entry_fee=0.02", "vault.exit_fee=0.02", "vault.max_slippage=0.03"]
    feed = "oracle.feeds={BTC: {deviation: 0.02, max_age_minutes: 150}}"
    config = load("calm", [*fees, feed])
    (btc,) = named(config, "no_effect")
    assert "BTC.half_spread = 0.002 has no effect: 0.0096" in btc.text
    assert "oracle.feeds.BTC.deviation = 0.02" in btc.text
    assert "SOL" not in btc.text
    lent = load("aave-hedge")
    assert lent.vault.venues
    assert not [r for r in remarks(lent) for s in lent.vault.venues if f".{s}." in r.text]


def test_the_report_and_the_diagnosis_say_what_counts() -> None:
    market = "clearing.markets"
    small = [f"{market}.BTC.half_spread=0.0001", f"{market}.SOL.half_spread=0.0003"]
    result = simulator.run(load("calm", ["horizon_hours=3", *small]), paths=2, workers=1)
    found = [f for f in result.summary["diagnosis"] if f["name"] == "no_effect"]
    assert [(f["severity"], f["value"]) for f in found] == [("note", 0.0001)]
    page = result.report_html()
    assert "<td>0.0001 (charged: 0.002006)</td>" in page
    assert "<td>0.0003 (charged: 0.002006)</td>" in page


def test_a_monitor_that_has_nothing_to_answer_with_is_said() -> None:
    monitor = "agents.breakdown_monitor={false_alarm_hours: 200}"
    posts, nets = "agents.breakdown_monitor.beta_multiple=0", "clearing.margin=portfolio"
    fields = {}
    for more in ([], [monitor], [monitor, posts], [nets], [monitor, nets]):
        config = load("correlation-breakdown", more)
        named_so = [r.field for r in named(config, "no_effect")]
        assert named_so == (["agents.breakdown_monitor"] if more == [monitor] else [])
        fields[tuple(more)] = frame(config)["return"].tolist()
    assert fields[()] == fields[monitor,]
    assert fields[()] != fields[monitor, posts]
    assert fields[nets,] != fields[monitor, nets]


def test_ratios_that_nobody_posts_are_named() -> None:
    betas = ["vault.betas={BTC: 0.5, SOL: 0.1}", "horizon_hours=6"]
    silent = load("calm", [*betas, "agents.risk_manager=null"])
    (said,) = [r for r in remarks(silent) if r.field == "vault.betas"]
    assert "{estimator: fixed} posts these" in said.text
    assert frame(silent)["hedge_opened"].isna().all()
    posted = load("calm", [*betas, "agents.risk_manager={estimator: fixed}"])
    assert not [r for r in remarks(posted) if r.field == "vault.betas"]
    posts = frame(posted)
    assert posts["posted_beta_BTC"].to_numpy() == pytest.approx(0.5)
    assert posts["hedge_opened"].notna().all()


def test_a_hedge_nobody_takes_the_other_side_of_pays_what_is_said(tmp_path: Path) -> None:
    file = tmp_path / "bare.yaml"
    file.write_text(BARE)
    (said,) = named(load(file), "lonely_hedge")
    (amount,) = [word for word in said.text.split() if word.startswith("$")]
    paid = -frame(load(file))["funding"].mean()
    assert paid == pytest.approx(float(amount[1:].replace(",", "")), rel=0.15)
    assert not named(load(file, ["agents.perp_arbitrageur={}"]), "lonely_hedge")
    assert not named(load(file, ["horizon_hours=24"]), "lonely_hedge")
    assert not named(load(file, ["agents.risk_manager=null"]), "lonely_hedge")


def test_a_file_of_init_leaves_nothing_to_remark(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(starter("ETH", ["BTC", "SOL"], 5e6))
    assert remarks(load(file)) == []


def test_a_half_life_of_sales_that_are_made_at_once_is_named_and_has_no_effect() -> None:
    slow = "agents.borrower_liquidator.sale_half_life_hours=6"
    short = ["horizon_hours=24", "shocks.0.at_hours=3", "shocks.1.at_hours=3"]
    plain, other = (load("lending-cascade", [*short, *more]) for more in ((), (slow,)))
    (found,) = named(other, "no_effect")
    assert found.field == "agents.borrower_liquidator.sale_half_life_hours"
    assert not named(plain, "no_effect")
    pool = "agents.borrower_liquidator.sells=pool"
    assert not named(load("lending-cascade", [*short, slow, pool]), "no_effect")
    assert frame(plain)["borrower_repaid"].equals(frame(other)["borrower_repaid"])
    assert frame(plain)["borrower_repaid"].max() > 0.0
