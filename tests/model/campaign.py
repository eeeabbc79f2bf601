"""A small protocol, rough market paths and random actions that reach every branch of the protocol.

What path i does depends on its number alone, never on how many paths run beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from simulator.market.paths import MarketPaths
from simulator.protocol.oracle import FeedParameters
from simulator.types import Booleans, Floats
from simulator.world import actions as act
from simulator.world.actions import Action, Fill
from simulator.world.base import Observation, World
from simulator.world.protocol import (
    FACTOR_SCALE,
    AgentSlot,
    BackgroundRange,
    ClearingParameters,
    CollateralParameters,
    MarketParameters,
    PoolParameters,
    Protocol,
    Token,
    VaultParameters,
)

DEPOSITOR, TRADER, SWAPPER, LIQUIDATOR, KEEPER = range(5)
STEP_SECONDS = 3600
# sqrt(2000 · 10⁶ / 10¹⁸) in Q64.96
SQRT_2000 = 3543191142285914205922034

PROTOCOL = Protocol(
    assets=(Token("USDC", 6, 1.0), Token("ETH", 18, 2000.0), Token("BTC", 18, 30_000.0)),
    feeds=(FeedParameters(max_age=7200, deviation=0.0),) * 3,
    pool=PoolParameters(
        fee_ppm=3000,
        tick_spacing=60,
        sqrt_price_x96=SQRT_2000,
        background=(
            BackgroundRange(-201_000, -199_200, 3 * 10**17),
            BackgroundRange(-207_240, -193_380, 2 * 10**17),
            BackgroundRange(-887_220, 887_220, 10**16),
        ),
    ),
    clearing=ClearingParameters(
        markets=(
            MarketParameters(1, 600_000.0, 0.0005, 0.0005, 2.0, 9_000.0, 0.06, 7_000.0, 1e9, 5e4),
            MarketParameters(2, 40_000.0, 0.0005, 0.0005, 1.0, 500.0, 0.06, 400.0, 2e3, 5e3),
        ),
        collaterals=(
            CollateralParameters(0, 0.01, 60_000_000.0),
            CollateralParameters(1, 0.10, 400.0),
        ),
        initial_multiple=1.5,
        liquidation_penalty=0.01,
        liquidator_share=0.5,
        profit_cap=0.5,
        gross_floor=1.0,
        risk_multiple=0.0,
        withdrawal_gate=86_400,
        deleveraging=0,
        lp_haircut=0.12,
        lp_cap=10**24,
        maker_funds=20_000_000.0,
        insurance_funds=5_000.0,
    ),
    vault=VaultParameters(
        range_half_width=1800,
        recenter_threshold=0.5,
        lp_allocation=0.75,
        margin_allocation=0.15,
        hedge_band=0.02,
        max_slippage=0.02,
        margin_target=5.0,
        top_up_ratio=3.5,
        deleverage_ratio=3.0,
        keeper_reward=5.0,
        keeper_share=0.01,
        entry_fee=0.001,
        exit_fee=0.002,
        management_fee=0.02,
        performance_fee=0.1,
        deposit_cap=2_500_000.0,
        beta_max=1.5,
        beta_max_change=0.6,
        beta_interval=7200,
        isolated=False,
        pledged=False,
    ),
    agents=(
        AgentSlot("depositor", 6_000_000.0, 0.0, has_account=False),
        AgentSlot("trader", 1_000_000.0, 500.0, has_account=True, margin=(400_000.0, 50.0)),
        AgentSlot("swapper", 9_000_000.0, 5_000.0, has_account=False),
        AgentSlot("liquidator", 500_000.0, 0.0, has_account=True, margin=(300_000.0, 0.0)),
        AgentSlot("keeper", 0.0, 0.0, has_account=False),
    ),
)


def portfolio(protocol: Protocol = PROTOCOL) -> Protocol:
    """The same protocol with portfolio margin, the vault's liquidity pledged."""
    daily = ((0.001, 0.0, 0.0), (0.0, 0.035, 0.0), (0.0, 0.021, 0.0214))  # USDC, ETH, BTC
    factor = tuple(tuple(round(x * FACTOR_SCALE) for x in row) + (0,) * 5 for row in daily)
    terms = replace(protocol.clearing, gross_floor=0.4, risk_multiple=1.5, covariance_factor=factor)
    return replace(protocol, clearing=terms, vault=replace(protocol.vault, pledged=True))


def isolated(protocol: Protocol = PROTOCOL) -> Protocol:
    """The same protocol with one margin account per market."""
    return replace(protocol, vault=replace(protocol.vault, isolated=True))


