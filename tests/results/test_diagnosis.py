"""A vault that does nothing must not be said to have survived: findings, gates, measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.agents.base import Actions, Agent, View
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.config import Config, load, resolve, scenarios
from simulator.config.feasibility import misfits
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.result import Result
from simulator.results.diagnosis import NAMES, _subsumed, diagnose
from simulator.results.finding import Finding
from simulator.results.upkeep import columns, upkeep_columns
from simulator.runner import Plan
from simulator.types import InputError, Status
from simulator.world.actions import Action, Rebalance, Recenter
from simulator.world.base import World
from simulator.world.gas import GAS_UNITS
from simulator.world.protocol import AgentSlot
from tests.books.watched import ended

GAS_FILE = (
    Path(__file__).parents[2].parent / "shared/data/onchain/eth_crash_days_10m_price_gas.parquet"
)
GATES = ("liquidation_probability <= 0.01", "bad_debt.max <= 0")


def ran(*overrides: str, scenario: str = "calm", hours: int = 30, **how: Any) -> Result:
    config = load(scenario, [f"horizon_hours={hours}", *overrides])
    return simulator.run(config, **{"paths": 4, "workers": 1, "record": 4, "requirements": GATES,
                                    **how})  # fmt: skip


def named(result: Result, name: str) -> dict[str, Any]:
    found = [f for f in result.summary["diagnosis"] if f["name"] == name]
    assert found, [f["name"] for f in result.summary["diagnosis"]]
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", scenarios())
def test_shipped_scenarios_invest_and_hedge(scenario: str) -> None:
    result = simulator.run(scenario, paths=2, workers=1, record=1, requirements=["gas <= 1e12"])
    assert [f["text"] for f in result.summary["diagnosis"] if f["severity"] == "idle"] == []
    assert result.passed
    assert (result.paths["position_opened"] == 0.0).all()
    assert (result.paths["hedge_opened"] == 0.0).all()


# What is set on `calm`, the idle finding it ends in, the field to change.
IDLE = [
    (["gas.gwei=20"], "never_invested", "vault.keeper_reward"),
    (["agents.keeper=null"], "never_invested", "agents.keeper"),
    (["agents.risk_manager=null"], "never_hedged", "agents.risk_manager"),
    (["agents.depositor=null"], "never_funded", "agents.depositor"),
    (["agents.depositor.initial_deposit=15"], "never_invested", "vault.keeper_share"),
    (["vault.hedge_band=0.9"], "never_hedged", "vault.hedge_band"),
    (["pool.background=[{value_usd: 2.0e+5}]"], "never_invested", "vault.max_slippage"),
    (
        ["clearing.markets.SOL.skew_scale_usd=4e6", "clearing.markets.SOL.max_skew_usd=5e4",
         "agents.perp_arbitrageur=null", "agents.noise_trader=null"],
        "never_hedged", "clearing.markets.SOL.max_skew_usd",
    ),
    (
        ["clearing.markets.BTC.skew_scale_usd=2e7", "agents.perp_arbitrageur=null",
         "agents.noise_trader=null"],
        "never_hedged", "clearing.markets.BTC.skew_scale_usd",
    ),
    (["vault.max_slippage=0.0025"], "never_invested", "vault.max_slippage"),
    # what is refused at load is simulated all the same when told so
    (["vault.keeper_reward=0"], "never_invested", "vault.keeper_reward"),
    (
        ["clearing.markets.BTC.max_skew_usd=1", "clearing.markets.SOL.max_skew_usd=1"],
        "never_hedged", "clearing.markets.BTC.max_skew_usd",
    ),
    (["clearing.maker_funds=1000"], "never_hedged", "clearing.maker_funds"),
    (
        ["clearing.markets.BTC.max_open_interest_usd=1e4"],
        "never_hedged", "clearing.markets.BTC.max_open_interest_usd",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "name", "field"), IDLE)
def test_a_vault_that_does_nothing_fails_its_requirements_and_says_what_to_change(
    overrides: list[str], name: str, field: str
) -> None:
    result = ran(*overrides, allow=["idle"])
    found = named(result, name)
    assert result.summary["diagnosis"][0] == found
    assert (found["severity"], found["field"], found["paths"]) == ("idle", field, 1.0)
    assert field in found["text"]
    if found["needed"] is not None and found["value"] is not None:
        assert (found["needed"] > found["value"]) == (field != "vault.hedge_band")
    same = [each["needed"] for each in result.summary["diagnosis"] if each["field"] == field]
    if field != "vault.max_slippage":  # two causes, neither of which says that it would have done
        assert len(set(same)) == 1, same
    assert result.passed
    assert len(result.summary["gates"]) == len(GATES)
    config = load("calm", ["horizon_hours=3", *overrides])
    if any(misfit.certain for misfit in misfits(config)):
        with pytest.raises(
            InputError, match=rf"{field} = .*: (must be at least|.* would be needed)"
        ):
            simulator.run(config, paths=4, workers=1, requirements=GATES, allow=["out_of_range"])
        return
    strict = simulator.run(config, paths=4, workers=1, requirements=GATES, allow=["out_of_range"])
    assert not strict.passed
    idle = {f["name"] for f in strict.summary["diagnosis"] if f["severity"] == "idle"}
    failing = {g["requirement"] for g in strict.summary["gates"] if not g["holds"]}
    assert {f"not {each}" for each in idle} == failing


def test_only_requirements_fail_and_one_finding_can_be_allowed_by_its_name() -> None:
    assert ran("gas.gwei=20", requirements=()).passed
    assert not ran("gas.gwei=20").passed
    assert ran("gas.gwei=20", allow=["never_invested"]).passed
    with pytest.raises(InputError, match=r"allow: 'lazy' is no finding; allowed: idle, never_fun"):
        ran(allow=["lazy"])


def test_the_value_named_would_have_done() -> None:
    bound = named(ran("gas.gwei=20", "gas.volatility=0"), "never_invested")
    assert bound["needed"] == pytest.approx(40.0, rel=0.1)
    paid = ran("gas.gwei=20", "gas.volatility=0", f"vault.keeper_reward={1.1 * bound['needed']}")
    assert (paid.paths["position_opened"] == 0.0).all()
    alone = ("agents.perp_arbitrageur=null", "agents.noise_trader=null")
    field = "clearing.markets.BTC.skew_scale_usd"
    bound = named(ran(f"{field}=2e7", *alone), "never_hedged")
    wide = ran(f"{field}={1.1 * bound['needed']}", *alone)
    assert (wide.paths["hedge_opened"] == 0.0).all()


def test_a_hedge_nobody_wants_is_a_note() -> None:
    chosen = ("vault.betas={BTC: 0, SOL: 0}", "agents.risk_manager.estimator=fixed")
    result = ran(*chosen)
    assert named(result, "no_hedge_asked")["severity"] == "note"
    assert result.passed


def test_a_hedge_that_nobody_chose_to_be_none_is_idle() -> None:
    """Of prices that do not move together the first ratios are zero, whoever posts them."""
    apart = ("correlation={default: 0}", "agents.risk_manager.estimator=fixed")
    result = ran(*apart)
    assert named(result, "no_hedge_asked")["severity"] == "idle"
    assert not result.passed
    assert ran(*apart, allow=["no_hedge_asked"]).passed


def test_gas_that_keepers_are_not_paid_for_is_told_with_its_part_of_the_time() -> None:
    """19 May 2021 as a spike: a rollup's gas a thousand times dearer for the first half."""
    spike = "shocks=[{kind: gas_spike, factor: 1000, at_hours: 0, duration_hours: 24}]"
    result = ran(spike, "gas.volatility=0", hours=48)
    assert (result.paths["position_opened"] == 24.0).all()
    assert result.paths["invested_time"].to_numpy() == pytest.approx(25 / 49)
    assert (result.paths["recentring_unpaid"] == 24).all()
    assert result.paths["recentring_undone_from"].tolist() == [0.0] * 4
    assert result.paths["recentring_undone_hours"].tolist() == [24.0] * 4
    cost = GAS_UNITS[Recenter] * 200e-9 * 1850
    assert result.paths["reward_needed"].to_numpy() == pytest.approx(cost, rel=0.05)
    assert named(result, "keeper_unprofitable")["field"] == "vault.keeper_reward"
    assert named(result, "seldom_invested")["severity"] == "warning"
    longer = ran(spike.replace("24}", "30}"), "gas.volatility=0", hours=48)
    assert named(longer, "seldom_invested")["severity"] == "idle"
    assert not longer.passed


