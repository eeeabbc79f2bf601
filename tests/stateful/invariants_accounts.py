"""What holds for the accounts of the clearing house after every operation, theirs or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference.clearing import maker, margin, perp
from tests.reference.clearing.state import RefusedError
from tests.reference.integers import WAD, ceil
from tests.stateful.genesis import MARKET_COUNT
from tests.stateful.mismatch import require
from tests.stateful.system import call

if TYPE_CHECKING:
    from tests.stateful.checked import CheckedWorld as World


def inv_flat_users_lose_nothing(world: World) -> None:
    """Accounts without positions keep their cash unless they act themselves."""
    for number, old in world.before.accounts.items():
        if not old.positions and old.cash >= 0 and number >> 8 not in world.involved:
            new = world.ledger.account(number)
            require(new.cash >= old.cash, f"flat account {number:#x} lost cash")
            poorer = any(new.basket.get(c, 0) < raw for c, raw in old.basket.items())
            require(not poorer, f"flat account {number:#x} lost collateral")


def inv_who_holds_nothing_owes_nothing(world: World) -> None:
    """Whatever emptied it, its own act or another's; and every debt there is has its markets."""
    s = world.system
    for number, account in world.ledger.accounts.items():
        (cash,) = s.view(s.clearing, "cash(uint256)", number)
        if cash >= 0:
            continue
        require(not account.empty, f"account {number:#x} holds nothing and owes {-cash}")
        blamed = sum(account.blamed.values())
        require(blamed >= -cash, f"account {number:#x} owes {-cash}, blamed {blamed}")


def inv_bystanders_keep_what_they_hold(world: World) -> None:
    """Nobody's cash, collateral or position changes by another's operation, but by deleveraging.

    Who is worth less than nothing may be closed by a winner who leaves: at what he owes.
    """
    if world.operation in ("liquidate", "liquidate_collateral", "liquidate_pledge"):
        return
    for number, old in world.before.accounts.items():
        if number >> 8 in world.involved:
            continue
        new = world.ledger.account(number)
        if new.positions != old.positions:
            value = margin.valuation(world.before.at_last_prices(), number).value
            require(value < 0, f"position of bystander {number:#x}")
            continue
        require(new.cash >= old.cash, f"cash of bystander {number:#x}")
        require(new.pledges == old.pledges, f"pledges of bystander {number:#x}")


def inv_health_falls_by_price_funding_and_losses_only(world: World) -> None:
    """At the indices and losses of before, bystanders have the equity they had, at any skew.

    Losses of before are those that were borne, written down by an operation or not yet.
    """
    if world.prices_before != world.ledger.prices or world.now != world.before.now:
        return
    if world.ledger.terms != world.before.terms or world.ledger.rows != world.before.rows:
        return
    if not world.fresh():
        return
    frozen = world.ledger.copy()
    if all(
        market.skew == before.skew
        for market, before in zip(frozen.markets, world.before.markets, strict=True)
    ):
        return
    for m, borne in enumerate([maker.covered(world.before, m) for m in range(MARKET_COUNT)]):
        frozen.markets[m] = market = maker.covered(frozen, m)
        worth = maker.value(frozen, m)
        market.loss_long, market.loss_short = borne.loss_long, borne.loss_short
        # The maker has advanced what is socialised: without the one there is not the other.
        market.maker_cash += worth - maker.value(frozen, m)
    for number, old in world.before.accounts.items():
        if number >> 8 in world.involved or not old.positions:
            continue
        if world.ledger.account(number).positions != old.positions:
            continue  # deleveraged: at the bankruptcy price, checked by its rule
        was, now = margin.valuation(world.before, number), margin.valuation(frozen, number)
        require(now.equity >= was.equity, f"equity of bystander {number:#x}")
        require(now.maintenance == was.maintenance, f"requirement of bystander {number:#x}")


def inv_accounts_are_valued_as_specified(world: World) -> None:
    """account_state of one account after the other is the reference's, or both refuse."""
    number = world.one_of(sorted(world.ledger.accounts))
    if number is None:
        return
    s = world.system
    actual = s.try_view(s.clearing, "account_state(uint256)", number)
    try:
        expected: list[int] | str = list(margin.valuation(world.ledger, number).state)
    except RefusedError as refused:
        expected = str(refused)
    require(actual == expected, f"account {number:#x}: {actual}, reference {expected}")


def inv_withdrawable_is_what_can_be_withdrawn(world: World) -> None:
    """That much leaves, on the contract; for accounts that can act."""
    s = world.system
    owned = [
        n for n in world.ledger.accounts if n >> 8 in s.actors.values() and n >> 8 != s.attacker
    ]
    number = world.one_of(sorted(owned))
    if number is None or not world.fresh():
        return
    ratio = world.ledger.parameters.initial_multiple
    (spare,) = s.view(s.clearing, "withdrawable(uint256,uint256)", number, ratio)
    require(spare == margin.withdrawable(world.ledger, number, ratio), "withdrawable")
    if spare:
        data = call(
            "withdraw(uint256,uint256,uint256,address)", number & 255, 0, spare, number >> 8
        )
        answer = world.on_a_copy(number >> 8, s.clearing, data)
        require(not isinstance(answer, str), f"withdrawable refused: {answer}")


