"""What Aave refuses (a reserve frozen, paused, full, lent out) holds up nothing else of the vault.

Each state is brought about on Aave's own bytecode. Its reasons are numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_abi import decode
from eth_utils import keccak

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.aave_v3 import token_at
from simulator.chain.evm.codec import reason
from simulator.types import Status
from tests.aave.market import USDC_UNIT, AaveMarket
from tests.aave.test_foreign_collateral import dust, pause
from tests.aave.vault import BTC, HIGHEST, SOL, WAD, HedgedVault, configurator_of, protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.chain.evm.revm import RevmTransport

FROZEN, PAUSED, CAP_FULL, BELOW_ONE = "28", "29", "51", "35"
RISEN = {"BTC": 29_000 * 1.45, "ETH": 1850 * 1.25, "SOL": 24 * 1.2}  # Aave's account below 1.8
BOTH_LOW = {"BTC": 29_000 * 1.45, "ETH": 1850 * 1.25, "SOL": 24 * 1.8}  # both below top_up_ratio


def events(chain: RevmTransport, artifact: str, name: str) -> list[tuple[Any, ...]]:
    """Arguments of an event that the last transaction logged, indexed ones left out."""
    entry = next(e for e in artifacts.load(artifact).abi if e.get("name") == name)
    types = [e["type"] for e in entry["inputs"]]
    topic = "0x" + keccak(text=f"{name}({','.join(types)})").hex()
    plain = [e["type"] for e in entry["inputs"] if not e["indexed"]]
    assert chain.evm.result is not None
    return [decode(plain, log.data[1]) for log in chain.evm.result.logs if log.topics[0] == topic]


def refused(vault: HedgedVault, name: str) -> list[str]:
    """Aave's reasons in the events the vault logged last."""
    return [reason(values[-1]) for values in events(vault.chain, "VaultStrategy", name)]


# --------------------------------------------------------------------------------------- the states


def govern(vault: HedgedVault, function: str, symbol: str, value: Any) -> None:
    asset = vault.token(symbol).address
    configurator_of(vault).transact(vault.deployed.roles.deployer, function, asset, value)


def fill_cap(vault: HedgedVault) -> None:
    govern(vault, "setSupplyCap", "USDC", 1)


def freeze_usdc(vault: HedgedVault) -> None:
    govern(vault, "setReserveFreeze", "USDC", True)


def pause_usdc(vault: HedgedVault) -> None:
    govern(vault, "setReservePause", "USDC", True)


def pause_btc(vault: HedgedVault) -> None:
    govern(vault, "setReservePause", "BTC", True)


SUPPLY_REFUSED = pytest.mark.parametrize(
    ("closes", "code"), [(fill_cap, CAP_FULL), (freeze_usdc, FROZEN), (pause_usdc, PAUSED)]
)
FULL = pytest.mark.parametrize(("closes", "code"), [(fill_cap, CAP_FULL), (freeze_usdc, FROZEN)])
PAUSES = pytest.mark.parametrize("closes", [pause_usdc, pause_btc])


@pytest.fixture
def running() -> HedgedVault:
    """Both hedges on, thirteen hours later; the depositor can bring BTC and take a slice."""
    vault = HedgedVault()
    owner, who = vault.deployed.roles.deployer, vault.agents["depositor"]
    assert vault.keep("deposit", 2 * 10**12, who, actor="depositor") == Status.OK
    assert vault.post_betas(0.7, 0.2) == ""
    assert vault.keep("recenter") == vault.keep("rebalance") == Status.OK
    vault.clearing.transact(who, "set_slice_consent", vault.vault.address, True)
    btc = vault.token("BTC")
    btc.transact(owner, "mint", who, 10**24)
    btc.transact(who, "approve", vault.lending.hedge, HIGHEST)
    vault.wait(13 * 3600)
    return vault


def balance(vault: HedgedVault, symbol: str, agent: str = "depositor") -> int:
    return int(vault.token(symbol).call("balanceOf", vault.agents[agent]))


def shares(vault: HedgedVault) -> int:
    return int(vault.vault.call("balanceOf", vault.agents["depositor"]))