def test_recentring_refused_says_since_when_and_why() -> None:
    crash = "shocks=[{kind: crash, assets: [ETH], size: -0.3, at_hours: 40, ramp_hours: 2}]"
    result = ran(crash, "agents.amm_arbitrageur=null", "agents.noise_trader=null", hours=96)
    found = named(result, "recentring_refused")
    assert "from hour 4" in found["text"]
    assert "to the end" in found["text"]
    assert "the pool's price was further from the oracle's" in found["text"]
    assert (result.paths["recentring_undone_as"] == Status.SPOT_DEVIATES).all()
    bound = named(result, "binding_limit")
    assert bound["field"] == "vault.max_slippage"
    assert bound["needed"] is None  # 0.3 to 0.6, which the schema refuses
    assert "agents.amm_arbitrageur is null" in bound["text"]


def test_of_several_limits_each_is_told_with_its_own_figures() -> None:
    """The pool's price refuses most recentrings here, and the swap that some begin with others."""
    result = ran("vault.max_slippage=0.0028", hours=48, paths=3, allow=["idle"])
    paths, findings = result.paths, result.summary["diagnosis"]
    pool = [f for f in findings if f["name"] == "binding_limit" and "at the pool" in f["text"]]
    events = result.events[result.events["action"] == "Recenter"]
    counts = events["status"].value_counts()
    assert paths["pool_spot_refusals"].sum() == counts["SPOT_DEVIATES"] > counts["SLIPPAGE"] > 0
    assert paths["pool_slippage_refusals"].sum() == counts["SLIPPAGE"]
    for found, status, words in zip(
        pool, ("SPOT_DEVIATES", "SLIPPAGE"), ("from the oracle's", "moves the pool's"), strict=True
    ):
        assert found["text"].startswith(f"{counts[status]} recentrings were refused at the pool")
        assert words in found["text"]
        assert found["needed"] > found["value"] == 0.0028
    assert pool[0]["needed"] == paths["pool_spot_asked"].max()
    never = named(result, "never_invested")
    assert (never["field"], never["value"]) == ("vault.max_slippage", 0.0028)
    # Not what those paths alone would have needed: one field has one value that does.
    assert never["needed"] == paths["pool_spot_asked"].max()


