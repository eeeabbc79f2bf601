"""Each scenario shows the mechanism that it is there for, most beside a run without it."""

from __future__ import annotations

import pandas as pd
import pytest

import simulator
from simulator.books.buckets import BUCKETS
from simulator.config import load
from tests.sizes import sized

PATHS = sized(16, 200)
NO_LENDING = ("lending=null", "agents.borrower_liquidator=null")


def ran(name: str, *overrides: str) -> simulator.Result:
    return simulator.run(load(name, list(overrides)), paths=PATHS, workers=1, record=1)


def paths(name: str, *overrides: str) -> pd.DataFrame:
    return ran(name, *overrides).paths


def findings(result: simulator.Result) -> set[str]:
    return {finding["name"] for finding in result.summary["diagnosis"]}


def largest_loss(of: pd.DataFrame) -> str:
    return str(of[list(BUCKETS)].mean().idxmin())


# ---------------------------------------------------------------------------------- generic ones


def test_correlation_breakdown_and_convergence_are_each_others_opposite() -> None:
    apart, together = paths("correlation-breakdown"), paths("correlation-convergence")
    assert apart["basis_pnl"].mean() < 0.5 * apart["pnl"].mean() < 0.0
    assert apart["realised_correlation"].mean() < 0.6
    assert together["realised_correlation"].mean() > 0.9
    assert apart["hedge_effectiveness"].mean() < 0.5 * together["hedge_effectiveness"].mean()


def test_idiosyncratic_crash_is_basis() -> None:
    found = paths("idiosyncratic-crash").mean(numeric_only=True)
    assert found["basis_pnl"] < 0.6 * found["pnl"] < 0.0
    assert abs(found["hedge_target"]) < 0.15 * abs(found["lp_delta"])


def test_liquidity_crunch_refuses_the_hedge_and_leaves_the_pool_to_the_vault() -> None:
    crunch, deep = paths("liquidity-crunch"), paths("liquidity-crunch", "shocks.0.factor=1")
    for limit in ("refused_inventory_limit", "refused_open_interest_cap"):
        assert crunch[limit].mean() > 20.0 > 10.0 * deep[limit].mean()
    assert crunch["lp_fees"].mean() > 1.8 * deep["lp_fees"].mean()
    assert crunch["shares_left"].mean() == pytest.approx(deep["shares_left"].mean(), abs=0.05)


def test_funding_squeeze_is_paid_by_an_exact_hedge() -> None:
    found = paths("funding-squeeze")
    assert largest_loss(found) == "funding"
    assert found["funding"].mean() < found["pnl"].mean() < 0.0
    assert found["basis_pnl"].abs().max() < 1e-6 * found["largest_nav"].max()
    alone = paths("funding-squeeze", "agents.leveraged_short=null")
    assert alone["funding"].mean() > 0.1 * found["funding"].mean()


def test_vol_regime_gives_little_of_the_loss_or_much() -> None:
    """Of convexity, whose mean is nearly that under a constant volatility."""
    two, one = (paths("vol-regime", *how)["lp_convexity"] for how in ((), ("process={kind: gbm}",)))
    assert two.mean() == pytest.approx(one.mean(), rel=0.35)
    assert two.std() > 1.5 * one.std()


def test_bank_run_empties_the_vault_and_leavers_pay_for_it() -> None:
    watching = paths("bank-run")
    alone = paths("bank-run", "agents.depositor.run_from=1", "agents.depositor.run_to=1")
    assert watching["shares_left"].median() < 0.4
    assert alone["shares_left"].min() > 0.9
    assert watching["return"].mean() > alone["return"].mean()


def test_hedge_adl_takes_the_short_and_costs() -> None:
    funded = ("clearing.insurance_funds=1e7", "clearing.markets.ETH.insurance_cap=1e7")
    found, insured = paths("hedge-adl"), paths("hedge-adl", *funded)
    assert (found["adl_notional"] > 0.1 * found["largest_nav"]).mean() > 0.5
    assert (insured["adl_notional"] == 0.0).all()
    assert (found["return"] - insured["return"]).mean() < -0.002


def test_keeper_outage_liquidates_what_a_keeper_would_have_saved() -> None:
    down, up = paths("keeper-outage"), paths("keeper-outage", "shocks.1.agents=[noise_trader]")
    assert (down["liquidations"] > 0).mean() > 0.8
    assert (up["liquidations"] == 0).all()
    assert down["return"].mean() < up["return"].mean() - 0.01


def test_venue_outage_liquidates_what_nobody_could_cut_and_leaves_no_hedge() -> None:
    squeeze = "{kind: squeeze, assets: [ETH, BTC], size: 0.3, at_hours: 61, ramp_hours: 6}"
    halted, runs = paths("venue-outage"), paths("venue-outage", f"shocks=[{squeeze}]")
    assert (halted["liquidations"] > 0).mean() > 0.8
    assert (runs["liquidations"] == 0).all()
    assert halted["return"].mean() < runs["return"].mean() - 0.03
    assert halted["bad_debt"].mean() > 0.0
    assert halted["refused_paused"].min() > 0.0 == runs["refused_paused"].max()


