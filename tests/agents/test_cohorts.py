"""Cohorts: traders at the vault's venue and borrowers as several accounts by even ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.agents.leveraged_trader import LeveragedTrader
from simulator.config import Config, load, resolve
from simulator.protocol.population import TradersTerms
from simulator.runner import run
from simulator.types import InputError, Status
from simulator.verify import TOLERANCE, verify_paths
from simulator.world import actions
from simulator.world.crowd import traders
from simulator.world.parties import parties
from tests.agents.runs import PATHS, Log
from tests.agents.runs import run as played

LONGS = (
    "agents.leveraged_long={usdc: 100, open_interest_usd: 3e6, leverage: 5, leverage_spread: 0.4, "
    "size_spread: 1, most_leverage: 7, cohorts: 4}"
)
SHORTS = (
    "agents.leveraged_short={usdc: 0, margin: {USDC: 1e5, ETH: 10}, leverage: 4, "
    "leverage_spread: 0.3, cohorts: 3}"
)
EARLY = ("shocks.0.at_hours=2", "shocks.1.at_hours=3.5", "shocks.2.at_hours=3")
COHORTS = (LONGS, SHORTS)
EAGER = "lending.borrowers.eager"
BORROWERS = (
    "lending.borrowers={eager: {collateral: {ETH: 30000}, debt: {USDC: 1.0}, health: 1.12, "
    "cohorts: 4, health_spread: 1.2, size_spread: 1}}"
)


def slots(config: Config) -> dict[str, Any]:
    return {slot.name: slot for slot in resolve(config).agents}


def leverages(config: Config) -> dict[str, float]:
    protocol = resolve(config)
    agents = zip(protocol.agents, build_agents(config, protocol), strict=True)
    return {s.name: a.leverage for s, a in agents if isinstance(a, LeveragedTrader)}


def opened(log: Log, name: str) -> int:
    """Paths on which it has traded; nothing it asked for was refused."""
    status = np.array([fill.status for _, _, fill in log.of(name, actions.Trade)])
    assert {*status.ravel()} <= {Status.NONE, Status.OK}
    return int((status == Status.OK).sum())


def test_cohorts_are_the_members_of_a_crowd_elsewhere() -> None:
    """The same even ranks: leverages from triggers of the crowd, sizes its orders'."""
    config = load("liquidation-cascade", COHORTS)
    terms = TradersTerms(4, 1.0, 3e6, 5.0, 0.4, 7.0, 0.0)
    members = traders(terms, 1)
    found = [f"leveraged_long_{number}" for number in (4, 3, 2, 1)]  # the first to fall first
    leverage = np.array([leverages(config)[name] for name in found])
    margin = np.array([slots(config)[name].margin[0] for name in found])
    np.testing.assert_allclose(1.0 - 1.0 / leverage, members.bankrupt, rtol=1e-12)
    np.testing.assert_allclose(margin * leverage, members.size, rtol=1e-12)
    assert (margin * leverage).sum() == pytest.approx(3e6)
    assert leverage.max() == 7.0
    assert slots(config)["leveraged_long_1"].usdc == 25.0


def test_margin_that_is_written_is_shared_out() -> None:
    found = slots(load("liquidation-cascade", COHORTS))
    margins = np.array([found[f"leveraged_short_{number}"].margin for number in (1, 2, 3)])
    np.testing.assert_allclose(margins.sum(axis=0), [1e5, 10.0], rtol=1e-12)
    order = [name for name in found if name.startswith("leveraged")]
    assert order[:4] == [
        *("leveraged_long_1", "leveraged_short_1", "leveraged_long_2", "leveraged_short_2")
    ]


def test_one_cohort_is_who_was_there_before() -> None:
    settings = ("agents.leveraged_long.cohorts=1", "agents.leveraged_short.cohorts=1")
    one, before = load("liquidation-cascade", settings), load("liquidation-cascade")
    assert resolve(one) == resolve(before)
    assert leverages(one) == {"leveraged_long": 7.0, "leveraged_short": 5.0}


def test_a_cohort_population_is_one_party() -> None:
    protocol = resolve(load("liquidation-cascade", COHORTS))
    rows = {party.name: party for party in parties(protocol)}
    assert {len(rows[name].accounts) for name in ("leveraged_long",)} == {4}
    assert len(rows["leveraged_short"].accounts) == 3
    assert not any(name.endswith("_1") for name in rows)
    lending = resolve(load("lending-cascade", [BORROWERS]))
    (party,) = (party for party in parties(lending) if party.borrowers)
    assert (party.name, party.title, party.borrowers) == (
        *("borrower_eager", "borrowers eager"),
        (0, 1, 2, 3),
    )