def test_one_refusal_is_one() -> None:
    config = load("calm", ["horizon_hours=2"])
    frame = ran(hours=2, paths=1).paths.assign(
        SOL_open_interest_refusals=1, SOL_open_interest_asked=3e4, SOL_open_interest_value=1e4
    )
    text = next(f["text"] for f in diagnose(config, frame) if f["name"] == "binding_limit")
    assert text.startswith("1 rebalance was refused for SOL on every path: open interest")


def test_one_full_market_stops_the_whole_rebalance() -> None:
    result = ran("clearing.markets.SOL.max_open_interest_usd=1e4", allow=["idle"])
    found = named(result, "binding_limit")
    assert "for SOL" in found["text"]
    assert "every market or none" in found["text"]
    assert (result.paths["SOL_limit_refusals"] == 31).all()
    assert (result.paths["BTC_limit_refusals"] == 0).all()
    sizes = result.series[["size_BTC", "size_SOL"]].to_numpy()
    assert not sizes.any()


def test_no_hedge_is_no_leg_that_went_the_wrong_way() -> None:
    result = ran("agents.risk_manager=null", hours=240)
    story = " ".join(result.summary["worst_path"]["story"])
    assert "No hedge was held." in story
    assert "lost another" not in story
    idle = ran("agents.keeper=null", hours=240)
    assert "Nothing was invested." in " ".join(idle.summary["worst_path"]["story"])


