"""The worst use of each key in bad hands, until somebody stops it (the table of SPEC §4.6)."""

from __future__ import annotations

from functools import partial
from math import isqrt

import pytest
from eth_utils import keccak

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import Contract
from tests.exploits.ground import BTC, BTC_MARKET, WAD, refusal
from tests.exploits.stage import Stage
from tests.properties.test_clearing_portfolio import ENTRY, KAPPA, ROWS
from tests.properties.test_clearing_ramps import RAMP, exposed, factor
from tests.security.test_roles import DELAYED, GUARDIAN, OWNER, RISK, STRANGER, Cast
from tests.security.zero import arguments, functions

HOUR, DAY = 3_600, 86_400
DELAY = 30 * DAY
NOT_ONE_UNIT = 1e-6


def _called(contract: Contract, cast: Cast, role: str, name: str, *arguments: object) -> str:
    """Why a role's call is refused; empty: done."""
    try:
        return refusal(lambda: contract.transact(cast.actors[role], name, *arguments))
    except AssertionError:
        return ""


@pytest.mark.parametrize("name", DELAYED)
def test_an_owner_key_waits_the_delay_for_everything_that_costs_and_the_guardian_cancels_it(
    name: str,
) -> None:
    """By itself, through another owner, or after ridding itself of the guardian first."""
    cast = Cast(delay=DELAY)
    contract = cast.contracts[name]
    entries = {entry["name"]: entry for entry in functions(artifacts.load(name))}
    for function in DELAYED[name].split():
        call = (function, *arguments(entries[function]))
        assert _called(contract, cast, OWNER, *call) == "roles: not scheduled", function
        assert _called(contract, cast, OWNER, "schedule", keccak(contract.calldata(*call))) == ""
    assert _called(contract, cast, OWNER, "transfer_ownership", cast.actors[STRANGER]) == ""
    assert _called(contract, cast, STRANGER, "accept_ownership") == ""
    for function in DELAYED[name].split():
        call = (function, *arguments(entries[function]))
        assert _called(contract, cast, STRANGER, *call) == "roles: too early", function
        assert _called(contract, cast, GUARDIAN, "cancel", keccak(contract.calldata(*call))) == ""
    cast.chain.set_time(cast.chain.time() + DELAY)
    for function in DELAYED[name].split():
        call = (function, *arguments(entries[function]))
        assert _called(contract, cast, STRANGER, *call) == "roles: not scheduled", function


def _gain(stage: Stage, account: int) -> float:
    """What a position in BTC has gained at the index."""
    size, cost, _, _ = stage.clearing.call("position", account, BTC_MARKET)
    return float(size * stage.prices[BTC] - cost)


@pytest.fixture
def stage() -> Stage:
    """A hedged vault of two million and a trader, with money to lose everywhere."""
    stage = Stage()
    stage.run_vault(2e6)
    stage.post("trader", 3e5)
    stage.trade("trader", BTC_MARKET, 20)
    stage.depth(20.0)
    return stage


def test_an_owners_month_is_time_enough_to_leave(stage: Stage) -> None:
    """Depositors and traders are out before what was announced happens, whole but for fees."""
    owner = stage.roles.deployer
    for contract in (stage.clearing, stage.vault):
        contract.transact(owner, "set_delay", DELAY)
    call = stage.vault.calldata("set_fee_receiver", stage.actor("thief"))
    stage.vault.transact(owner, "schedule", keccak(call))
    worth = stage.vault.call("convertToAssets", stage.shares("depositor"))
    raw = stage.redeem("depositor")
    fee = stage.terms.vault.exit_fee + stage.terms.vault.max_slippage
    assert raw >= worth * (1 - fee)
    value = stage.margin("trader").value
    stage.close("trader", BTC_MARKET)
    assert stage.withdraw_all("trader") * 10**12 >= value * 99 // 100
    early = refusal(lambda: stage.vault.transact(owner, "set_fee_receiver", stage.actor("thief")))
    assert early == "roles: too early"


