"""What was simulated is found again: estimates within two standard errors as often as they should.

Of estimates that are normal with the standard errors stated, 95 % are. The gate draws a few panels
and asks for 85 % of all parameters together; ``HEDGESIM_CAMPAIGN=1`` draws many, and asks for 90 %
of each kind and 80 % of every single parameter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.config import Config, correlation
from simulator.market import fitting
from tests.sizes import CAMPAIGN

from .panels import COINS, DCC, EGARCH, GARCH, PROCESSES, configured, returns

HOURS = 4_000
TOGETHER, EACH = (0.90, 0.80) if CAMPAIGN else (0.85, 0.0)
FACTOR = {"ETH": 1.1, "BTC": 0.9, "SOL": 1.0}  # betas average one, as a fit writes them
ALL = {**DCC, "garch": dict.fromkeys(COINS, GARCH)}
# Process, and how many panels the gate and the campaign draw.
CASES: dict[str, tuple[dict[str, Any], int, int]] = {
    "t": (PROCESSES["t"], 20, 200),
    "dcc": (ALL, 2, 60),
    "dcc-t": ({**ALL, "dof": 8}, 1, 60),
    "egarch": (EGARCH, 2, 60),
    "regime": (PROCESSES["regime"], 6, 100),
    "factor": ({"kind": "factor", "market_volatility": 0.35, "betas": FACTOR}, 8, 100),
}


def _truth(config: Config, path: str) -> float:
    """The value a field of the process has, defaults of the assets included."""
    *above, name = path.split(".")
    node: Any = config.process
    for part in above:
        if part == "pairs":
            matrix = correlation.build(config.symbols, node.default, node.pairs)
            row, column = (config.symbols.index(symbol) for symbol in name.split("/"))
            return float(matrix[row, column])
        if isinstance(node, tuple):
            node = node[int(part)]
        else:
            node = node[part] if isinstance(node, dict) else getattr(node, part)
    if isinstance(node, tuple):
        return float(node[int(name)])
    if isinstance(node, dict):
        return float(node[name] if name in node else config.assets[name].volatility)
    return float(getattr(node, name))


@pytest.mark.parametrize("case", list(CASES))
def test_estimates_are_within_two_standard_errors(case: str) -> None:
    process, few, many = CASES[case]
    panels = many if CAMPAIGN else few
    config = configured(process, horizon_hours=HOURS, seed=7)
    drawn = returns(config, panels)[1:]
    within: dict[str, list[bool]] = {}
    for panel in range(panels):
        fitted = fitting.fit(process["kind"], drawn[:, :, panel].T, COINS, 60)
        for path, estimate in fitted.estimates.items():
            if case == "dcc" and path == "dof":  # a normal: infinitely many
                assert fitted.process["dof"] is None or estimate.value > 30
                continue
            error = abs(estimate.value - _truth(config, path))
            within.setdefault(path, []).append(error < 2 * estimate.error)
    rate = np.mean([found for each in within.values() for found in each])
    assert rate >= TOGETHER, {path: np.mean(each) for path, each in within.items()}
    assert min(np.mean(each) for each in within.values()) >= EACH


@pytest.mark.parametrize("case", ["t", "dcc", "egarch", "regime", "factor"])
def test_standard_errors_are_of_use(case: str) -> None:
    """Small enough to tell the truth from another: within two of them says something."""
    process = CASES[case][0]
    config = configured(process, horizon_hours=HOURS, seed=8)
    fitted = fitting.fit(process["kind"], returns(config, 1)[1:, :, 0].T, COINS, 60)
    for path, estimate in fitted.estimates.items():
        # γ is what is told apart least well, and a normal has no degrees of freedom.
        if not (case == "dcc" and path.endswith(("gamma", "dof"))):
            assert 0 < estimate.error < 0.6 * abs(_truth(config, path)) + 0.02, path
