"""Built-in scenarios between which everything occurs that occurs in any of them.

Checks that take long and are of the code, not of a scenario, run on these in ``make test`` and on
all in ``make campaign``; ``tests/config/test_library.py`` holds them to what they are.
"""

from __future__ import annotations

from simulator.config import scenarios
from tests.sizes import sized

DISTINCT = (
    "adversaries",
    "aave-hedge",
    "correlation-convergence",
    "cross-protocol-cascade",
    "frozen-rate-2025",
    "hedge-liquidation",
    "keeper-outage",
    "liquidation-cascade",
    "misposted-covariance",
    "oracle-lag",
    "usdc-depeg-2023",
    "usdt-depeg",
    "ust-luna-2022",
    "venue-outage",
    "vol-regime",
    "wsteth-cap-2026",
)
#: What such a check is parametrised with.
CHECKED = sized(DISTINCT, tuple(scenarios()))