def test_refusals_of_the_vaults_keepers_are_told_from_everybody_elses() -> None:
    result = ran("clearing.markets.SOL.max_open_interest_usd=1e4", hours=30, allow=["idle"])
    events = result.events
    refused = events[events["status"] == "OPEN_INTEREST_CAP"]
    keepers = (refused["agent"] == "keeper").sum()
    others = (refused["agent"] != "keeper").sum()
    assert keepers > 0
    assert others > 0
    assert result.summary["upkeep_refusals"]["open_interest_cap"] == keepers
    assert result.summary["refusals"]["open_interest_cap"] == keepers + others
    page = result.report_html()
    assert f"<td>{keepers:,}</td><td>{others:,}</td><td>the market was full" in page
    assert page.index("What the vault did not do") < page.index("Mean return")


class _Plain:
    """What a run's measures should be on one path, by the definitions, without arrays."""

    def __init__(self, path: int) -> None:
        self.path = path
        self.idle: list[float] = []
        self.outside: list[bool] = []
        self.off: list[bool] = []
        self.asked, self.held = 0.0, 0.0

    def advanced(self, step: int, world: World) -> None: ...

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None: ...

    def acted(self, *_: object) -> None: ...

    def stepped(self, step: int, world: World) -> None:
        i, state, terms = self.path, world.observe(), world.protocol
        price = [float(world.market.oracle_price[a, step, i]) for a in range(len(terms.assets))]
        nav = float(state.nav[i])
        if state.shares[i] <= 0:
            return
        self.idle.append((state.idle_usdc[i] * price[0] + state.idle_base[i] * price[1]) / nav)
        if state.liquidity[i] > 0:
            whole = 10.0 ** (terms.assets[1].decimals - terms.assets[0].decimals)
            spot = state.sqrt_price[i] ** 2 * whole
            lower, upper = (1.0001 ** float(t[i]) * whole
                            for t in (state.tick_lower, state.tick_upper))  # fmt: skip
            self.outside.append(not lower <= spot < upper)
        exposure = float(state.lp_base[i] + state.idle_base[i]) * price[1]
        off, some = False, False
        for m, market in enumerate(terms.clearing.markets):
            wanted = -float(state.betas[m, i]) * exposure
            has = float(state.size[0, m, i]) * price[market.asset]
            off = off or abs(wanted - has) > terms.vault.hedge_band * nav
            if abs(wanted) > 1e-9:
                some = True
                self.asked += abs(wanted)
                self.held += min(abs(wanted), max(0.0, has / wanted * abs(wanted)))
        if some:
            self.off.append(off)


def test_measures_are_those_of_the_definitions() -> None:
    """A crash and a market that is soon full, so that every measure has something to say."""
    config = load(
        "calm",
        [
            "horizon_hours=120", "paths=3", "clearing.markets.BTC.max_skew_usd=4e5",
            "shocks=[{kind: crash, assets: [ETH], size: -0.4, at_hours: 50, ramp_hours: 3}]",
        ],
    )  # fmt: skip
    protocol, agents = Plan(config, "model", (), 1).setting()
    world = ModelWorld(protocol, draw(config.market, 0, 3), BOOK)
    books, plain = Books(world), [_Plain(path) for path in range(3)]
    simulate(world, agents, [books, *plain])
    found = columns(ended(world, books))
    for path, expected in enumerate(plain):
        assert found["idle_share"][path] == pytest.approx(np.mean(expected.idle))
        assert found["out_of_range"][path] == pytest.approx(np.mean(expected.outside))
        assert found["hedge_off_target"][path] == pytest.approx(np.mean(expected.off))
        assert found["hedge_held"][path] == pytest.approx(expected.held / expected.asked)
    assert found["out_of_range"].max() > 0.0
    assert found["hedge_off_target"].max() > 0.05
    assert found["hedge_held"].min() < 0.99