def test_an_outage_is_of_all_cohorts() -> None:
    shock = "shocks=[{kind: outage, agents: [leveraged_long], at_hours: 0, duration_hours: 1}]"
    protocol = resolve(load("liquidation-cascade", [*COHORTS, shock]))
    down = {slot.kind for n, slot in enumerate(protocol.agents) if protocol.is_down(n, 1)}
    assert down == {"leveraged_long"}
    _, log, _ = played("liquidation-cascade", steps=2, settings=(*COHORTS, shock))
    assert not log.of("leveraged_long_1", actions.Trade)
    assert log.of("leveraged_short_1", actions.Trade)


REFUSED = [
    ("agents.leveraged_long.leverage_spread=0.5", "leverage_spread = 0.5: of one account"),
    ("agents.leveraged_long.cohorts=65", "agents.leveraged_long.cohorts = 65"),
    ("agents.leveraged_long.most_leverage=2", "leverage = 7: must be at most 2"),
    ("agents.leveraged_long.open_interest_usd=1e6", "margin follows from it; must be null"),
    ("agents.leveraged_long.cohorts=60", "66 margin accounts with the vault's"),
]


@pytest.mark.parametrize(("setting", "said"), REFUSED, ids=[row[0] for row in REFUSED])
def test_cohorts_that_cannot_be_are_refused_by_name(setting: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load("liquidation-cascade", [setting])
    assert said in str(caught.value)


def test_too_many_borrowers_are_refused_by_name() -> None:
    settings = [f"lending.borrowers.{name}.cohorts=30" for name in ("eager", "usual", "mixed")]
    with pytest.raises(InputError, match="91 accounts with cohorts; must be at most 64"):
        load("lending-cascade", settings)
    with pytest.raises(InputError, match=r"eager.health_spread = 1: of one account"):
        load("lending-cascade", [f"{EAGER}.health_spread=1"])


def test_all_cohorts_open_what_they_are_there_for_and_fall_by_leverage() -> None:
    world, log, _ = played("liquidation-cascade", steps=40, settings=(*COHORTS, *EARLY))
    for number in range(1, 5):
        assert opened(log, f"leveraged_long_{number}") == PATHS
    for number in range(1, 4):
        assert opened(log, f"leveraged_short_{number}") == PATHS
    first: dict[str, int] = {}
    for step, action, fill in log.of("liquidator", actions.Liquidate):
        name = next(
            slot.name
            for n, slot in enumerate(world.protocol.agents)
            if slot.has_account and world.protocol.account_of(n) == action.account
        )
        if fill.status[0] == Status.OK:
            first.setdefault(name, step)
    fell = [first[name] for name in (f"leveraged_long_{n}" for n in (4, 3, 2, 1)) if name in first]
    assert len(fell) >= 2
    assert fell == sorted(fell)


def test_borrowers_cohorts_share_what_is_written() -> None:
    config = load("lending-cascade", [BORROWERS])
    lending = resolve(config).lending
    assert lending is not None
    whole = np.sum([one.collateral for one in lending.borrowers], axis=0)
    np.testing.assert_allclose(whole, [0.0, 30000.0, 0.0], rtol=1e-12)
    world, _, _ = played("lending-cascade", steps=1, settings=(BORROWERS,))
    health = world.observe().borrower_health[:, 0]
    assert (np.diff(health) > 0.0).all()
    # Who would be beyond what Aave lends up to stands there.
    assert health[0] == pytest.approx(0.83 / 0.80, rel=1e-3)
    assert health[2] > 1.12 > health[1]


@pytest.mark.parametrize(
    ("scenario", "settings", "kind"),
    [
        ("liquidation-cascade", (*COHORTS, *EARLY), "Liquidate"),
        (
            "lending-cascade",
            (BORROWERS, "shocks.0.at_hours=1", "shocks.1.at_hours=1", "horizon_hours=24"),
            "LiquidateBorrower",
        ),
    ],
)
def test_both_worlds_agree_on_cohorts(scenario: str, settings: tuple[str, ...], kind: str) -> None:
    found = verify_paths(load(scenario, settings), 0, 1, 30, probed=0.2)
    assert found.flips == ()
    assert found.worst <= TOLERANCE
    assert found.agrees
    assert found.outcomes[kind]["OK"] > 0


def test_cohorts_that_hold_nothing_are_told() -> None:
    """Twenty times its margin is beyond the initial margin of the venue."""
    setting = LONGS.replace("most_leverage: 7", "most_leverage: 20").replace("0.4", "1.2")
    told = run(load("liquidation-cascade", [setting, "paths=2", "horizon_hours=2", "shocks=[]"]))
    (finding,) = [f for f in told.summary["diagnosis"] if f["name"] == "cohorts_refused"]
    assert "Of 4 cohorts of leveraged_long 1 a path hold nothing" in finding["text"]
    assert finding["field"] == "agents.leveraged_long.most_leverage"
    fine = run(load("liquidation-cascade", [LONGS, "paths=2", "horizon_hours=2", "shocks=[]"]))
    assert not [f for f in fine.summary["diagnosis"] if f["name"] == "cohorts_refused"]