def rough_market(paths: int, steps: int, *, first_path: int = 0, seed: int = 7) -> MarketPaths:
    """Prices moving percents an hour, oracles that lag and freeze, depth that comes and goes."""
    shape = (3, steps + 1, paths)
    index, price, time = np.empty(shape), np.empty(shape), np.empty(shape)
    depth, perp = np.ones((steps + 1, paths)), np.ones((steps + 1, paths))
    for path in range(paths):
        rng = np.random.default_rng((seed, first_path + path))
        noise = rng.standard_normal((3, steps + 1)) * np.array([[0.001], [0.03], [0.025]])
        noise[2] += 0.7 * noise[1]
        jumps = rng.random(steps + 1) < 0.03
        noise[1:] += jumps * rng.uniform(-0.25, 0.2, (2, steps + 1))
        noise[:, 0] = 0.0
        start = np.array([[asset.price] for asset in PROTOCOL.assets])
        index[:, :, path] = start * np.exp(np.cumsum(noise, axis=1))
        fresh = rng.random((3, steps + 1)) < np.array([[0.7], [0.75], [0.75]])
        fresh[:, 0] = True
        last = np.maximum.accumulate(np.where(fresh, np.arange(steps + 1), 0), axis=1)
        price[:, :, path] = np.take_along_axis(index[:, :, path], last, axis=1)
        time[:, :, path] = last * STEP_SECONDS
        changed = rng.random((2, steps + 1)) < 0.3
        depth[:, path] = np.where(changed[0], rng.uniform(0.3, 1.0, steps + 1), 1.0)
        perp[:, path] = np.where(changed[1], rng.uniform(0.5, 1.5, steps + 1), 1.0)
    nothing = np.zeros((steps + 1, paths))
    return MarketPaths(
        assets=("USDC", "ETH", "BTC"),
        step_seconds=STEP_SECONDS,
        first_path=first_path,
        index=index,
        oracle_price=price,
        oracle_time=time,
        gas_usd=nothing,
        pool_depth=depth,
        perp_depth=perp,
        outside_depth=np.ones_like(perp),
        noise_swap=nothing,
        noise_trade=np.zeros((2, steps + 1, paths)),
        deposit_flow=nothing,
    )


def calm_market(paths: int = 1, steps: int = 4) -> MarketPaths:
    """Prices, oracle and depth stand still; the oracle is always fresh."""
    rough = rough_market(paths, steps)
    start = np.array([asset.price for asset in PROTOCOL.assets])
    prices = np.broadcast_to(start[:, None, None], rough.index.shape).copy()
    now = np.arange(steps + 1.0)[None, :, None] * STEP_SECONDS
    return replace(
        rough,
        index=prices,
        oracle_price=prices.copy(),
        oracle_time=np.broadcast_to(now, prices.shape).copy(),
        pool_depth=np.ones((steps + 1, paths)),
        perp_depth=np.ones((steps + 1, paths)),
    )


class Dice:
    """Uniform draws ``[paths]``, each path from its own stream."""

    def __init__(self, first_path: int, paths: int, seed: int) -> None:
        self._streams = [np.random.default_rng((seed, first_path + i, 1)) for i in range(paths)]

    def __call__(self, low: float = 0.0, high: float = 1.0) -> Floats:
        return np.array([stream.uniform(low, high) for stream in self._streams])

    def size(self, smallest: float, largest: float) -> Floats:
        """Log-uniform, with a random sign."""
        return np.exp(self(np.log(smallest), np.log(largest))) * np.where(self() < 0.5, -1.0, 1.0)


