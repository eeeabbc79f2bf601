"""Depositors who run from a loss: how many, when, and what it costs who stays."""

from __future__ import annotations

import numpy as np
import pytest

import simulator
from simulator.config import Config, load
from simulator.explain.job import explain
from simulator.types import Floats, InputError
from simulator.verify import verify_paths

STILL = ("flow.deposits.flow_per_day=0", "shocks.4.fraction=1e-9")


def discount(*settings: str) -> Config:
    return load("lst-discount", [*STILL, *settings])


def ran(first: float, last: float) -> tuple[str, str]:
    return f"agents.depositor.run_from={first}", f"agents.depositor.run_to={last}"


def left(config: Config, paths: int = 6) -> tuple[Floats, Floats]:
    """Part of the shares that is still held at the end ``[P]``, and the worst loss of one."""
    frame = simulator.run(config, paths=paths, workers=1).paths
    held = simulator.run(discount(), paths=paths, workers=1).paths
    shares, all_shares = (one["final_nav"] / (1.0 + one["return"]) for one in (frame, held))
    return (shares / all_shares).to_numpy(), frame["max_drawdown"].to_numpy()


def test_as_many_have_run_as_the_worst_loss_reached() -> None:
    kept, worst = left(discount(*ran(0.02, 0.10)))
    expected = 1.0 - np.clip((worst - 0.02) / 0.08, 0.0, 1.0)
    assert np.all((kept > 0.3) & (kept < 0.9))
    # They look before they act, and the fees of those who leave are the others'.
    assert kept == pytest.approx(expected, abs=0.03)


def test_at_one_threshold_all_run_at_once_and_nobody_below_it() -> None:
    kept, _ = left(discount(*ran(0.03, 0.03)))
    assert np.all(kept < 0.01)  # what the queue has not paid yet
    kept, _ = left(discount(*ran(0.3, 0.3)))
    assert np.all(kept == 1.0)


def test_what_leavers_leave_to_a_remnant_is_nobodys_return() -> None:
    """The last hundredth of the shares once had a return of ten digits, and a mean with it."""
    result = simulator.run(load("calm", [*ran(0.01, 0.04)]), paths=40, workers=1)
    paths = result.paths
    gone = paths["shares_left"] <= 0.01
    assert gone.any()
    assert paths["return"].max() < 0.1
    assert paths["return_at_index"].max() < 0.1
    assert paths["return_from_fees"].abs().max() < 0.2
    assert "nobody_left" in {one["name"] for one in result.summary["diagnosis"]}


def test_whoever_comes_after_all_have_left_has_a_return_again() -> None:
    """A share of an emptied vault costs millions; its new holders' gains are told as any."""
    everybody = (*ran(0.01, 0.01), "shocks=[]", "flow.deposits.flow_per_day=0.02")
    result = simulator.run(load("calm", everybody), paths=24, record=24, workers=1)
    series = result.series.set_index(["path", "step"])
    dear = (series["nav"] / series["shares"])[series["shares"] > 0.0] > 1e3
    again = dear.groupby("path").any()
    assert again.sum() >= 5
    assert (result.paths.set_index("path")["times_emptied"][again.index[again]] > 0.0).all()
    assert "emptied" in {one["name"] for one in result.summary["diagnosis"]}
    for path in again.index[again]:
        after = series.loc[path]
        after = after[after["nav"] / after["shares"] > 1e3].iloc[1:]
        moved, price = after["nav"].diff(), after["share_price"].diff()
        assert after["share_price"].between(0.9, 1.1).all()
        assert (price[moved.abs() > 1.0] != 0.0).mean() > 0.5  # else all have left again


def test_the_worlds_agree_while_they_run() -> None:
    seen = verify_paths(discount(*ran(0.005, 0.04), "shocks.0.at_hours=4"), 0, 2, 120)
    assert seen.agrees
    assert seen.outcomes["Redeem"]["OK"] > 5


def test_explain_counts_them_as_a_run() -> None:
    config = discount(*ran(0.02, 0.05), "paths=2", "vault.exit_fee=0.005")
    found = explain(config, workers=1, search=False, frictions=["run"])
    assert next(one for one in found.summary["frictions"] if one["name"] == "run")["present"]
    assert np.all(np.abs(found.paths["run"]) > 1e-5)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (ran(0.05, 0.02), "agents.depositor.run_to = 0.02: must be from 0.05 (run_from) to 1"),
        (ran(1, 0.5), "agents.depositor.run_to = 0.5: has no effect while run_from is 1"),
        (ran(0, 0.5), "agents.depositor.run_from = 0"),
        (
            (*ran(0.1, 0.5), "agents.depositor.latency_blocks=1"),
            "agents.depositor.latency_blocks = 1: must be 0",
        ),
    ],
)
def test_thresholds_that_say_nothing_are_refused(settings: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says.replace("(", r"\(").replace(")", r"\)")):
        discount(*settings)
