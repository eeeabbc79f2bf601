"""Rules of margin accounts: collateral, trades, slices. Outcomes are the reference's.

``propose_x`` draws the arguments of operation x; ``run_x`` does it.
"""

from __future__ import annotations

from tests.reference.clearing import margin, trading
from tests.reference.integers import WAD, floor
from tests.stateful.draws import Draw
from tests.stateful.people import (
    COLLATERALS,
    FAR,
    MARKETS,
    TRADERS,
    Arguments,
    a_sub,
    an_account,
    number_of,
    who,
)
from tests.stateful.world import World


def propose_deposit_margin(world: World, draw: Draw) -> Arguments:
    name = draw.pick(TRADERS)
    c = draw.pick([0, 0, 0, 1, 2])
    most = world.system.balance(COLLATERALS[c], who(world, name))
    return [name, a_sub(draw), c, draw.amount(most // draw.pick([1, 50, 200, 2_000]))]


def run_deposit_margin(world: World, name: str, sub: int, c: int, raw: int) -> None:
    actor = who(world, name)
    if world.system.balance(COLLATERALS[c], actor) < raw:
        return
    world.predicted(
        trading.deposit,
        (actor, sub, c, raw),
        actor,
        "deposit(address,uint256,uint256,uint256)",
        *(actor, sub, c, raw),
    )


def propose_withdraw_margin(world: World, draw: Draw) -> Arguments:
    name, sub, c = draw.pick(TRADERS), a_sub(draw), draw.pick([0, 0, 1, 2])
    account = world.ledger.account(number_of(world, name, sub))
    most = max(account.cash, 0) // world.ledger.cash_unit if c == 0 else account.basket.get(c, 0)
    return [name, sub, c, draw.amount(most) + draw.pick([0, 0, 0, 1])]


def run_withdraw_margin(world: World, name: str, sub: int, c: int, raw: int) -> None:
    actor = who(world, name)
    world.predicted(
        trading.withdraw,
        (actor, sub, c, raw),
        actor,
        "withdraw(uint256,uint256,uint256,address)",
        *(sub, c, raw, actor),
    )


def propose_transfer_margin(world: World, draw: Draw) -> Arguments:
    name, sub = draw.pick(TRADERS), a_sub(draw)
    account = world.ledger.account(number_of(world, name, sub))
    return [name, sub, a_sub(draw), draw.amount(max(account.cash, 0) // 10**12)]


def run_transfer_margin(world: World, name: str, sub: int, to: int, raw: int) -> None:
    actor = who(world, name)
    world.predicted(
        trading.transfer_margin,
        (actor, sub, to, raw),
        actor,
        "transfer_margin(uint256,uint256,uint256)",
        *(sub, to, raw),
    )


# ---------------------------------------------------------------------------------------- trading


def propose_open(world: World, draw: Draw) -> Arguments:
    """A position sized by what the account's margin, the market or dust allows."""
    name, sub = an_account(world, draw)
    m = sub - 1 if sub else draw.integer(0, MARKETS - 1)
    ledger, number = world.ledger, number_of(world, name, sub)
    price = ledger.prices.get(ledger.terms[m].asset, 10**18)
    equity = 10**18
    if world.fresh():
        equity += max(margin.valuation(ledger, number).initial_equity, 0)
    rate = ledger.terms[m].maintenance_rate * ledger.parameters.initial_multiple // WAD
    if ledger.parameters.risk_multiple and not sub:
        rate = rate * draw.integer(6, 30) // 10  # portfolio risk asks for more, or for less
    room = floor(equity * WAD // rate, WAD, price)
    size = draw.pick([room * draw.integer(1, 110) // 100, draw.amount(room), draw.amount(10**6)])
    return [name, sub, m, max(size, 1) * draw.pick([1, -1]), 1]


def propose_trade(world: World, draw: Draw) -> Arguments:
    """Close, halve, double or turn a position there is; sometimes within a narrow limit."""
    name, sub = an_account(world, draw)
    ledger, number = world.ledger, number_of(world, name, sub)
    held = ledger.account(number).positions
    if not held:
        return propose_open(world, draw)
    m = draw.pick(sorted(held))
    size = held[m].size
    change = draw.pick([-size, -size, -size // 2, size, -2 * size, -size // 10**6])
    return [name, sub, m, change, draw.pick([1, 1, 1, 0])]


def run_trade(world: World, name: str, sub: int, m: int, size: int, loose: int) -> None:
    """``loose``: at any price; otherwise the limit is the index."""
    actor, ledger = who(world, name), world.ledger
    limit = (FAR if size > 0 else 0) if loose else ledger.prices.get(ledger.terms[m].asset, 0)
    world.predicted(
        trading.trade,
        (actor, sub, m, size, limit),
        actor,
        "trade(uint256,uint256,int256,uint256)",
        *(sub, m, size, limit),
    )


run_open = run_trade


def propose_transfer_slice(world: World, draw: Draw) -> Arguments:
    giver, taker = draw.pick(TRADERS[:4]), draw.pick(TRADERS[:4])
    return [giver, a_sub(draw), draw.pick([WAD, WAD // 2, draw.integer(1, WAD)]), taker]


def run_transfer_slice(world: World, name: str, sub: int, fraction: int, to: str) -> None:
    giver, taker = who(world, name), who(world, to)
    if world.ledger.account(giver << 8 | sub).pledges:
        return  # fees of the pool come with it: the vault's exits in kind do that
    world.predicted(
        trading.set_slice_consent,
        (taker, giver, True),
        taker,
        "set_slice_consent(address,bool)",
        *(giver, 1),
    )
    world.predicted(
        trading.transfer_slice,
        (giver, sub, fraction, taker),
        giver,
        "transfer_slice(uint256,uint256,address)",
        *(sub, fraction, taker),
    )