def _wild(world: World, step: int, dice: Dice) -> Iterator[Action]:
    """The actions of one step; each is built on the state the ones before left."""
    market, protocol = world.market, world.protocol
    see: Callable[[], Observation] = world.observe
    zero = np.zeros(market.paths)
    fair = market.index[1, step] / market.index[0, step]
    spot = see().sqrt_price ** 2 * 1e12
    rich = np.where(spot > fair, see().wallet_base[SWAPPER], -see().wallet_usdc[SWAPPER])
    # An arbitrageur keeps the pool near the index on most steps.
    yield act.Swap(SWAPPER, np.where(dice() < 0.8, rich, 0.0), fair, zero)

    amount = dice.size(1.0, 3e6)
    amount = np.where(amount > 0.0, amount / fair, amount)
    limit = np.where(dice() < 0.3, spot * dice(0.95, 1.05), 0.0)
    floor = np.where(amount > 0.0, amount * fair, -amount / fair) * dice(0.9, 1.01)
    yield act.Swap(TRADER, amount, limit, np.where(dice() < 0.3, floor, 0.0))
    everything = np.where(dice() < 0.5, see().wallet_base[TRADER], -see().wallet_usdc[TRADER])
    yield act.Swap(TRADER, np.where(dice() < 0.1, everything, 0.0), zero, zero)

    own = protocol.account_of(TRADER)
    for perp, terms in enumerate(protocol.clearing.markets):
        price = market.oracle_price[terms.asset, step]
        # Around the leverage the account may have, which one bad hour then takes away.
        most = np.maximum(see().equity[own], 1.0) / terms.maintenance_rate / 1.5
        size = dice.size(0.1, 1.5) * most / price
        close = dice() < 0.15
        size = np.where(close, -see().size[own, perp], size)
        bound = price * (1.0 + np.sign(size) * dice(-0.01, 0.2))
        yield act.Trade(TRADER, perp, np.where(dice() < 0.6, size, 0.0), bound)
    for kind in range(2):
        held = see().cash[own] if kind == 0 else see().collateral[own, 1]
        purse = see().wallet_usdc[TRADER] if kind == 0 else see().wallet_base[TRADER]
        moved = np.where(
            dice() < 0.5, purse * dice(0.0, 1.1), -np.maximum(held, 0.0) * dice(0, 1.2)
        )
        whole = np.where(moved < 0.0, -held, purse)
        moved = np.where((dice() < 0.2) & (whole * moved > 0.0), whole, moved)
        moved = np.where(np.abs(moved) < 1e-6, 0.0, moved)
        yield act.PostMargin(TRADER, kind, np.where(dice() < 0.25, moved, 0.0))

    yield from _liquidations(world, dice)

    # Nobody joins a vault that has lost all but a trace: shares without end would come of it.
    alive = (see().shares == 0.0) | (see().nav > 0.01 * see().shares)
    stake = np.where((dice() < 0.4) & alive, np.abs(dice.size(1.0, 3e6)), 0.0)
    yield act.Deposit(DEPOSITOR, stake)
    part = np.where(dice() < 0.04, 1.0, np.where(dice() < 0.3, dice(0.0, 1.05), 0.0))
    yield act.Redeem(DEPOSITOR, part * see().wallet_shares[DEPOSITOR])
    yield from _slow_exits(world, dice, alive)

    betas = see().betas + np.array([dice(-0.7, 0.7), dice(-0.4, 0.4)])
    yield act.PostBetas(KEEPER, np.clip(betas, -0.2, 1.6), dice() < 0.4)
    for task in (act.Recenter, act.Deleverage, act.TopUp, act.Rebalance):
        yield task(KEEPER, dice() < 0.6)


def _liquidations(world: World, dice: Dice) -> Iterator[Action]:
    """Everything the liquidator and the risk role may do, to every account."""
    protocol = world.protocol
    risk = np.array(portfolio().clearing.covariance_factor)[:, :, None] / FACTOR_SCALE
    yield act.PostCovariance(KEEPER, risk * dice(0.3, 2.5), dice() < 0.05)
    yield act.LiquidatePledge(LIQUIDATOR, 0, dice() < 0.3)
    for account in range(protocol.accounts):
        for perp in range(protocol.markets):
            yield act.Liquidate(LIQUIDATOR, account, perp, dice() < 0.5)
        yield act.LiquidateCollateral(
            LIQUIDATOR, account, 1, np.where(dice() < 0.5, dice.size(1.0, 1e4), 0.0).clip(0.0)
        )


def _slow_exits(world: World, dice: Dice, alive: Booleans) -> Iterator[Action]:
    """Exits through the queue and in kind, also by who has a margin account."""
    see: Callable[[], Observation] = world.observe
    part = np.where(dice() < 0.06, dice(0.0, 0.6), 0.0)
    yield act.RequestRedeem(DEPOSITOR, part * see().wallet_shares[DEPOSITOR])
    yield act.CancelRequest(DEPOSITOR, dice() < 0.06)
    yield act.SettleWithdrawals(KEEPER, dice(0.0, 0.5), dice() < 0.3)
    for agent in (LIQUIDATOR, TRADER):
        stake = np.minimum(see().wallet_usdc[agent], dice(0.0, 1e5))
        yield act.Deposit(agent, np.where((dice() < 0.1) & alive, stake, 0.0))
    for agent in (DEPOSITOR, LIQUIDATOR, TRADER):
        part = np.where(dice() < 0.05, dice(0.0, 1.0), 0.0)
        yield act.RedeemInKind(agent, part * see().wallet_shares[agent])


def run(
    world: World,
    steps: int,
    *,
    first_path: int = 0,
    seed: int = 11,
    before: Callable[[Action], None] | None = None,
    after: Callable[[Action, Fill], None] | None = None,
) -> None:
    """Random actions on ``world`` over ``steps`` steps; the callbacks watch each of them."""
    dice = Dice(first_path, world.market.paths, seed)
    for step in range(steps + 1):
        world.advance(step)
        for action in _wild(world, step, dice):
            if before is not None:
                before(action)
            fill = world.execute(action)
            if after is not None:
                after(action, fill)
