"""AaveHedge: leaving in kind without an oracle, and who may call what, when."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import Contract, Reverted, encode_constructor, reason
from tests.aave.market import DECIMALS, THRESHOLD, USDC_UNIT, WAD, AaveMarket, wad

BTC = 0


# ------------------------------------------------------------------------------------------ in kind


@pytest.mark.parametrize("fraction", [1, 10**12 + 7, WAD // 3, WAD // 2, WAD - 1, WAD])
def test_a_slice_repays_its_part_and_takes_its_part_with_the_oracle_dead(
    hedged: AaveMarket, fraction: int
) -> None:
    hedged.wait(100 * 86_400, fresh=False)
    supplied = hedged.supplied()
    debts = {s: hedged.debt(s) for s in ("BTC", "SOL")}
    wallet = {s: hedged.balance(s, "redeemer") for s in DECIMALS}
    redeemer = hedged.address("redeemer")
    health = hedged.health_factor()
    assert hedged.attempt("exit_slice", fraction, redeemer, redeemer) == ""
    received = hedged.balance("USDC", "redeemer") - wallet["USDC"]
    assert received == supplied * fraction // WAD
    for symbol, debt in debts.items():
        due = -(-debt * fraction // WAD)
        assert wallet[symbol] - hedged.balance(symbol, "redeemer") == due
        assert abs(hedged.debt(symbol) - (debt - due)) <= 1  # Aave keeps scaled balances
    if fraction <= WAD // 2:
        unit = Fraction(1, min(hedged.debt(symbol) for symbol in debts))
        assert hedged.health_factor() >= health * (1 - 2 * unit)
    elif fraction == WAD:
        assert hedged.supplied() == 0 == hedged.debt("BTC") == hedged.debt("SOL")
    assert all(hedged.balance(symbol, "hedge") == 0 for symbol in DECIMALS)


def test_who_leaves_without_the_assets_owed_changes_nothing(hedged: AaveMarket) -> None:
    debt, supplied = hedged.debt("BTC"), hedged.supplied()
    btc = hedged.token("BTC")
    btc.transact(hedged.address("redeemer"), "approve", hedged.addresses["hedge"], 0)
    redeemer = hedged.address("redeemer")
    assert hedged.attempt("exit_slice", WAD // 2, redeemer, redeemer) == (
        "token: insufficient allowance"
    )
    assert (hedged.debt("BTC"), hedged.supplied()) == (debt, supplied)


def test_payer_and_receiver_of_a_slice_may_differ(hedged: AaveMarket) -> None:
    payer, receiver = hedged.address("redeemer"), hedged.address("stranger")
    before = hedged.balance("USDC", "stranger")
    assert hedged.attempt("exit_slice", WAD // 10, payer, receiver) == ""
    assert hedged.balance("USDC", "stranger") > before


def test_a_slice_beyond_the_whole_is_refused(hedged: AaveMarket) -> None:
    redeemer = hedged.address("redeemer")
    assert hedged.attempt("exit_slice", WAD + 1, redeemer, redeemer) == "clearing: zero size"


def test_aave_lets_nobody_leave_an_unhealthy_account_in_part(hedged: AaveMarket) -> None:
    price = Fraction(hedged.supplied() * THRESHOLD, 10**4 * USDC_UNIT) / 10 * Fraction(102, 100)
    hedged.report(BTC=price)
    redeemer = hedged.address("redeemer")
    assert hedged.attempt("exit_slice", WAD // 2, redeemer, redeemer) == "35"  # health factor
    assert hedged.attempt("exit_slice", WAD, redeemer, redeemer) == ""


# ------------------------------------------------------------------------------------------ callers


@pytest.mark.parametrize("caller", ["stranger", "owner", "liquidator", "supplier"])
def test_only_the_vault_trades_withdraws_and_slices(hedged: AaveMarket, caller: str) -> None:
    to = hedged.address(caller)
    calls: list[tuple[Any, ...]] = [
        ("trade", 0, BTC, -wad(1), 0),
        ("trade", 0, BTC, wad(1), 2**255),
        ("withdraw", 0, 0, 1, to),
        ("exit_slice", WAD, to, to),
    ]
    for name, *arguments in calls:
        assert hedged.attempt(name, *arguments, actor=caller) == "hedge: not the vault"


def test_anyone_may_add_margin_but_only_to_the_vaults_account(hedged: AaveMarket) -> None:
    before = hedged.supplied()
    hedged.deposit(1_000, actor="stranger")
    assert hedged.supplied() - before in (10**9 - 1, 10**9)
    stranger, vault = hedged.address("stranger"), hedged.address("vault")
    for owner, sub, collateral, refusal in [
        (stranger, 0, 0, "clearing: wrong market"),
        (vault, 1, 0, "clearing: wrong market"),
        (vault, 0, 1, "clearing: no collateral"),
    ]:
        reason_given = hedged.attempt("deposit", owner, sub, collateral, 1, actor="stranger")
        assert reason_given == refusal
    assert hedged.attempt("withdraw", 1, 0, 1, vault) == "clearing: wrong market"
    assert hedged.attempt("withdraw", 0, 1, 1, vault) == "clearing: no collateral"


def test_a_callback_outside_a_swap_is_refused_whoever_makes_it(hedged: AaveMarket) -> None:
    for caller in ("stranger", "vault", "owner"):
        refusal = hedged.attempt("uniswapV3SwapCallback", -1, 10**6, b"", actor=caller)
        assert refusal == "hedge: not the pool"


def test_tokens_sent_to_the_contract_change_no_account(hedged: AaveMarket) -> None:
    before = hedged.margin()
    for symbol in DECIMALS:
        token = hedged.token(symbol)
        token.transact(hedged.address("stranger"), "transfer", hedged.addresses["hedge"], 10**9)
    assert hedged.margin() == before
    assert hedged.trade(BTC, -wad(1)) == ""


# ------------------------------------------------------------------------------------- hostile pool


@pytest.fixture
def hostile() -> tuple[AaveMarket, Contract, Contract]:
    """A hedge whose vault and swap pool are one attacking contract, with 100,000 USDC of margin."""
    market = AaveMarket()
    owner = market.address("owner")
    artifact = artifacts.compiled(Path(__file__).with_name("HostilePool.vy"))
    btc, usdc = market.addresses["BTC"], market.addresses["USDC"]
    pool = Contract(
        artifact, market.chain.deploy(owner, encode_constructor(artifact, btc, usdc)), market.chain
    )
    code = encode_constructor(
        artifacts.load("AaveHedge"), market.address("vault"), market.addresses["oracle"],
        market.addresses["aave"], usdc, [(btc, pool.address)],
    )  # fmt: skip
    hedge = Contract(artifacts.load("AaveHedge"), market.chain.deploy(owner, code), market.chain)
    vault = market.address("vault")
    token = market.token("USDC")
    token.transact(owner, "mint", pool.address, 10**12)
    token.transact(vault, "approve", hedge.address, 2**256 - 1)
    hedge.transact(vault, "deposit", vault, 0, 0, 10**11)
    return market, pool, hedge


def outcome(market: AaveMarket, hedge: Contract) -> str:
    try:
        hedge.transact(market.address("vault"), "trade", 0, 0, -wad(1), 0)
    except Reverted as reverted:
        return reason(reverted.data)
    return ""


ATTACKS = {"twice": 1, "trade": 2, "deposit": 4, "withdraw": 8, "exit": 16, "read": 32}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_pool_gains_no_entry(
    hostile: tuple[AaveMarket, Contract, Contract], attack: str
) -> None:
    """It may call back once for a swap; everything else, reading included, is locked meanwhile."""
    market, pool, hedge = hostile
    owner = market.address("owner")
    assert outcome(market, hedge) == ""  # unarmed, it is only a bad price
    pool.transact(owner, "arm", ATTACKS[attack])
    refusal = outcome(market, hedge)
    assert refusal == ("hedge: not the pool" if attack == "twice" else "no reason given")


def test_a_pool_that_calls_back_uninvited_is_refused(
    hostile: tuple[AaveMarket, Contract, Contract],
) -> None:
    market, pool, hedge = hostile
    with pytest.raises(Reverted, match="hedge: not the pool"):
        pool.transact(market.address("owner"), "call_back", hedge.address, -1, 10**6)
