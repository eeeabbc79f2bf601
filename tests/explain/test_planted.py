"""One planted cause, and it is found: for each friction a scenario that loses to it alone."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.config import from_mapping, load
from simulator.explain.frictions import BY_NAME, FRICTIONS, present
from simulator.explain.job import explain
from simulator.explain.replay import Stage, play
from simulator.market.draw import draw
from simulator.results.registry import path_rows
from simulator.runner.plan import plan_of
from tests.explain.planted import ALL_LEAVE_AT_THE_BOTTOM, FALL, GAP, perp, scenario

CROWD = (
    "agents.leveraged_long={usdc: 0, margin: {USDC: 2.0e+5}, leverage: 10}",
    "clearing.insurance_funds=1",
    "clearing.markets.ETH.maker_loss_cap=1",
    GAP,
)
PLANTED = {
    # BTC stands beside a fall of ETH, and no ratio of it would have helped.
    "proxy": (perp("BTC"), "vault.betas={BTC: 1.0}", FALL),
    # BTC moves as ETH does, and a third of what is needed is sold.
    "beta": (
        perp("BTC"),
        "vault.betas={BTC: 0.3}",
        "correlation={default: 0.0, pairs: {ETH/BTC: 0.9999}}",
        FALL.replace("[ETH]", "[ETH, BTC]"),
    ),
    "rebalancing": ("vault.hedge_band=0.9", FALL),
    "depth": ("clearing.markets.ETH.taker_fee=0.05", "vault.max_slippage=0.1"),
    # A round a tenth too low: the hedge is traded at it.
    "oracle": ("shocks=[{kind: oracle_outlier, asset: ETH, factor: 0.9, at_hours: 24}]",),
    # A rise closes the short just before the fall it was there for.
    "margin": (
        "assets.ETH.volatility=0.05",
        "vault.lp_allocation=0.95",
        "vault.margin_allocation=0.04",
        "vault.margin_target=3",
        "vault.top_up_ratio=2",
        "clearing.markets.ETH.maintenance_rate=0.03",
        "clearing.liquidation_penalty=0.02",
        (
            "shocks=[{kind: squeeze, assets: [ETH], size: 0.12, at_hours: 24},"
            " {kind: crash, assets: [ETH], size: -0.3, at_hours: 25}]"
        ),
    ),
    "adl": CROWD,
    # Two hours of usual gas, then none of the keeper's calls is paid.
    "keeping": (
        "gas={gwei: 0.2, native_asset: null, native_price: 2000, volatility: 0.0}",
        FALL.removesuffix("]") + ", {kind: gas_spike, factor: 10000, at_hours: 2, "
        "duration_hours: 90}]",
    ),
    "run": ("vault.exit_fee=0", ALL_LEAVE_AT_THE_BOTTOM),
    "crowd": CROWD,
}
#: The same frictions by another cause.
ALSO = {
    # Half of the crowd elsewhere is closed out by the fall, and the rest by what that sells.
    "crowd": (
        "impact={depth_usd: {ETH: 1.0e+8}, exponent: 1.0, lasting: 1.0}",
        "population={ETH: {long: {open_interest_usd: 2.0e+9, leverage: 10, leverage_spread: 0.1}}}",
        GAP.replace("-0.25", "-0.09"),
    ),
    # The keeper is down while the price falls.
    "keeping": (
        FALL.removesuffix("]") + ", {kind: outage, agents: [keeper], at_hours: 2, "
        "duration_hours: 90}]",
    ),
}
#: Two that make the loss together; one of them is asked about at a time, and the other stays.
TOGETHER = {"adl": "crowd", "crowd": "adl"}


def test_every_friction_has_its_planted_cause() -> None:
    assert list(PLANTED) == [friction.name for friction in FRICTIONS]


@pytest.mark.parametrize("cause", PLANTED)
def test_the_planted_cause_is_found(cause: str) -> None:
    asked = [name for name in BY_NAME if name != TOGETHER.get(cause)]
    found = explain(scenario(*PLANTED[cause]), frictions=asked, workers=1, search=False).paths
    made = found["loss"] - found["without_any"]
    assert (made > 0.018).all(), "the scenario loses nothing to speak of"
    others = found.drop(columns=["path", "weight", "loss", "liquidated", "without_any", cause])
    assert (found[cause] > 0.95 * made).all()
    assert (others.abs().max(axis=1) < 0.05 * made).all()


@pytest.mark.parametrize("cause", ALSO)
def test_another_cause_of_the_same_friction_is_found_too(cause: str) -> None:
    found = explain(scenario(*ALSO[cause]), workers=1, search=False).paths
    made = found["loss"] - found["without_any"]
    assert (made > 0.01).all(), "the scenario loses nothing to speak of"
    assert (found[cause] > 0.9 * made).all()


def test_without_a_cause_nothing_is_found() -> None:
    found = explain(scenario(FALL), workers=1, search=False).paths
    parts = found.drop(columns=["path", "weight", "loss", "liquidated", "without_any"])
    assert (parts.abs() < 5e-4).all(axis=None)


@pytest.mark.parametrize("name", ["correlation-breakdown", "correlation-convergence"])
def test_without_frictions_all_of_the_hedge_is_held_and_costs_nothing(name: str) -> None:
    """And has no basis: what is left is what the pool itself takes and gives."""
    config = load(name, ["paths=2"])
    plan = plan_of(config, None, None, "model", (), None)
    stage = Stage.of(plan, present(config, FRICTIONS), draw(config.market, 0, 2), 0)
    rows = path_rows(play(stage.scene(0)).ended(np.ones(2)))
    exposed = np.abs(rows["lp_delta"])
    assert (exposed > 2e4).all()
    for cost in ("basis_pnl", "funding", "perp_fees", "perp_spread", "perp_premium", "rewards"):
        assert (np.abs(rows[cost]) < 1e-4 * exposed).all(), cost
    assert (rows["hedge_held"] > 0.999).all()
    assert (np.abs(rows["hedge_drift"]) < 0.1 * exposed).all()
    assert not rows["liquidated"].any()
    assert not (rows["loss_sharing"] + rows["liquidation_penalty"]).any()
    ours = [name for name in rows.dtype.names or () if name.startswith("upkeep_refused_")]
    refused = {name for name in ours if rows[name].any()}
    assert refused <= {"upkeep_refused_slippage", "upkeep_refused_within_band"}  # of swaps in pools


def test_two_that_need_each_other_share_the_loss_equally() -> None:
    """A crowd's debt hurts nobody without deleveraging, nor deleveraging without its debt."""
    found = explain(scenario(*CROWD), workers=1, search=False).paths
    assert found["adl"].to_numpy() == pytest.approx(found["crowd"].to_numpy(), rel=0.01)
    assert (found["adl"] > 0.015).all()


def test_of_venues_that_stop_only_the_chain_is_a_fault_of_the_oracle() -> None:
    halt = {"kind": "venue_outage", "at_hours": 2.0, "duration_hours": 1.0}
    data = scenario(FALL).model_dump()

    def there(venue: str) -> bool:
        shocks = [*data["shocks"], halt | {"venue": venue}]
        return not BY_NAME["oracle"].absent(from_mapping(data | {"shocks": shocks}))

    assert there("chain")
    assert not there("perps")


def test_a_friction_that_is_not_there_is_said_and_costs_no_run() -> None:
    config = scenario(FALL)
    there = {one.name for one in present(config, FRICTIONS)}
    assert there == {"rebalancing", "depth", "margin", "adl", "keeping"}
    summary = explain(config, workers=1, search=False).summary
    assert summary["method"]["coalitions"] == 2**5
    absent = {one["name"]: one["absent"] for one in summary["frictions"] if not one["present"]}
    assert absent == {
        "proxy": "ETH is hedged with itself",
        "beta": "ETH is hedged with itself",
        "oracle": "rounds follow every move at once",
        "run": "there is no withdrawal run",
        "crowd": BY_NAME["crowd"].absent(config),
    }
