"""`pool.kind: stableswap`: what it is resolved to, and what does not go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from simulator.agents.build import add_agents
from simulator.agents.scalar import ScalarAgent
from simulator.config import from_mapping, load, resolve, to_yaml
from simulator.config.feasibility import misfits
from simulator.types import InputError
from simulator.world.protocol import AgentSlot

REFUSED = {
    "vault.range_half_width_percent=5": "vault.range_half_width_percent: must be left out",
    "vault.range_half_width_ticks=5": "vault.range_half_width_ticks: must be left out",
    "vault.recenter_threshold=0.5": "vault.recenter_threshold: must be left out",
    "pool.fee_ppm=100": "pool.fee_ppm: must be left out",
    "pool.background=[{value_usd: 1e6}]": "pool.background: must be left out",
    "pool.stableswap.fee=0.005": "off_peg_multiplier = 0.025: must be at most 0.01",
    "assets.USDT.decimals=4": "assets.USDT.decimals = 4",
    "vault.pledged=true": "vault.pledged",
    "impact={depth_usd: {USDT: 1e9}}": "impact: must be null",
    "agents.passive_lp={}": "agents.passive_lp: must be null",
    "agents.jit_lp={base: 1000}": "agents.jit_lp: must be null",
    "agents.sandwicher={}": "agents.sandwicher: must be null",
    "agents.flash_borrower={}": "agents.flash_borrower: must be null",
    "agents.oracle_pusher={}": "agents.oracle_pusher: must be null",
    "pool.kind=uniswap_v3": "pool.stableswap: is of another pool",
}


@pytest.mark.parametrize("setting", REFUSED)
def test_what_does_not_go_with_it_is_refused_by_its_name(setting: str) -> None:
    with pytest.raises(InputError) as refused:
        load("usdt-depeg", [setting])
    assert REFUSED[setting] in str(refused.value)


def test_others_hold_what_it_says_at_the_first_prices() -> None:
    terms = resolve(load("usdt-depeg", ["assets.USDT.price=0.98"])).stable
    assert terms is not None
    usdt, usdc = (raw / 1e6 for raw in terms.opening)
    assert usdt * 0.98 + usdc == pytest.approx(1e8)
    assert usdt > 5 * usdc
    assert (terms.amplification, terms.fee_raw, terms.off_peg_raw) == (1000, 10**6, 5 * 10**10)


def test_without_terms_of_its_own_it_has_the_usual_ones() -> None:
    data = load("usdt-depeg").model_dump(mode="json")
    data["pool"] = {"base": "USDT", "kind": "stableswap"}
    terms = resolve(from_mapping(data)).stable
    assert terms is not None
    assert terms.amplification == 200


def test_it_reads_as_it_was_written() -> None:
    import yaml

    config = load("usdt-depeg")
    assert from_mapping(yaml.safe_load(to_yaml(config))) == config


def test_a_pool_too_small_for_the_first_investment_is_told() -> None:
    assert not [m for m in misfits(load("usdt-depeg")) if "stableswap" in m.field]
    thin = load("usdt-depeg", ["pool.stableswap.value_usd=1e6"])
    (found,) = [m for m in misfits(thin) if "stableswap" in m.field]
    assert found.certain
    enough = load("usdt-depeg", [f"pool.stableswap.value_usd={found.needed}"])
    assert not [m for m in misfits(enough) if "stableswap" in m.field]


def test_agents_of_ones_own_provide_no_liquidity_there() -> None:
    @dataclass(eq=False)
    class Provider(ScalarAgent):
        slot = AgentSlot("provider", 1_000.0, 0.0, has_account=False, positions=1)

        @staticmethod
        def act(do: Any, my: Any) -> None:  # type: ignore[override]
            """Nothing."""

    with pytest.raises(InputError, match="positions = 1: must be 0; the pool is a StableSwap"):
        add_agents(resolve(load("usdt-depeg")), [], [Provider()])
