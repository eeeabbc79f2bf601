"""What holds in the clearing house after every operation, whoever did what.

Each ``inv_x`` takes the world; ``world.before`` is the ledger before the operation. They look at
the contract (its views, its tokens) or at the ledger, which is already known to be its storage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference.clearing import margin, perp, trading
from tests.reference.clearing.state import RefusedError
from tests.reference.integers import sign
from tests.stateful.system import BASE, HOOK, MARKET_COUNT, USDC, call
from tests.stateful.world import require

if TYPE_CHECKING:
    from tests.stateful.checked import CheckedWorld as World


def inv_storage_is_the_ledger(world: World) -> None:
    world.compare_ledger()


def inv_sizes_sum_to_the_skew(world: World) -> None:
    for m, market in enumerate(world.ledger.markets):
        sizes = [a.positions[m].size for a in world.ledger.accounts.values() if m in a.positions]
        require(sum(sizes) == market.skew, f"market {m}: {sum(sizes)} is not {market.skew}")


def inv_open_interest_is_the_longs_and_the_shorts(world: World) -> None:
    for m, market in enumerate(world.ledger.markets):
        sizes = [a.positions[m].size for a in world.ledger.accounts.values() if m in a.positions]
        longs = sum(s for s in sizes if s > 0)
        shorts = -sum(s for s in sizes if s < 0)
        require((longs, shorts) == (market.longs, market.shorts), f"open interest of {m}")


def inv_cash_is_the_usdc_held(world: World) -> None:
    """To the last unit: nothing is created, and what rounds stays in nobody's favour but theirs."""
    out = world.ledger
    total = sum(a.cash for a in out.accounts.values()) + out.maker_cash + out.insurance_fund
    require(total == out.held[0] * out.cash_unit, f"cash {total}, held {out.held[0]}")


def inv_collateral_is_what_accounts_hold(world: World) -> None:
    for c in (1, 2):
        total = sum(a.basket.get(c, 0) for a in world.ledger.accounts.values())
        require(total == world.ledger.held[c], f"collateral {c}: {total}")


def inv_tokens_are_there(world: World) -> None:
    """Exactly what is accounted for, and what was given away to it."""
    s = world.system
    for asset, held in zip((USDC, BASE, HOOK), world.ledger.held, strict=True):
        there = s.balance(asset, s.clearing)
        require(there == held + world.donated[asset], f"asset {asset}: {there} for {held}")


def inv_insurance_is_not_negative(world: World) -> None:
    require(world.ledger.insurance_fund >= 0, "insurance fund below zero")


def inv_no_market_takes_more_than_its_caps(world: World) -> None:
    for terms, market in zip(world.ledger.terms, world.ledger.markets, strict=True):
        require(market.insurance_drawn <= terms.insurance_cap, "insurance cap")
        require(market.maker_drawn <= terms.maker_loss_cap, "maker loss cap")


def inv_skew_is_within_the_inventory_limit_or_shrinking(world: World) -> None:
    for m, market in enumerate(world.ledger.markets):
        was = abs(world.before.markets[m].skew)
        limit = trading.inventory_limit(world.ledger, m)
        # Liquidations and slices may move it at any size.
        if world.operation in ("open", "trade", "collude", "keep", "grief"):
            require(abs(market.skew) <= max(was, limit), f"skew of {m}")


def inv_open_interest_grows_within_its_cap_only(world: World) -> None:
    for m, market in enumerate(world.ledger.markets):
        total = market.longs + market.shorts
        before = world.before.markets[m].longs + world.before.markets[m].shorts
        require(total <= max(before, world.ledger.terms[m].max_open_interest), "open interest cap")


def inv_losses_are_never_taken_back(world: World) -> None:
    for old, new in zip(world.before.markets, world.ledger.markets, strict=True):
        fell = new.loss_long < old.loss_long or new.loss_short < old.loss_short
        require(not fell, "a socialised loss fell")
        drawn = new.insurance_drawn < old.insurance_drawn or new.maker_drawn < old.maker_drawn
        require(not drawn, "a draw fell")
    require(world.ledger.bad_debt >= world.before.bad_debt, "bad debt fell")


def inv_insolvency_gates_withdrawals(world: World) -> None:
    """Whenever more than insurance was needed, the gate is shut from now on."""
    taken = world.ledger.bad_debt - world.before.bad_debt
    insured = sum(m.insurance_drawn for m in world.ledger.markets) - sum(
        m.insurance_drawn for m in world.before.markets
    )
    if taken > insured:
        until = world.now + world.ledger.parameters.withdrawal_gate
        require(world.ledger.gate_until == until, "the gate is open after an insolvency")