def leave_in_kind(vault: HedgedVault, part: int) -> str:
    who = vault.agents["depositor"]
    return vault.refusal("depositor", "redeem_in_kind", part, who)


# ------------------------------------------------------------------------------------------- margin


@FULL
def test_deleverage_shrinks_the_hedge_where_aave_takes_no_more_usdc(
    running: HedgedVault, closes: Callable[[HedgedVault], None], code: str
) -> None:
    """The debt is repaid; what the liquidity brings stays in the vault."""
    running.report(**RISEN)
    closes(running)
    ratio, sizes = running.ratio(BTC), [running.size(hedge) for hedge in (BTC, SOL)]
    idle, nav = running.vault.call("idle_usdc"), running.nav()
    assert running.keep("deleverage") == Status.OK
    assert refused(running, "MarginRefused") == [code]
    assert running.ratio(BTC) > ratio
    assert all(0 > running.size(hedge) > sizes[hedge] for hedge in (BTC, SOL))
    assert running.vault.call("idle_usdc") > idle
    assert running.nav() > 0.998 * nav


@FULL
def test_deleverage_goes_on_until_the_account_is_safe_without_a_deposit(
    running: HedgedVault, closes: Callable[[HedgedVault], None], code: str
) -> None:
    running.report(**RISEN)
    closes(running)
    calls = 0
    while running.keep("deleverage") == Status.OK:
        calls += 1
        running.report()
    assert 1 <= calls <= 8
    assert running.ratio(BTC) >= 1.8
    assert running.keep("deleverage") == Status.MARGIN_SUFFICIENT


@SUPPLY_REFUSED
def test_top_up_feeds_the_other_account_where_aave_takes_none(
    running: HedgedVault, closes: Callable[[HedgedVault], None], code: str
) -> None:
    running.report(**BOTH_LOW)
    closes(running)
    assert max(running.ratio(BTC), running.ratio(SOL)) < 2.5
    supplied, idle = running.supplied(), running.vault.call("idle_usdc")
    before = running.margin(SOL)[0]
    assert running.keep("top_up") == Status.OK
    assert refused(running, "MarginRefused") == [code]
    given = (running.margin(SOL)[0] - before) // 10**12
    assert running.ratio(SOL) == pytest.approx(3.0, rel=1e-6)
    assert running.supplied() == supplied
    reward = idle - running.vault.call("idle_usdc") - given
    assert 0 <= reward <= 0.05 * given


@SUPPLY_REFUSED
def test_a_top_up_for_aave_alone_is_refused_with_its_reason(
    running: HedgedVault, closes: Callable[[HedgedVault], None], code: str
) -> None:
    running.report(BTC=29_000 * 1.35, ETH=1850 * 1.1)
    closes(running)
    idle = running.vault.call("idle_usdc")
    assert running.refusal("keeper", "top_up") == code
    assert running.vault.call("idle_usdc") == idle


@PAUSES
def test_the_account_at_the_clearing_house_is_deleveraged_during_a_pause_at_aave(
    running: HedgedVault, closes: Callable[[HedgedVault], None]
) -> None:
    """Even if the one at Aave is worse: nothing can be done for that one."""
    running.report(BTC=29_000 * 1.55, ETH=1850 * 1.3, SOL=24 * 1.9)
    assert running.ratio(BTC) < running.ratio(SOL) < 1.8
    closes(running)
    ratio, held = running.ratio(SOL), running.size(BTC)
    assert running.keep("deleverage") == Status.OK
    assert refused(running, "HedgeRefused") == [PAUSED]
    assert running.ratio(SOL) > max(ratio, 1.8)
    assert running.size(BTC) == held


@PAUSES
def test_nothing_is_sold_for_an_account_that_cannot_be_helped(
    running: HedgedVault, closes: Callable[[HedgedVault], None]
) -> None:
    running.report(**RISEN)
    assert running.ratio(BTC) < 1.8 < running.ratio(SOL)
    closes(running)
    assert running.keep("deleverage") == Status.MARGIN_SUFFICIENT


# -------------------------------------------------------------------------------------------- exits