def test_misposted_covariance_calls_for_margin_that_nobody_needs() -> None:
    wrong, right = paths("misposted-covariance"), paths("misposted-covariance", "shocks.0.factor=1")
    assert wrong["top_ups"].mean() > 2.0 * right["top_ups"].mean()
    assert (wrong["deleverages"] > 0).mean() > 0.2
    assert (right["deleverages"] == 0).all()
    fell = "fell_hours_leveraged_short"
    assert wrong[fell].notna().mean() > 1.5 * right[fell].notna().mean()
    assert (wrong["liquidations"] == 0).all()  # whoever can act has time


def test_frozen_at_par_is_not_on_the_books() -> None:
    result = ran("frozen-at-par")
    assert "oracle_off_market" in findings(result)
    assert (result.paths["return"] > -0.1).all()
    assert (result.paths["return_at_index"] < -0.4).all()


def test_cross_protocol_cascade_goes_from_aave_to_the_vaults_short_and_its_depositors() -> None:
    found, news = (paths("cross-protocol-cascade", *how) for how in ((), NO_LENDING))
    adl = found["adl_notional"] > 0.0
    assert adl.mean() > 0.6
    fell = found[adl]
    assert (fell["fell_hours_borrower_eager"] <= fell["fell_hours_leveraged_long"]).all()
    assert (news["adl_notional"] > 0.0).mean() < 0.3
    assert found["index_low"].mean() < news["index_low"].mean() - 0.04
    assert found["shares_left"].mean() < news["shares_left"].mean() - 0.1
    assert found["pnl"].mean() < 2.0 * news["pnl"].mean() < 0.0


# ------------------------------------------------------------------------------------ dated ones


def test_may_2021_the_hedge_pays_and_gas_keeps_it_from_being_adjusted() -> None:
    found = paths("may-2021")
    assert (found["hedge_target"] > 0.0).mean() > 0.8
    assert found["rebalancing_unpaid"].mean() > 20.0
    cheap = paths("may-2021", "gas.gwei=0.5")
    assert cheap["rebalancing_unpaid"].mean() < 0.2 * found["rebalancing_unpaid"].mean()


def test_ust_luna_an_exact_hedge_is_late_and_pays_for_the_bankrupt() -> None:
    found = paths("ust-luna-2022")
    assert found["basis_pnl"].abs().max() < 1e-6 * found["largest_nav"].max()
    assert (found["hedge_drift"] < 0.0).all()
    sound = paths("ust-luna-2022", "agents.leveraged_long.margin={USDC: 1.0e+6}")
    assert (found["loss_sharing"] < 0.0).all()
    assert (sound["loss_sharing"] == 0.0).all()


def test_ftx_2022_the_tie_holds_and_a_hedge_by_the_past_is_too_small() -> None:
    found = paths("ftx-2022")
    assert found["realised_correlation"].mean() > 0.6
    assert found["basis_pnl"].mean() < 0.5 * found["pnl"].mean() < 0.0
    asked, right = (
        found[f"{which}_beta_BTC"] + found[f"{which}_beta_ETH"] for which in ("posted", "realised")
    )
    assert asked.mean() < 0.75 * right.mean()


def test_crv_2022_liquidations_push_the_price_until_debt_is_left() -> None:
    thin, deep = paths("crv-2022"), paths("crv-2022", "impact.depth_usd.CRV=1e9")
    assert (thin["bad_loans"] > 0.0).mean() > 0.5
    assert (deep["bad_loans"] == 0.0).all()
    assert deep["borrower_liquidations"].mean() > 0.0
    assert thin["impact_high"].mean() > 0.1


def test_crv_2023_is_one_fall_away_from_a_market_without_buyers() -> None:
    found, further = (paths("crv-2023", *how) for how in ((), ("shocks.0.size=-0.42",)))
    assert found["borrower_liquidations"].median() == 0.0
    assert further["borrower_liquidations"].median() > 0.0
    assert further["impact_low"].median() < -0.3


def test_usde_2025_who_is_priced_at_one_venue_falls_there() -> None:
    found = paths("usde-2025")
    elsewhere = paths("usde-2025", "oracle.feeds.USDE.source=exchange_rate")
    fell = "liquidated_leveraged_long"
    assert found[fell].mean() > 2.0 * elsewhere[fell].mean()
    assert (found["adl_notional"] > 0.0).mean() > 0.5
    assert (elsewhere["adl_notional"] > 0.0).mean() < 0.05
    assert found["return"].mean() < elsewhere["return"].mean() - 0.005


def test_aug_2024_pledged_liquidity_falls_by_more_than_what_it_is_hedged_with() -> None:
    assert load("aug-2024").pledged
    found = paths("aug-2024")
    assert found["basis_pnl"].mean() < 0.5 * found["pnl"].mean() < 0.0


def test_frozen_rate_2025_liquidates_nobody() -> None:
    result = ran("frozen-rate-2025")
    assert "oracle_off_market" in findings(result)
    assert (result.paths["borrower_liquidations"] == 0.0).all()
    assert (result.paths["return_at_index"] < result.paths["return"] - 0.4).all()
