"""What the world promises: refusals change nothing, paths are alone, books balance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.model.world import ModelWorld
from simulator.types import Floats, InputError, Status
from simulator.world import actions as act
from simulator.world.actions import Action, Fill
from simulator.world.base import Observation
from simulator.world.protocol import Protocol
from tests.model import campaign
from tests.model.campaign import PROTOCOL, isolated, portfolio, rough_market

STEPS = 60
PROTOCOLS = pytest.mark.parametrize(
    "protocol", [PROTOCOL, isolated(), portfolio()], ids=["gross", "isolated", "portfolio"]
)


@PROTOCOLS
def test_a_refusal_leaves_the_path_bit_for_bit_as_it_was(protocol: Protocol) -> None:
    paths = 12
    world = ModelWorld(protocol, rough_market(paths, STEPS))
    seen: Counter[Status] = Counter()
    held = world.snapshot()

    def before(action: Action) -> None:
        nonlocal held
        held = world.snapshot()

    def after(action: Action, fill: Fill) -> None:
        untouched = fill.status != Status.OK
        now = world.snapshot()
        np.testing.assert_array_equal(now[:, untouched], held[:, untouched])
        assert not fill.amount_in[untouched].any()
        assert not fill.amount_out[untouched].any()
        seen.update(Status(code) for code in fill.status)

    campaign.run(world, STEPS, before=before, after=after)
    # The test is worth something only if it meets the refusals.
    expected = set(Status) - {Status.PAUSED, Status.WRONG_MARKET, Status.ZERO_AMOUNT}
    # An insolvent account that reduces, a block's limit: tests/model/test_waterfall.py; the maker's
    # reserve: tests/model/test_maker.py; a vault's account that owes: tests/model/test_vault.py.
    expected -= {Status.TOO_MANY_ACCOUNTS, Status.TOO_SOON, Status.INSOLVENT}
    expected -= {Status.LIQUIDATION_LIMIT, Status.MAKER_RESERVE, Status.ACCOUNT_INSOLVENT}
    expected -= {Status.WINDING_DOWN, Status.SETTLED}  # no scenario ends a market: SPEC §6
    expected -= {Status.NO_IDLE_ASSETS, Status.INSUFFICIENT_LIQUIDITY, Status.BELOW_MARGIN_TARGET}
    if not protocol.clearing.risk_multiple:
        expected -= {Status.NOT_REDUCING_RISK}
    if not protocol.vault.pledged:
        expected -= {Status.WITHDRAWALS_QUEUED}  # tests/model/test_vault_queue.py
    if protocol.vault.isolated:
        expected -= {Status.ACCOUNT_IN_USE}  # nobody consents to slices of isolated accounts
    assert expected <= set(seen), f"never met: {sorted(s.name for s in expected - set(seen))}"


@PROTOCOLS
def test_a_path_is_the_same_whatever_runs_beside_it(protocol: Protocol) -> None:
    together = ModelWorld(protocol, rough_market(7, STEPS))
    campaign.run(together, STEPS)
    for first, paths in ((0, 1), (1, 1), (3, 4)):
        apart = ModelWorld(protocol, rough_market(paths, STEPS, first_path=first))
        campaign.run(apart, STEPS, first_path=first)
        np.testing.assert_array_equal(
            apart.snapshot(), together.snapshot()[:, first : first + paths]
        )


@PROTOCOLS
def test_usdc_and_positions_are_conserved(protocol: Protocol) -> None:
    world = ModelWorld(protocol, rough_market(8, STEPS))
    state = world.state

    def held_by_clearing() -> Floats:
        clearing = state.clearing
        pools = clearing.premium_pool.sum(axis=0)
        maker = clearing.maker_cash.sum(axis=0)
        return clearing.cash.sum(axis=0) + maker + pools + clearing.insurance_fund

    def after(action: Action, fill: Fill) -> None:
        clearing = state.clearing
        usdc = clearing.total_collateral[0] / 1e6
        np.testing.assert_allclose(held_by_clearing(), usdc, rtol=1e-12)
        np.testing.assert_allclose(clearing.size.sum(axis=0), clearing.skew, rtol=0.0, atol=1e-9)
        np.testing.assert_allclose(
            clearing.collateral[:, 1].sum(axis=0), clearing.total_collateral[1], rtol=1e-12
        )
        vault = state.vault
        held = state.wallet.shares.sum(axis=0) + vault.request.sum(axis=0) + vault.fee_shares
        np.testing.assert_allclose(held, vault.shares, rtol=1e-12)
        assert (state.wallet.token >= 0.0).all()
        assert (state.vault.idle_usdc >= 0.0).all()
        assert (state.vault.idle_base >= 0.0).all()

    campaign.run(world, STEPS, after=after)
    assert (state.clearing.insurance_fund != 5_000.0).any()  # somebody was liquidated


TWIN = """
import json, sys
import numpy as np
sys.path.insert(0, {root!r})
import importlib.util
spec = importlib.util.spec_from_file_location("campaign", {campaign!r})
campaign = importlib.util.module_from_spec(spec)
sys.modules["campaign"] = campaign
spec.loader.exec_module(campaign)
from simulator.model.world import ModelWorld
np.seterr(all="ignore")
for protocol in (campaign.PROTOCOL, campaign.isolated(), campaign.portfolio()):
    world = ModelWorld(protocol, campaign.rough_market(2, 25))
    statuses = []
    campaign.run(world, 25, after=lambda action, fill: statuses.extend(fill.status.tolist()))
    print(json.dumps([world.snapshot().tolist(), statuses]))
