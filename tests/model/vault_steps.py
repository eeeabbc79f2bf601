"""One-path vaults worked step by step, for the tests with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world import actions as act
from simulator.world.actions import Fill
from simulator.world.protocol import Protocol
from tests.model import campaign
from tests.model.campaign import DEPOSITOR, KEEPER

YES = np.array([True])
# Without the fees paid in shares, which test_vault_fees.py is about.
PROTOCOL = replace(
    campaign.PROTOCOL,
    vault=replace(campaign.PROTOCOL.vault, management_fee=0.0, performance_fee=0.0),
)
# Ten times the campaign's depth: a vault of a million moves the price little.
DEEP = replace(
    PROTOCOL,
    pool=replace(
        PROTOCOL.pool,
        background=tuple(
            replace(band, liquidity=10 * band.liquidity) for band in PROTOCOL.pool.background
        ),
    ),
)
ETH, BTC = 0, 1


def opened(
    protocol: Protocol = DEEP, *, eth: tuple[float, ...] = (2000.0,) * 6, usdc: float = 1.0
) -> ModelWorld:
    market = campaign.calm_market(1, len(eth) - 1)
    price = market.oracle_price.copy()
    price[0], price[1, :, 0] = usdc, np.array(eth) * usdc
    made = ModelWorld(protocol, replace(market, oracle_price=price))
    made.advance(0)
    return made


def do(made: ModelWorld, kind: type, *arguments: object) -> Fill:
    actor = (
        DEPOSITOR
        if kind in (act.Deposit, act.Redeem, act.RequestRedeem, act.RedeemInKind)
        else KEEPER
    )
    return made.execute(kind(actor, *arguments))


def deposit(made: ModelWorld, usdc: float) -> Fill:
    return do(made, act.Deposit, np.array([usdc]))


def redeem(made: ModelWorld, shares: float) -> Fill:
    return do(made, act.Redeem, np.array([shares]))


def hedged(
    protocol: Protocol = DEEP, *, eth: tuple[float, ...] = (2000.0,) * 6, usdc: float = 1e6
) -> ModelWorld:
    """``usdc`` deposited, liquidity placed, betas posted, hedge on."""
    made = opened(protocol, eth=eth)
    deposit(made, usdc)
    assert do(made, act.PostBetas, np.array([[0.8], [0.2]]), YES).status[0] == Status.OK
    assert do(made, act.Recenter, YES).status[0] == Status.OK
    assert do(made, act.Rebalance, YES).status[0] == Status.OK
    return made
