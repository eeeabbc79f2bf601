"""March 2026 on Aave's bytecode: a cap on wstETH's exchange rate posted 2.85 % too low.

What was reported: 10,938 wstETH of 34 accounts liquidated, a bonus of 129.3 ETH, and 382.8 ETH that
liquidators got because collateral was priced below its worth. The accounts' sizes are not known:
here all are alike and such that so much is seized. What is reproduced is what follows from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import simulator
from simulator.config import Config, from_mapping, load

ACCOUNTS, SEIZED, BONUS, BY_ORACLE = 34, 10_938.0, 129.3, 382.8
CAP, RATE = 1.1939, 1.2289
THRESHOLD, EMODE_BONUS, CLOSE_FACTOR = 0.95, 0.01, 0.5
#: As near as eMode lends, up to where the cap leaves a health factor of one.
HEALTH = np.linspace(1.0218, 1.0288, ACCOUNTS)


def march() -> Config:
    """The scenario with 34 accounts; half of each debt, and the bonus, are bought at the cap."""
    part = CLOSE_FACTOR * (1.0 + EMODE_BONUS) * (RATE / CAP) * THRESHOLD / HEALTH
    each = SEIZED / part.sum()
    data: dict[str, Any] = load("wsteth-cap-2026").model_dump()
    data["lending"]["borrowers"] = {
        f"account_{number}": {
            "collateral": {"WSTETH": each},
            "debt": {"ETH": 1.0},
            "health": health,
            "category": "eth",
        }
        for number, health in enumerate(HEALTH)
    }
    cap = {"kind": "rate_cap", "asset": "WSTETH", "cap": CAP}
    shocks = [{**cap, "at_hours": 0.5, "duration_hours": 0.5}]
    return from_mapping(data | {"horizon_hours": 1.5, "paths": 1, "shocks": shocks})


@pytest.mark.parametrize("world", ["model", "chain"])
def test_what_the_cap_cost_thirty_four_accounts(world: str) -> None:
    result = simulator.run(march(), world=world, workers=1)
    events = result.events
    done = events[(events["action"] == "LiquidateBorrower") & (events["status"] == "OK")]
    assert len(done) == ACCOUNTS
    assert set(done["hours"]) == {0.5}  # all at the step at which it was posted
    repaid, seized = done["amount_in"].sum(), done["amount_out"].sum()
    assert seized == pytest.approx(SEIZED, rel=4e-3)
    assert seized * CAP - repaid == pytest.approx(BONUS, rel=4e-3)
    assert seized * (RATE - CAP) == pytest.approx(BY_ORACLE, rel=4e-3)
    assert result.paths["bad_loans"].item() == 0.0


def test_with_the_cap_where_it_belonged_nobody_is_liquidated() -> None:
    data = march().model_dump()
    data["shocks"][0]["cap"] = RATE * 1.001
    assert simulator.run(from_mapping(data), workers=1).paths["borrower_liquidations"].item() == 0.0