def test_both_worlds_measure_the_same() -> None:
    limits = ["clearing.markets.BTC.max_skew_usd=4e5", "horizon_hours=8"]
    model, chain = (
        simulator.run(load("calm", limits), paths=2, workers=1, world=world)
        for world in ("model", "chain")
    )
    names = upkeep_columns(resolve(model.config))
    assert len(names) > 40
    for name in names:
        there = chain.paths[name].to_numpy(float)
        assert model.paths[name].to_numpy(float) == pytest.approx(there, rel=1e-6, nan_ok=True)
    texts = [[f["text"] for f in result.summary["diagnosis"]] for result in (model, chain)]
    assert texts[0] == texts[1]


@dataclass(eq=False)
class _Volunteer(Agent):
    """Keeps the vault for nothing."""

    slot = AgentSlot("volunteer", usdc=0.0, base=0.0, has_account=False)

    def act(self, view: View) -> Actions:
        everywhere = np.ones(view.market.paths, np.bool_)
        if view.step % 6 == 0:
            yield Recenter(self.index, everywhere)
            yield Rebalance(self.index, everywhere)


def test_a_users_keeper_counts_as_one() -> None:
    result = ran("agents.keeper=null", agents=[_Volunteer()])
    assert result.passed
    names = {f["name"] for f in result.summary["diagnosis"]}
    assert not names & {"no_keeper", "never_invested", "never_hedged"}


def test_every_finding_has_a_name_that_can_be_allowed() -> None:
    for overrides, *_ in IDLE:
        result = ran(*overrides, hours=3, paths=1, allow=["idle"], requirements=())
        for finding in result.summary["diagnosis"]:
            assert finding["name"] in NAMES
            assert finding["text"].endswith(".")


def test_a_few_paths_that_never_opened_are_a_warning() -> None:
    """One of 200: below one per cent it is an accident; the part is weighted as paths are."""
    config: Config = load("calm", ["horizon_hours=2"])
    paths = ran(hours=2, paths=1).paths
    frame = paths.loc[paths.index.repeat(200)].reset_index(drop=True)
    frame.loc[0, ["position_opened", "invested_time"]] = np.nan, 0.0
    found = next(f for f in diagnose(config, frame) if f["name"] == "never_invested")
    assert (found["severity"], found["paths"]) == ("warning", 0.005)
    frame.loc[1:2, ["position_opened", "invested_time"]] = np.nan, 0.0
    found = next(f for f in diagnose(config, frame) if f["name"] == "never_invested")
    assert (found["severity"], found["paths"]) == ("idle", 0.015)


def test_the_smallest_yaml_opens_and_hedges(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        """
name: mine
horizon_hours: 48
assets:
  USDC: {price: 1.0}
  ETH: {price: 2000, volatility: 0.6}
  BTC: {price: 60000, volatility: 0.5}
pool: {base: ETH}
clearing: {markets: {BTC: {skew_scale_usd: 2.0e+8, max_skew_usd: 5.0e+6}}}
vault: {range_half_width_percent: 20}
agents: {depositor: {}, keeper: {}}
"""
    )
    result = simulator.run(str(file), paths=8, workers=1, requirements=GATES)
    assert result.passed
    assert (result.paths["position_opened"] == 0.0).all()
    assert (result.paths["hedge_opened"] == 0.0).all()
    assert (result.paths["hedge_held"] > 0.9).all()
    assert not [f for f in result.summary["diagnosis"] if f["name"].startswith("tight")]