def inv_flat_users_lose_nothing(world: World) -> None:
    """Accounts without positions keep their cash unless they act themselves."""
    for number, old in world.before.accounts.items():
        if not old.positions and old.cash >= 0 and number >> 8 not in world.involved:
            new = world.ledger.account(number)
            require(new.cash >= old.cash, f"flat account {number:#x} lost cash")
            poorer = any(new.basket.get(c, 0) < raw for c, raw in old.basket.items())
            require(not poorer, f"flat account {number:#x} lost collateral")


def inv_bystanders_keep_what_they_hold(world: World) -> None:
    """Nobody's cash, collateral or position changes by another's operation, but by deleveraging."""
    if world.operation in ("liquidate", "liquidate_collateral", "liquidate_pledge"):
        return
    for number, old in world.before.accounts.items():
        if number >> 8 in world.involved:
            continue
        new = world.ledger.account(number)
        require(new.positions == old.positions, f"position of bystander {number:#x}")
        require(new.cash >= old.cash, f"cash of bystander {number:#x}")
        require(new.pledges == old.pledges, f"pledges of bystander {number:#x}")


def inv_health_falls_by_price_funding_skew_only(world: World) -> None:
    """At the skew and the indices of before, bystanders have the equity they had."""
    if world.prices_before != world.ledger.prices or world.now != world.before.now:
        return
    if world.ledger.terms != world.before.terms or world.ledger.rows != world.before.rows:
        return
    if not world.fresh():
        return
    frozen = world.ledger.copy()
    changed = False
    for m, market in enumerate(frozen.markets):
        changed |= market.skew != world.before.markets[m].skew
        market.skew = world.before.markets[m].skew
        market.loss_long = world.before.markets[m].loss_long
        market.loss_short = world.before.markets[m].loss_short
    if not changed:
        return
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
    """At fresh prices any position can be halved or closed, also below margin and paused."""
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
    away = abs(world.ledger.markets[m].skew + size) > abs(world.ledger.markets[m].skew)
    if away or not perp.fill_price(world.ledger, m, size):
        return  # it would push the skew out: the inventory limit holds for reductions too
    limit = 2**255 - 1 if size > 0 else 0
    data = call("trade(uint256,uint256,int256,uint256)", number & 255, m, size, limit)
    answer = world.on_a_copy(number >> 8, s.clearing, data)
    require(not isinstance(answer, str), f"a reduction was refused: {answer}")


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
    number, m = trader << 8, world.step_number % MARKET_COUNT
    account = world.ledger.account(number)
    if not world.fresh() or m in account.positions or account.cash <= 0:
        return
    size = 10**15 * (1 if world.step_number % 4 < 2 else -1)
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


def inv_pledges_are_held_and_back_one_account(world: World) -> None:
    s, seen = world.system, set()
    total = 0
    for number, account in world.ledger.accounts.items():
        require(not (account.isolated and account.pledges), "an isolated account has a pledge")
        for token_id, pledge in account.pledges.items():
            require(token_id not in seen, f"NFT {token_id} backs two accounts")
            seen.add(token_id)
            total += pledge.liquidity
            (owner,) = s.view(s.manager, "ownerOf(uint256)", token_id)
            require(owner == s.clearing, f"pledged NFT {token_id} of {number:#x} is elsewhere")
            held = s.view(s.manager, "positions(uint256)", token_id)[7]
            require(held >= pledge.liquidity, f"pledge {token_id} counts more than there is")
    require(total == world.ledger.pledged_liquidity, "pledged liquidity")


def inv_isolated_accounts_hold_their_market_only(world: World) -> None:
    for number, account in world.ledger.accounts.items():
        if number & 255:
            require(set(account.positions) <= {(number & 255) - 1}, f"{number:#x}")


def inv_positions_have_their_cost_on_their_side(world: World) -> None:
    """What was paid for a long is not negative, for a short not positive."""
    for account in world.ledger.accounts.values():
        for position in account.positions.values():
            require(position.size != 0, "an empty position is kept")
            require(sign(position.cost) * sign(position.size) >= 0, f"cost of {position}")


def inv_funding_moves_with_the_skew(world: World) -> None:
    """A rate moves towards who is too many, by no more than its velocity allows."""
    for m, (old, new) in enumerate(zip(world.before.markets, world.ledger.markets, strict=True)):
        elapsed = new.updated_at - old.updated_at
        most = world.ledger.terms[m].velocity * elapsed // 86_400 + 1
        require(abs(new.rate - old.rate) <= most, f"funding rate of {m}")
        require(new.updated_at <= world.now, "accrued beyond now")


def inv_mark_price_is_the_index_and_the_skew(world: World) -> None:
    m = world.step_number % MARKET_COUNT
    if world.fresh():
        (mark,) = world.system.view(world.system.clearing, "mark_price(uint256)", m)
        require(mark == perp.mark_price(world.ledger, m), "mark price")