def test_a_wind_down_by_a_stolen_key_takes_nothing_from_anybody(stage: Stage) -> None:
    """Announced and not cancelled: it brings nothing forward, and all have what they had."""
    owner = stage.roles.deployer
    stage.clearing.transact(owner, "set_delay", DELAY)
    call = ("wind_down", BTC_MARKET)
    early = refusal(lambda: stage.clearing.transact(owner, *call))
    assert early == "roles: not scheduled"
    stage.clearing.transact(owner, "schedule", keccak(stage.clearing.calldata(*call)))
    stage.wait(DELAY)
    stage.clearing.transact(owner, *call)
    again = refusal(lambda: stage.clearing.transact(owner, "settle_market", BTC_MARKET))
    assert again == "clearing: too soon"
    stage.wait(7 * DAY)
    nav, value = stage.vault.call("nav"), stage.margin("trader").value
    pool, maker = (stage.clearing.call(v, BTC_MARKET) for v in ("premium_pool", "maker_cash"))
    stage.clearing.transact(owner, "settle_market", BTC_MARKET)
    early = refusal(lambda: stage.clearing.transact(owner, "withdraw_maker", BTC_MARKET, 1, owner))
    assert early == "roles: not scheduled"
    # The premiums come back to those who paid them, or the maker: to nobody else.
    assert stage.vault.call("nav") >= nav
    assert stage.margin("trader").value >= value
    gained = stage.vault.call("nav") - nav + stage.margin("trader").value - value
    kept = stage.clearing.call("maker_cash", BTC_MARKET) - maker
    assert gained + kept * stage.prices[0] == pytest.approx(pool * stage.prices[0], rel=1e-6)
    thief = stage.actor("thief")
    waiting = [stage.account("trader"), int(stage.vault.address, 16) << 8]
    for account in sorted(waiting, key=lambda a: _gain(stage, a)):  # losses first
        stage.clearing.transact(thief, "settle_position", account, BTC_MARKET)
    assert stage.vault.call("nav") >= nav
    assert stage.withdraw_all("trader") * 10**12 * stage.prices[0] >= value * (1 - 1e-9)
    worth = stage.vault.call("convertToAssets", stage.shares("depositor"))
    fee = stage.terms.vault.exit_fee + stage.terms.vault.max_slippage
    assert stage.redeem("depositor") >= worth * (1 - fee)


def test_a_guardian_key_costs_no_money_and_stops_no_exit(stage: Stage) -> None:
    """It pauses what adds risk and dismisses risk managers: everybody leaves all the same."""
    guardian = stage.roles.guardian
    stage.clearing.transact(guardian, "pause")
    stage.vault.transact(guardian, "set_paused", True)
    for contract in (stage.clearing, stage.vault):
        contract.transact(guardian, "dismiss_risk_manager")
    before = stage.vault.call("nav"), stage.margin("trader").value
    assert refusal(lambda: stage.trade("trader", BTC_MARKET, 1)) == "clearing: paused"
    assert (stage.vault.call("nav"), stage.margin("trader").value) == before
    stage.close("trader", BTC_MARKET)
    assert stage.withdraw_all("trader") > 0
    worth = stage.vault.call("convertToAssets", stage.shares("depositor"))
    fee = stage.terms.vault.exit_fee + stage.terms.vault.max_slippage
    assert stage.redeem("depositor") >= worth * (1 - fee)


