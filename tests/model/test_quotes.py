"""The model pool against Uniswap's on-chain quoter: mainnet WBTC/WETH, every tick, 80 answers."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.model.pools.uniswap_v3 import tick
from simulator.world.protocol import BackgroundRange, PoolParameters
from tests.model.lone_pool import LonePool

VECTORS = Path(__file__).parents[2].parent / "shared/data/vectors/uniswap_v3_wbtc_weth_quotes.json"
if not VECTORS.exists():
    pytest.skip(f"{VECTORS} is absent", allow_module_level=True)

STATE = json.loads(VECTORS.read_text())


def _parameters() -> PoolParameters:
    """The profile as adjacent ranges: between two initialised ticks the running sum of net L."""
    nets = sorted((int(t), int(v["liquidity_net"])) for t, v in STATE["pool"]["ticks"].items())
    running, ranges = 0, []
    for (lower, net), (upper, _) in pairwise(nets):
        running += net
        ranges.append(BackgroundRange(lower, upper, running))
    return PoolParameters(
        STATE["pool"]["fee_ppm"],
        STATE["pool"]["tick_spacing"],
        int(STATE["pool"]["sqrt_price_x96"]),
        tuple(ranges),
    )


PARAMETERS = _parameters()


@pytest.fixture(scope="module")
def state() -> LonePool:
    return LonePool(PARAMETERS)


def test_the_loaded_pool_has_the_mainnet_tick_and_active_liquidity(state: LonePool) -> None:
    assert state.pool.tick[0] == STATE["pool"]["tick"]
    assert state.active_liquidity() == float(STATE["pool"]["liquidity"])


def _name(quoted: dict[str, Any]) -> str:
    direction = "zero-for-one" if quoted["zero_for_one"] else "one-for-zero"
    return f"{quoted['kind']}-{direction}-{float(quoted['amount']):.8g}"


@pytest.mark.parametrize("quoted", STATE["quotes"], ids=_name)
def test_the_model_answers_what_the_quoter_answered(
    state: LonePool, quoted: dict[str, Any]
) -> None:
    exact_input = quoted["kind"] == "exact_input"
    down = quoted["zero_for_one"]
    limit = tick.MIN_SQRT_PRICE if down else tick.MAX_SQRT_PRICE
    amount = float(quoted["amount"])
    swapped = state.quote(down, exact_input, amount, limit)
    if quoted["answer"] is None:
        assert not exact_input
        assert swapped.amount_out < amount
        return
    answer = swapped.amount_out if exact_input else swapped.amount_in
    assert answer == pytest.approx(float(quoted["answer"]), rel=1e-12, abs=0.0)
