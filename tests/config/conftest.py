from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def plain() -> dict[str, Any]:
    """The smallest whole configuration: two risky assets, one market, no shocks, no agents."""
    return {
        "name": "plain",
        "horizon_hours": 48,
        "step_minutes": 60,
        "assets": {
            "USDC": {"price": 1.0, "decimals": 6},
            "BTC": {"price": 30_000, "volatility": 0.6},
            "ETH": {"price": 2_000, "volatility": 0.8},
        },
        "correlation": {"pairs": {"ETH/BTC": 0.8}},
        "pool": {"base": "ETH", "fee_ppm": 500, "background": [{"value_usd": 1e7}]},
        "clearing": {"markets": {"BTC": {"skew_scale_usd": 1e8, "max_skew_usd": 1e7}}},
        "vault": {"range_half_width_percent": 20},
    }