def test_a_risk_key_raises_margin_by_a_quarter_of_the_volatility_in_six_hours() -> None:
    """In a day M of any account grows by at most kappa sum |n| times 1.44 sigma, or 4 % if more.

    The thief turns the correlation of the hedged account round, as fast as it may. Until the
    guardian dismisses the key: then at no time any more.
    """
    venue = exposed()
    venue.do("owner", "set_guardian", venue.address("guardian"))
    account = venue.account("hedger")
    start, before = venue.margin(account), factor(venue)
    notional = {1: 2 * 30_000, 2: 600 * 100, 0: abs(start.balance) / WAD}
    worst = tuple(
        tuple((-1) ** i * entry for entry in (ENTRY // 2, ENTRY // 2, *[0] * 6))
        for i in range(len(ROWS))
    )
    for _ in range(DAY // RAMP):
        assert venue.attempt("owner", "post_covariance", worst) == ""
        assert venue.attempt("owner", "post_covariance", worst) == "clearing: too soon"
        venue.advance(RAMP)
    sigma = {i: isqrt(sum(e * e for e in before[i])) / ENTRY for i in notional}
    grown = {i: max(1.25**4 - 1, 0.04 / max(s, 1e-9)) * s for i, s in sigma.items()}
    most = KAPPA * sum(n * grown[i] for i, n in notional.items())
    added = venue.margin(account).maintenance - start.maintenance
    assert most / 10 < added <= most * 1.001
    venue.do("guardian", "dismiss_risk_manager")
    assert venue.attempt("owner", "post_covariance", worst) == "roles: not the risk manager"
    assert venue.attempt("owner", "set_skew_scale", 0, 300 * WAD) == "roles: not the risk manager"


def test_a_skew_scale_moved_for_a_friend_pays_him_no_more_than_the_inventory_is_worth(
    stage: Stage,
) -> None:
    """Each cut of K by half: at most S(K') I phi mmr/4, less what it costs him to trade."""
    market = stage.terms.clearing.markets[BTC_MARKET]
    index = stage.prices[BTC]
    stage.close("trader", BTC_MARKET)
    stage.post("friend", 3e6)
    before = stage.margin("friend").value / WAD
    scale = stage.clearing.call("market", BTC_MARKET)[1]
    size = scale // 2 * market.maintenance_rate / 2 * (1 - 1e-6) / WAD
    size -= abs(stage.clearing.call("market_state", BTC_MARKET)[0]) / WAD
    risk = stage.roles.venue
    rounds = 2
    for _ in range(rounds):
        stage.trade("friend", BTC_MARKET, size)
        stage.wait(HOUR)
        stage.clearing.transact(risk, "set_skew_scale", BTC_MARKET, scale // 2)
        stage.close("friend", BTC_MARKET)
        stage.wait(HOUR)
        stage.clearing.transact(risk, "set_skew_scale", BTC_MARKET, scale)
    gained = stage.margin("friend").value / WAD - before
    assert gained <= rounds * size * index * market.maintenance_rate / 4
    beyond = refusal(lambda: stage.clearing.transact(risk, "set_skew_scale", BTC_MARKET, 2 * scale))
    assert beyond == "clearing: too soon"
    stage.wait(HOUR)
    beyond = refusal(lambda: stage.clearing.transact(risk, "set_skew_scale", BTC_MARKET, 2 * scale))
    assert beyond == "clearing: bad parameter"


def test_stolen_betas_cost_what_their_orders_may_slip_and_no_more(stage: Stage) -> None:
    """A day of posts, each as far as it may go and the other way round, prices standing still.

    The index does not move, so all that NAV loses is what the orders cost; beyond it there is the
    risk of a hedge that is none.
    """
    terms, vault = stage.terms.vault, stage.vault
    change, posts = int(terms.beta_max_change * WAD), DAY // terms.beta_interval
    at = vault.call("position_state")
    delta = (at[3] + vault.call("idle_base")) / WAD * stage.prices[1]
    nav = vault.call("nav") / WAD
    manager, lost = stage.roles.risk_manager, 0.0
    for number in range(posts):
        stage.wait(terms.beta_interval)
        betas = [vault.call("beta", i) for i in range(2)]
        way = -1 if number % 2 else 1
        beyond = [beta + way * (change + 1) for beta in betas]
        refused = refusal(partial(vault.transact, manager, "post_betas", beyond))
        assert refused == "vault: beta change too fast"
        vault.transact(manager, "post_betas", [beta + way * change for beta in betas])
        was = vault.call("nav") / WAD
        reward = stage.keep("rebalance") / 1e6
        lost += was - vault.call("nav") / WAD
        assert reward <= terms.keeper_reward + NOT_ONE_UNIT
    orders = posts * 2 * terms.beta_max_change * delta
    assert 0 < lost <= orders * terms.max_slippage + posts * terms.keeper_reward
    assert lost < 0.01 * nav
    vault.transact(stage.roles.guardian, "dismiss_risk_manager")
    refused = refusal(
        lambda: vault.transact(stage.roles.risk_manager, "post_betas", [WAD // 2, WAD // 2])
    )
    assert refused == "roles: not the risk manager"


def test_the_first_betas_of_a_vault_with_liquidity_are_bounded_too() -> None:
    stage = Stage()
    stage.run_vault(2e6, hedged=False)
    manager, change = stage.roles.risk_manager, int(stage.terms.vault.beta_max_change * WAD)
    refused = refusal(lambda: stage.vault.transact(manager, "post_betas", [change + 1, 0]))
    assert refused == "vault: beta change too fast"
    stage.vault.transact(manager, "post_betas", [change, -change])


def test_one_reporters_key_of_three_moves_no_price(stage: Stage) -> None:
    owner = stage.roles.deployer
    for other in ("second", "thief"):
        stage.oracle.transact(owner, "set_reporter", stage.actor(other), True)
    assert stage.oracle.call("quorum") == 2
    token = stage.deployed.tokens[BTC]
    for reporter in ("", "second", "thief"):
        stage.report(reporter=reporter)
    honest, health = stage.oracle.call("price", token), stage.margin("trader")
    for factor_of_lie in (0.0001, 0.5, 2, 1_000):
        stage.chain.set_time(stage.chain.time() + 60)
        lie = int(honest * factor_of_lie)
        stage.oracle.transact(stage.actor("thief"), "report", [token], [lie], stage.chain.time())
        assert stage.oracle.call("price", token) == honest
    assert stage.margin("trader").equity == pytest.approx(health.equity, rel=1e-4)


def test_anybody_can_keep_and_liquidate_and_is_paid_for_what_was_needed(stage: Stage) -> None:
    """Called as often as one likes, keeper functions pay at most once for one need."""
    refusals, paid = [], 0
    for function in ("rebalance", "top_up", "deleverage") * 5:
        before = stage.raw_balance(stage.actor("thief"), 0)
        refusals.append(refusal(partial(stage.keep, function, "thief")))
        paid += stage.raw_balance(stage.actor("thief"), 0) - before
    assert paid == 0
    assert set(refusals) == {"vault: within band", "vault: margin sufficient"}


def test_roles_that_are_empty_do_nothing() -> None:
    """After a dismissal nobody has the role: not even the zero address, which sends nothing."""
    cast = Cast()
    for name in ("ClearingHouse", "HedgeVault"):
        contract = cast.contracts[name]
        assert (
            _called(contract, cast, STRANGER, "dismiss_risk_manager") == "roles: not the guardian"
        )
        assert _called(contract, cast, RISK, "dismiss_risk_manager") == "roles: not the guardian"
        assert _called(contract, cast, GUARDIAN, "dismiss_risk_manager") == ""
        assert int(contract.call("risk_manager"), 16) == 0
