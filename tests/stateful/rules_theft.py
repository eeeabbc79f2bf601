"""Rules of stolen keys, and of what owners do with theirs."""

from __future__ import annotations

from tests.reference.clearing import maker, perp
from tests.reference.clearing.state import Ledger
from tests.reference.integers import WAD
from tests.stateful.draws import Draw
from tests.stateful.genesis import MARKET_COUNT
from tests.stateful.mismatch import require
from tests.stateful.people import Arguments, who
from tests.stateful.system import call
from tests.stateful.world import World


def propose_stolen_risk_key(world: World, draw: Draw) -> Arguments:
    return [draw.pick(["betas", "skew", "covariance"]), draw.integer(1, 10**6)]


def run_stolen_risk_key(world: World, which: str, extreme: int) -> None:
    """The risk keys in bad hands: within bounds it works, beyond them nothing happens."""
    from tests.stateful.rules_governance import run_post_covariance, run_set_skew_scale
    from tests.stateful.rules_keeping import run_post_betas

    if which == "betas":
        run_post_betas(world, 3 * WAD + extreme, -3 * WAD - extreme)
        run_post_betas(world, 3 * WAD, -3 * WAD)
    elif which == "skew":
        scale = world.ledger.terms[0].skew_scale
        run_set_skew_scale(world, 0, scale + extreme)
    else:
        run_post_covariance(world, *(min(extreme * 10, 9_000_000),) * 5)


def propose_stolen_owner_key(world: World, draw: Draw) -> Arguments:
    return [draw.pick(["withdraw_maker", "fee_receiver", "risk_manager"]), draw.amount(10**12)]


def run_stolen_owner_key(world: World, which: str, raw: int) -> None:
    """The owner's key in bad hands: what the delay covers does not happen today."""
    s = world.system
    thief = who(world, "griefer")
    to, data = {
        "withdraw_maker": (
            s.clearing,
            call("withdraw_maker(uint256,uint256,address)", 0, raw, thief),
        ),
        "fee_receiver": (s.vault, call("set_fee_receiver(address)", thief)),
        "risk_manager": (s.clearing, call("set_risk_manager(address)", thief)),
    }[which]
    answer = s.send(s.owner, to, data)
    require(answer == "roles: not scheduled", f"stolen owner key: {answer}")
    world.note("stolen_owner_key", [])


def propose_maker_withdrawal(world: World, draw: Draw) -> Arguments:
    return [draw.amount(10**12), draw.integer(0, MARKET_COUNT - 1)]


def run_maker_withdrawal(world: World, raw: int, m: int) -> None:
    """Announced, waited for, made: never below what positions need; the owner pays it back."""
    from eth_utils import keccak

    s = world.system
    data = call("withdraw_maker(uint256,uint256,address)", m, raw, s.owner)
    call_id = int.from_bytes(keccak(data), "big")
    require(s.send(s.owner, s.clearing, call("schedule(bytes32)", call_id)) == [], "schedule")
    early = s.send(s.owner, s.clearing, data)
    require(early == "roles: too early", f"withdrawal before its time: {early}")
    world.pass_time(world.delay)
    world.honest_report()
    answer = s.send(s.owner, s.clearing, data)
    world.note("maker_withdrawal", answer)
    refused = world.ledger.attempt(withdraw_maker, m, raw)
    require((answer if isinstance(answer, str) else "") == refused, f"withdraw_maker: {answer}")
    donor = who(world, "donor")
    pay_back = call("fund_maker(uint256,uint256)", m, raw)
    if not refused and not isinstance(s.send(donor, s.clearing, pay_back), str):
        world.ledger.markets[m].maker_cash += raw * 10**12
        world.ledger.held[0] += raw


def withdraw_maker(ledger: Ledger, m: int, raw: int) -> None:
    """As the contract does it: what is left must be what new risk needs."""
    if ledger.markets[m].longs or ledger.markets[m].shorts:
        perp.accrue(ledger, m)
    perp.sweep_pool(ledger, m)
    ledger.markets[m].maker_cash -= raw * 10**12
    maker.require_reserve(ledger, m)
    ledger.held[0] -= raw