@PAUSES
def test_shares_are_redeemed_from_the_rest_during_a_pause(
    running: HedgedVault, closes: Callable[[HedgedVault], None]
) -> None:
    closes(running)
    who, held = running.agents["depositor"], running.size(BTC)
    half = shares(running) // 2
    due, before = running.vault.call("previewRedeem", half), balance(running, "USDC")
    assert running.refusal("depositor", "redeem", half, who, who) == ""
    assert refused(running, "HedgeRefused") == [PAUSED]
    assert balance(running, "USDC") - before == due
    assert running.size(BTC) == held


@PAUSES
def test_the_queue_is_settled_from_the_rest_during_a_pause(
    running: HedgedVault, closes: Callable[[HedgedVault], None]
) -> None:
    closes(running)
    who = running.agents["depositor"]
    before = balance(running, "USDC")
    assert running.refusal("depositor", "request_redeem", shares(running) // 3, who) == ""
    assert running.keep("settle_withdrawals", WAD) == Status.OK
    assert running.vault.call("queued_shares") == 0
    assert balance(running, "USDC") > before


@PAUSES
def test_what_can_be_redeemed_without_unwinding_counts_nothing_that_is_paused(
    running: HedgedVault, closes: Callable[[HedgedVault], None]
) -> None:
    who = running.agents["depositor"]
    open_to = running.vault.call("maxRedeem", who)
    closes(running)
    largest = running.vault.call("maxRedeem", who)
    assert largest < open_to if closes is pause_usdc else largest == open_to
    assert running.refusal("depositor", "redeem", largest, who, who) == ""


@PAUSES
def test_in_kind_the_part_at_aave_is_waited_for_or_forgone(
    running: HedgedVault, closes: Callable[[HedgedVault], None]
) -> None:
    closes(running)
    who, held, supplied = running.agents["depositor"], running.size(BTC), running.supplied()
    sol, half = running.size(SOL), shares(running) // 2
    btc, usdc, eth = (balance(running, symbol) for symbol in ("BTC", "USDC", "ETH"))
    assert leave_in_kind(running, half) == PAUSED
    assert shares(running) // 2 == half
    running.hedge.transact(who, "set_forgoing", True)
    assert leave_in_kind(running, half) == ""
    [(fraction, refusal)] = events(running.chain, "AaveHedge", "SliceForgone")
    assert (fraction / WAD, reason(refusal)) == (
        pytest.approx(0.5 * kept(running), rel=1e-6),
        PAUSED,
    )
    assert (running.size(BTC), running.supplied(), balance(running, "BTC")) == (held, supplied, btc)
    assert balance(running, "USDC") > usdc
    assert balance(running, "ETH") > eth
    account = int(who, 16) << 8
    taken = running.clearing.call("position", account, SOL)[0]
    assert taken == pytest.approx(sol / 2 * kept(running), rel=1e-6)
    assert not running.hedge.call("forgoes", who)  # announced once, used once


def kept(running: HedgedVault) -> float:
    """Part of a slice that its taker gets: the exit fee stays with the vault."""
    return 1.0 - protocol().vault.exit_fee


def test_who_forgoes_gets_the_part_at_aave_all_the_same_where_aave_gives_it(
    running: HedgedVault,
) -> None:
    who, supplied = running.agents["depositor"], running.supplied()
    running.hedge.transact(who, "set_forgoing", True)
    assert leave_in_kind(running, shares(running) // 2) == ""
    assert running.supplied() == pytest.approx(supplied * (1 - kept(running) / 2), rel=1e-6)


def test_in_kind_what_aave_has_lent_is_paid_in_its_own_token(running: HedgedVault) -> None:
    lend_all_usdc(running)
    who, part = running.agents["depositor"], shares(running) // 2
    claims = token_at(running.lending.a_tokens[0], running.chain)
    supplied, before = running.supplied(), balance(running, "USDC")
    idle = running.vault.call("idle_usdc")
    assert leave_in_kind(running, part) == ""
    gone = kept(running) / 2
    assert claims.call("balanceOf", who) == pytest.approx(supplied * gone, rel=1e-6)
    assert running.supplied() == pytest.approx(supplied * (1 - gone), rel=1e-6)
    assert balance(running, "USDC") - before > idle * gone * (1 - 1e-6)


def lend_all_usdc(vault: HedgedVault) -> None:
    """A stranger borrows every USDC against BTC."""
    owner, stranger = vault.deployed.roles.deployer, vault.chain.account("stranger")
    btc, usdc = vault.token("BTC"), vault.token("USDC")
    terms = configurator_of(vault)
    terms.transact(owner, "configureReserveAsCollateral", btc.address, 8_000, 8_500, 10_500)
    terms.transact(owner, "setReserveBorrowing", usdc.address, True)
    btc.transact(owner, "mint", stranger, 10**23)
    btc.transact(stranger, "approve", vault.lending.aave, HIGHEST)
    vault.aave.transact(stranger, "supply", btc.address, 10**23, stranger, 0)
    left = usdc.call("balanceOf", vault.lending.a_tokens[0])
    vault.aave.transact(stranger, "borrow", usdc.address, left, 2, 0, stranger)
    assert usdc.call("balanceOf", vault.lending.a_tokens[0]) == 0


# ---------------------------------------------------------------------------------------- rebalance


@pytest.mark.parametrize(
    ("closes", "code"), [(fill_cap, CAP_FULL), (freeze_usdc, FROZEN), (pause_btc, PAUSED)]
)
def test_rebalance_trades_the_other_hedge_where_aave_refuses_more(
    running: HedgedVault, closes: Callable[[HedgedVault], None], code: str
) -> None:
    assert running.post_betas(0.9, 0.35) == ""
    closes(running)
    sizes = [running.size(hedge) for hedge in (BTC, SOL)]
    assert running.keep("rebalance") == Status.OK
    assert refused(running, "HedgeRefused") == [code]
    assert running.size(BTC) == sizes[BTC]
    assert running.size(SOL) < 1.5 * sizes[SOL]


@FULL
def test_rebalance_repays_where_aave_takes_no_more_usdc(
    running: HedgedVault, closes: Callable[[HedgedVault], None], code: str
) -> None:
    assert running.post_betas(0.3, 0.2) == ""
    closes(running)
    before = running.size(BTC)
    assert running.keep("rebalance") == Status.OK
    assert running.size(BTC) == pytest.approx(before * 3 / 7, rel=0.02)


def test_a_rebalance_that_aave_refuses_altogether_is_refused_with_its_reason(
    running: HedgedVault,
) -> None:
    assert running.post_betas(0.9, 0.2) == ""
    freeze_usdc(running)
    assert running.refusal("keeper", "rebalance") == FROZEN
    govern(running, "setReserveFreeze", "USDC", False)
    assert running.keep("rebalance") == Status.OK
    freeze_usdc(running)
    assert running.keep("rebalance") == Status.WITHIN_BAND  # an old refusal is no reason


@SUPPLY_REFUSED
def test_recenter_keeps_what_aave_does_not_take(
    running: HedgedVault, closes: Callable[[HedgedVault], None], code: str
) -> None:
    closes(running)
    running.report(ETH=1850 * 1.2)
    supplied = running.supplied()
    assert running.keep("recenter") == Status.OK
    assert running.supplied() <= supplied


def test_what_the_venue_itself_refuses_is_not_passed_over(running: HedgedVault) -> None:
    """Or whoever moves a pool would leave without the hedge being closed."""
    who = running.agents["depositor"]
    pool = running._at("UniswapV3Pool", running.lending.pools[0])
    honest = dict(running.prices)
    running.prices["BTC"] *= 1.05
    running._arbitrage("BTC", pool)
    running.prices = honest
    assert running.refusal("depositor", "redeem", shares(running) // 2, who, who) == (
        "clearing: slippage"
    )


# --------------------------------------------------------------------------------- the venue itself


def slice_of(market: AaveMarket) -> str:
    redeemer = market.address("redeemer")
    return market.attempt("exit_slice", WAD // 3, redeemer, redeemer)


def forgo(market: AaveMarket) -> None:
    market.do("set_forgoing", True, actor="redeemer")


def wealth(market: AaveMarket) -> list[int]:
    names = ("BTC", "SOL", "USDC")
    mine = [market.balance(name, "redeemer") for name in names]
    return [*mine, market.debt("BTC"), market.debt("SOL"), market.supplied()]


@pytest.mark.parametrize("symbol", ["BTC", "SOL", "USDC"])
def test_a_slice_forgone_moves_nothing_at_all(hedged: AaveMarket, symbol: str) -> None:
    """Also what had been repaid before the refusal."""
    before = wealth(hedged)
    pause(hedged, symbol)
    assert slice_of(hedged) == PAUSED
    forgo(hedged)
    assert slice_of(hedged) == ""
    assert wealth(hedged) == before
    assert slice_of(hedged) == PAUSED


def test_who_brings_nothing_forgoes_nothing(hedged: AaveMarket) -> None:
    """Only what Aave refuses is passed over."""
    redeemer = hedged.address("redeemer")
    hedged.token("BTC").transact(redeemer, "approve", hedged.addresses["hedge"], 0)
    forgo(hedged)
    assert slice_of(hedged) == "token: insufficient allowance"
    assert hedged.hedge.call("forgoes", redeemer)


def test_a_slice_is_never_forgone_for_want_of_gas(hedged: AaveMarket) -> None:
    forgo(hedged)
    redeemer, vault = hedged.address("redeemer"), hedged.address("vault")
    data = hedged.hedge.calldata("exit_slice", WAD // 3, redeemer, redeemer)
    debt, done = hedged.debt("BTC"), 0
    for gas in range(60_000, 1_500_000, 30_000):
        mark = hedged.chain.evm.snapshot()
        try:
            hedged.chain.evm.message_call(vault, hedged.hedge.address, data, gas=gas)
        except RuntimeError:
            continue
        assert hedged.debt("BTC") < debt
        assert hedged.hedge.call("forgoes", redeemer)
        hedged.chain.evm.revert(mark)
        done += 1
    assert 0 < done < 48


def test_only_the_contract_itself_moves_a_slice(hedged: AaveMarket) -> None:
    for actor in ("vault", "redeemer", "owner"):
        to = hedged.address(actor)
        assert hedged.attempt("move_slice", WAD, to, to, actor=actor) == "hedge: not the vault"


@pytest.mark.parametrize("symbol", ["BTC", "SOL", "USDC"])
def test_what_can_be_reduced_is_what_aave_does_not_refuse(hedged: AaveMarket, symbol: str) -> None:
    pause(hedged, symbol)
    for market, asset in enumerate(("BTC", "SOL")):
        expected = PAUSED if symbol in (asset, "USDC") else ""
        assert hedged.hedge.call("can_reduce", market) == (expected == "")
        assert hedged.trade(market, WAD) == expected


def test_a_collateral_dropped_too_late_makes_nothing_withdrawable(hedged: AaveMarket) -> None:
    dust(hedged, "BTC")
    assert hedged.hedge.call("withdrawable", hedged.account, WAD) > 0
    pause(hedged, "BTC")
    assert hedged.hedge.call("withdrawable", hedged.account, WAD) == 0
    assert not hedged.hedge.call("can_reduce", SOL)
    assert hedged.trade(SOL, WAD) == PAUSED


@pytest.mark.parametrize(("symbol", "frozen"), [("USDC", True), ("USDC", False), ("BTC", True)])
def test_frozen_or_full_reserves_let_everything_out(
    hedged: AaveMarket, symbol: str, frozen: bool
) -> None:
    asset, owner = hedged.addresses[symbol], hedged.address("owner")
    if frozen:
        hedged.configurator.transact(owner, "setReserveFreeze", asset, True)
    else:
        hedged.configurator.transact(owner, "setSupplyCap", asset, 1)
    assert hedged.hedge.call("can_reduce", BTC)
    assert hedged.trade(BTC, WAD) == slice_of(hedged) == ""
    arguments = (0, 0, 1_000 * USDC_UNIT, hedged.address("vault"))
    assert hedged.attempt("withdraw", *arguments) == ""