"""


def test_compiled_kernels_and_their_plain_python_twins_agree() -> None:
    # NUMBA_DISABLE_JIT turns every kernel, inner ones too, into its py_func.
    root = Path(__file__).parents[2]
    code = TWIN.format(root=str(root), campaign=str(root / "tests" / "model" / "campaign.py"))
    answers = [
        [
            json.loads(line)
            for line in subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
                cwd=root,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.splitlines()
        ]
        for disabled in ("0", "1")
    ]
    for compiled, plain in zip(*answers, strict=True):
        assert compiled[1] == plain[1]
        state, twin = np.array(compiled[0]), np.array(plain[0])
        scale = np.maximum(np.abs(twin), 1.0)
        assert np.max(np.abs(state - twin) / scale) < 1e-12


def test_an_observation_shows_whole_units_and_cannot_be_written() -> None:
    world = ModelWorld(PROTOCOL, campaign.calm_market(2))
    world.advance(0)
    seen = world.observe()
    assert isinstance(seen, Observation)
    assert seen.wallet_usdc[campaign.DEPOSITOR].tolist() == [6_000_000.0] * 2
    assert seen.collateral[4, 1].tolist() == [0.0] * 2
    assert seen.collateral[3, 1].tolist() == [50.0] * 2
    assert seen.maker_cash.sum(axis=0).tolist() == [20_000_000.0] * 2
    assert (seen.maker_cash > 0.0).all()
    assert seen.last_betas_time.tolist() == [-1.0] * 2
    with pytest.raises(ValueError, match="read-only"):
        seen.cash[0] = 1.0
    world.execute(act.Deposit(campaign.DEPOSITOR, np.array([1000.0, 0.0])))
    assert world.observe().idle_usdc.tolist() == [1000.0, 0.0]


def test_a_snapshot_brings_everything_back() -> None:
    world = ModelWorld(PROTOCOL, rough_market(3, 20))
    campaign.run(world, 20)
    snapshot = world.snapshot()
    world.execute(act.Deposit(campaign.DEPOSITOR, np.full(3, 1e3)))
    world.execute(act.Swap(campaign.SWAPPER, np.ones(3), np.zeros(3), np.zeros(3)))
    assert not np.array_equal(world.snapshot(), snapshot)
    world.restore(snapshot)
    np.testing.assert_array_equal(world.snapshot(), snapshot)


def test_a_depth_change_waits_for_a_fresh_price() -> None:
    market = campaign.calm_market(1, 4)
    stale = market.oracle_time.copy()
    stale[1, 1:4] = 0.0
    perp = np.array([[1.0], [1.0], [1.0], [0.5], [0.5]])
    world = ModelWorld(PROTOCOL, replace(market, oracle_time=stale, perp_depth=perp))
    scales = []
    for step in range(5):
        world.advance(step)
        scales.append(world.observe().skew_scale[:, 0].tolist())
    # The oracle of ETH is 3 h old at step 3, older than its 2 h; BTC's is fresh.
    assert scales[3] == [600_000.0, 20_000.0]
    assert scales[4] == [300_000.0, 20_000.0]


def test_less_than_one_raw_unit_asks_for_nothing() -> None:
    world = ModelWorld(PROTOCOL, campaign.calm_market())
    world.advance(0)
    before = world.snapshot()
    tiny, free = np.array([9e-7]), np.zeros(1)
    for action in (
        act.Swap(campaign.SWAPPER, -tiny, free, free),
        act.Trade(campaign.TRADER, 0, np.array([9e-19]), np.array([1e9])),
        act.PostMargin(campaign.TRADER, 0, tiny),
        act.PostMargin(campaign.TRADER, 0, -tiny),
        act.Deposit(campaign.DEPOSITOR, tiny),
    ):
        assert world.execute(action).status.tolist() == [Status.NONE]
    np.testing.assert_array_equal(world.snapshot(), before)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (act.Trade(campaign.DEPOSITOR, 0, np.ones(1), np.ones(1)), "no margin account"),
        (act.Trade(campaign.TRADER, 2, np.ones(1), np.ones(1)), "market: 2; allowed: 0 to 1"),
        (act.Deposit(9, np.ones(1)), "actor: 9; allowed: 0 to 4"),
        (act.Deposit(0, np.array([np.nan])), r"Deposit\.assets: nan on path 0"),
        (act.PostMargin(campaign.TRADER, 5, np.ones(1)), "collateral: 5; allowed: 0 to 1"),
    ],
)
def test_bad_actions_are_named(action: Action, message: str) -> None:
    world = ModelWorld(PROTOCOL, campaign.calm_market())
    with pytest.raises(InputError, match=message):
        world.execute(action)