def inv_debt_free_flat_users_always_leave(world: World) -> None:
    """Whatever the oracle, the pause or the gate says."""
    s = world.system
    free = [
        n
        for n, a in world.ledger.accounts.items()
        if not a.positions and a.cash >= 10**12 and n >> 8 in s.actors.values()
        and n >> 8 != s.attacker
    ]  # fmt: skip
    number = world.one_of(sorted(free))
    if number is None:
        return
    raw = world.ledger.account(number).cash // 10**12
    data = call("withdraw(uint256,uint256,uint256,address)", number & 255, 0, raw, number >> 8)
    answer = world.on_a_copy(number >> 8, s.clearing, data)
    require(not isinstance(answer, str), f"a flat user cannot leave: {answer}")


def inv_reducing_is_always_possible(world: World) -> None:
    """At fresh prices whoever can pay for it can close: below margin, paused, at any skew."""
    s = world.system
    held = [
        (n, m)
        for n, a in world.ledger.accounts.items()
        for m in a.positions
        if n >> 8 in s.actors.values() and n >> 8 != s.attacker
    ]
    one = world.one_of(sorted(held))
    if one is None or not world.fresh():
        return
    number, m = one
    size = -world.ledger.account(number).positions[m].size
    limit = 2**255 - 1 if size > 0 else 0
    data = call("trade(uint256,uint256,int256,uint256)", number & 255, m, size, limit)
    answer = world.on_a_copy(number >> 8, s.clearing, data)
    if answer == "clearing: insolvent" and not _pays_its_way_out(world, number, m):
        return  # such an account is closed by liquidation
    require(not isinstance(answer, str), f"a reduction was refused: {answer}")


def _pays_its_way_out(world: World, number: int, m: int) -> bool:
    """Whether the account is worth the premium, the spread and the fee of closing the position."""
    ledger, terms = world.ledger.copy(), world.ledger.terms[m]
    perp.accrue(ledger, m)  # the first of a block says at which skew it opened
    size, index = ledger.account(number).positions[m].size, ledger.index_price(m)
    premium = max(perp.premium(ledger, m, -size), 0)
    # The fee is on the price with the premium, which is below twice the index.
    rate = perp.half_spread(ledger, m) + 2 * terms.taker_fee
    paid = premium + ceil(ceil(abs(size), index, WAD), rate, WAD)
    cost = ceil(paid, ledger.price(ledger.usdc), WAD)
    return margin.valuation(ledger, number).value >= cost + WAD


def inv_anyone_may_add_margin(world: World) -> None:
    s = world.system
    number = world.one_of(sorted(world.ledger.accounts))
    if number is None:
        return
    owner, sub = number >> 8, number & 255
    data = call("deposit(address,uint256,uint256,uint256)", owner, sub, 0, 1)
    answer = world.on_a_copy(s.actors["donor"], s.clearing, data)
    require(not isinstance(answer, str), f"margin was refused: {answer}")


def inv_healthy_accounts_are_not_liquidatable(world: World) -> None:
    s = world.system
    held = [(n, m) for n, a in world.ledger.accounts.items() for m in a.positions]
    one = world.one_of(sorted(held))
    if one is None or not world.fresh():
        return
    state = margin.valuation(world.ledger, one[0])
    data = call("liquidate(uint256,uint256)", *one)
    answer = world.on_a_copy(s.actors["liquidator"], s.clearing, data)
    healthy = state.equity >= state.maintenance
    require((answer == "clearing: not liquidatable") == healthy, f"liquidate: {answer}, {healthy=}")


def inv_same_block_round_trips_lose(world: World) -> None:
    """Opening and closing at once, at any size that is accepted, never gains."""
    s, trader = world.system, world.system.actors["trader"]
    turn = world.step_number // 10  # of its turns, one in ten steps: every market, side and size
    number, m = trader << 8, turn % MARKET_COUNT
    account = world.ledger.account(number)
    if not world.fresh() or m in account.positions or account.cash <= 0:
        return
    size = (10**15, 10**17, 10**19)[turn // 4 % 3] * (1 if turn // 2 % 2 else -1)
    calls = []
    for delta in (size, -size):
        limit = 2**255 - 1 if delta > 0 else 0
        calls.append(call("trade(uint256,uint256,int256,uint256)", 0, m, delta, limit))

    def round_trip() -> int:
        answers = [s.send(trader, s.clearing, data) for data in calls]
        if any(isinstance(answer, str) for answer in answers):
            return account.cash
        return s.view(s.clearing, "cash(uint256)", number)[0]

    require(world.on_a_copy_do(round_trip) <= account.cash, "opened and closed at a gain")
