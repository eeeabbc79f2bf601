"""Arbitrageurs whose money ran out: counted, told, and the same in both worlds."""

from __future__ import annotations

from typing import Any

import pytest

import simulator
from simulator.config import load
from simulator.verify import verify_paths

FALL = "shocks=[{kind: crash, assets: [ETH, BTC], size: -0.3, at_hours: 12, ramp_hours: 6}]"
#: What leaves each with too little: USDC and tokens of who brings the pool back, margin of a perp.
POOR = {
    "amm_arbitrageur": ("agents.amm_arbitrageur={usdc: 2000, base: 10}",),
    "perp_arbitrageur": ("agents.perp_arbitrageur={usdc: 0, margin: {USDC: 500}}",),
}


def ran(*settings: str, **how: Any) -> simulator.Result:
    config = load("calm", ["horizon_hours=36", "paths=3", FALL, *settings])
    return simulator.run(config, workers=1, **how)


def dry(result: simulator.Result) -> list[dict[str, Any]]:
    return [f for f in result.summary["diagnosis"] if f["name"] == "arbitrageurs_dry"]


def test_nobody_who_has_enough_stops_short() -> None:
    result = ran()
    for name in POOR:
        assert (result.paths[f"{name}_missed"] == 0.0).all()
    assert not dry(result)
    assert "_missed" not in result.report_html()


@pytest.mark.parametrize("name", POOR)
def test_who_runs_out_is_counted_and_told(name: str) -> None:
    result = ran(*POOR[name])
    assert (result.paths[f"{name}_missed"] > 0.0).all()
    (finding,) = dry(result)
    assert finding["field"] == f"agents.{name}.usdc"
    assert finding["severity"] == "warning"
    assert f"<code>{name}_missed</code>" in result.report_html()
    assert "arbitrageurs ran out of money on 100 % of the paths" in finding["text"]
    assert f"{result.paths[f'{name}_missed'].mean():,.0f} times a path" in finding["text"]


def test_the_pool_stays_off_the_index_for_as_long_as_it_is_counted() -> None:
    """Every step at which it stood where a swap pays, and the same without compiled code."""
    poor = [*POOR["amm_arbitrageur"], "agents.noise_trader=null"]
    result, plain = ran(*poor, record=3), ran(*poor, record=3, plain=True)
    assert (result.paths["amm_arbitrageur_missed"] == plain.paths["amm_arbitrageur_missed"]).all()
    series = result.series
    off = (series["pool_price"] / (series["index_ETH"] / series["index_USDC"]) - 1.0).abs()
    steps = off.gt(0.02).groupby(series["path"]).sum().to_numpy()
    assert (steps > 5).all()
    assert (result.paths["amm_arbitrageur_missed"].to_numpy() >= steps).all()


def test_both_worlds_agree_on_who_runs_out() -> None:
    assert verify_paths(load("calm", [FALL, *POOR["amm_arbitrageur"]]), 0, 1, 30).agrees
