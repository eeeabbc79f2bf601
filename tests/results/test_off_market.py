"""What a share is worth at market prices where the oracle has another."""

from __future__ import annotations

import numpy as np
import pytest

import simulator
from simulator.config import load

BY_RATE = ["oracle.feeds.STETH.source=exchange_rate", "vault.max_slippage=0.08"]


def findings(result: simulator.Result) -> set[str]:
    return {finding["name"] for finding in result.summary["diagnosis"]}


def test_an_oracle_that_does_not_see_a_discount_is_told() -> None:
    result = simulator.run(load("lst-discount", BY_RATE), paths=4, workers=1)
    over = result.paths["return"] - result.paths["return_at_index"]
    # Half of two thirds of NAV is STETH, or more of it as it falls: six per cent of that.
    assert np.all(over.between(0.002, 0.05))
    assert "oracle_off_market" in findings(result)


@pytest.mark.parametrize("name", ["lst-discount", "calm"])
def test_an_oracle_at_the_market_is_not(name: str) -> None:
    result = simulator.run(load(name), paths=4, workers=1)
    assert (result.paths["return"] - result.paths["return_at_index"]).abs().max() < 0.006
    assert "oracle_off_market" not in findings(result)


def test_where_every_round_is_the_index_both_are_one() -> None:
    prompt = ["oracle.deviation=0", "oracle.heartbeat_minutes=1", "vault.entry_fee=0.005"]
    result = simulator.run(load("calm", prompt), paths=3, workers=1)
    assert result.paths["return_at_index"].to_numpy() == pytest.approx(
        result.paths["return"].to_numpy(), abs=1e-9
    )
