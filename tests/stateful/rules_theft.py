"""Rules of stolen keys, and of what owners do with theirs."""

from __future__ import annotations

from tests.reference.clearing import perp
from tests.reference.integers import WAD, floor
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
        "withdraw_maker": (s.clearing, call("withdraw_maker(uint256,address)", raw, thief)),
        "fee_receiver": (s.vault, call("set_fee_receiver(address)", thief)),
        "risk_manager": (s.clearing, call("set_risk_manager(address)", thief)),
    }[which]
    answer = s.send(s.owner, to, data)
    require(answer == "roles: not scheduled", f"stolen owner key: {answer}")
    world.note("stolen_owner_key", [])


def propose_maker_withdrawal(world: World, draw: Draw) -> Arguments:
    return [draw.amount(10**12)]


def run_maker_withdrawal(world: World, raw: int) -> None:
    """Announced, waited for, made: never below what positions need; the owner pays it back."""
    from eth_utils import keccak

    s = world.system
    data = call("withdraw_maker(uint256,address)", raw, s.owner)
    call_id = int.from_bytes(keccak(data), "big")
    require(s.send(s.owner, s.clearing, call("schedule(bytes32)", call_id)) == [], "schedule")
    early = s.send(s.owner, s.clearing, data)
    require(early == "roles: too early", f"withdrawal before its time: {early}")
    world.pass_time(world.delay)
    world.honest_report()
    reserve = maker_value(world)
    answer = s.send(s.owner, s.clearing, data)
    world.note("maker_withdrawal", answer)
    if isinstance(answer, str):
        require(answer == "clearing: maker reserve", f"withdraw_maker: {answer}")
        require(reserve < raw * 10**12 + 10**6, "refused although the reserve would do")
        return
    require(reserve >= raw * 10**12 - 10**6, "taken from what positions need")
    accrue_all(world)
    for m in range(MARKET_COUNT):
        perp.sweep_pool(world.ledger, m)
    world.ledger.maker_cash -= raw * 10**12
    world.ledger.held[0] -= raw
    donor = who(world, "donor")
    if isinstance(s.send(donor, s.clearing, call("fund_maker(uint256)", raw)), str):
        return
    world.ledger.maker_cash += raw * 10**12
    world.ledger.held[0] += raw


def accrue_all(world: World) -> None:
    for m, market in enumerate(world.ledger.markets):
        if market.skew:
            perp.accrue(world.ledger, m)


def maker_value(world: World) -> int:
    """USDC WAD the maker would hold were every position closed at the index.

    With what the premium pools hold beyond the claim of their skew, which is the maker's.
    """
    ledger = world.ledger.copy()
    for m in range(MARKET_COUNT):
        perp.sweep_pool(ledger, m)
    value = ledger.maker_cash
    for m in range(MARKET_COUNT):
        value -= floor(ledger.markets[m].skew, ledger.index_price(m), WAD)
        market = perp.accrued(ledger, m)
        for account in ledger.accounts.values():
            position = account.positions.get(m)
            if position:
                value += position.cost + perp.owed(market, position)
    return value