@pytest.mark.data
def test_recorded_gas_of_a_crash_leaves_keepers_unpaid() -> None:
    """12 and 13 March 2020: mainnet's gas, at calm's reward, never pays a keeper."""
    if not GAS_FILE.is_file():
        pytest.skip(f"no {GAS_FILE}")
    recorded = pd.read_parquet(GAS_FILE)
    crash = recorded[recorded["timestamp_utc"].between("2020-03-12", "2020-03-14")]
    gwei = float(crash["gas_p60_wei"].mean()) * 1e-9
    result = ran(f"gas.gwei={gwei}", "gas.volatility=0.3")
    found = named(result, "never_invested")
    assert found["field"] == "vault.keeper_reward"
    assert not result.passed


def test_what_would_have_done_is_one_value_whichever_finding_names_the_field() -> None:
    """The hedge never opens on some paths, is late on others, and each side has a limit too."""
    config = load("calm", ["clearing.markets.*.max_skew_usd=2e5", "horizon_hours=240"])
    result = simulator.run(config, paths=8, workers=1, allow=["idle"])
    needed: dict[str, set[float]] = {}
    for each in result.summary["diagnosis"]:
        if each["needed"] is not None:
            needed.setdefault(each["field"], set()).add(each["needed"])
    field = "clearing.markets.BTC.max_skew_usd"
    assert sum(each["field"] == field for each in result.summary["diagnosis"]) > 2
    assert {field: len(values) for field, values in needed.items()} == dict.fromkeys(needed, 1)


def test_of_two_limits_that_go_by_one_field_the_larger_value_is_told() -> None:
    """Inventory and side of a market are both of max_skew_usd."""
    field = "clearing.markets.BTC.max_skew_usd"
    inventory = Finding("binding_limit", "warning", "", 1.0, field, 2e5, 1_071_433.0)
    side = Finding("binding_limit", "note", "", 0.1, field, 2e5, 210_939.0)
    other = Finding("binding_limit", "note", "", 0.1, field.replace("BTC", "SOL"), 2e5, 289_476.0)
    never = Finding("never_hedged", "idle", "", 0.1, field, 2e5, 210_939.0)
    found = [inventory, side, other, never]
    assert [each for each in found if not _subsumed(each, found)] == [inventory, other, never]
    assert not _subsumed(side, [side, other])
    spot, swap = (Finding("binding_limit", "note", "", 0.1, "vault.max_slippage", 0.01, needed)
                  for needed in (0.02, 0.03))  # fmt: skip
    assert not _subsumed(spot, [spot, swap])  # two causes of one bound, each worth knowing


def test_a_share_that_the_schema_refuses_is_never_advised() -> None:
    """A vault of half a dollar: its keepers would have to have more of it than the most allowed."""
    tiny = ["agents.depositor.initial_deposit=0.5", "vault.keeper_reward=100"]
    result = ran(*tiny, allow=["idle"])
    told = [f for f in result.summary["diagnosis"] if f["field"] == "vault.keeper_share"]
    assert {f["name"] for f in told} == {"never_invested", "keeper_unprofitable"}
    for found in told:
        assert found["needed"] is None
        assert "beyond the 0.05 that is allowed" in found["text"]
    enough = ran("agents.depositor.initial_deposit=15", "vault.keeper_reward=100", allow=["idle"])
    advised = [
        f["needed"] for f in enough.summary["diagnosis"] if f["field"] == "vault.keeper_share"
    ]
    assert advised
    assert all(0.0 < needed <= 0.05 for needed in advised)
    tight = [m for m in misfits(load("calm", tiny)) if m.field == "vault.keeper_share"]
    assert tight
    assert all("at most 0.05 is allowed" in m.text for m in tight)
