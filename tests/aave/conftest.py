"""A market for each test."""

from __future__ import annotations

import pytest

from tests.aave.market import AaveMarket


@pytest.fixture
def market() -> AaveMarket:
    """Nothing supplied for the vault, nothing owed."""
    return AaveMarket()


@pytest.fixture
def hedged(market: AaveMarket) -> AaveMarket:
    """1,000,000 USDC of margin, short 10 BTC and 1,000 SOL, a month of interest on both."""
    market.deposit(1_000_000)
    assert market.trade(0, -10 * 10**18) == ""
    assert market.trade(1, -1_000 * 10**18) == ""
    market.wait(30 * 86_400)
    return market
