"""What holds of the clearing house's books after every operation, whoever did what.

Each ``inv_x`` takes the world; ``world.before`` is the ledger before the operation. They look at
the contract (its views, its tokens) or at the ledger, which is known to be its storage by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference.clearing import maker, perp, trading
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.waterfall import LEAST_GATED
from tests.reference.integers import sign
from tests.stateful.genesis import BASE, HOOK, MARKET_COUNT, USDC
from tests.stateful.mismatch import require

if TYPE_CHECKING:
    from tests.reference.clearing.state import Ledger
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
    total = sum(a.cash for a in out.accounts.values()) + out.insurance_fund
    total += sum(market.pool + market.maker_cash for market in out.markets)
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


DUST = 10**6  # WAD: what rounding takes in one operation


def inv_the_maker_can_pay(world: World) -> None:
    """In a market traded in, with a skew left; where risk was added it has the reserve."""
    if not world.fresh():
        return
    for m, market in enumerate(world.ledger.markets):
        old = world.before.markets[m]
        if (market.skew, market.longs) == (old.skew, old.longs) or not market.skew:
            continue
        value = maker.value(world.ledger, m)
        require(value >= -DUST, f"maker of {m}: {value}")
        held = _sizes(world.before, m)
        grown = any(s > held.get(n, 0) for n, s in _sizes(world.ledger, m).items())
        if grown and world.operation in SINGLE_TRADES:
            needed = maker.reserve(world.ledger, m)
            require(value >= needed - DUST, f"maker of {m}: {value} for {needed}")


def inv_who_never_lost_can_withdraw(world: World) -> None:
    """All USDC of accounts without positions is there, but for what the insolvent owe."""
    if not world.fresh():
        return
    ledger = world.ledger
    flat = owed = 0
    for number, account in ledger.accounts.items():
        if account.positions:
            owed += max(-valuation(ledger, number).balance, 0)
        else:
            flat += max(account.cash, 0)
            owed += max(-account.cash, 0)
    # A loss for which nobody was left stays with the maker, whoever pays it in.
    for m, market in enumerate(ledger.markets):
        if not market.skew:
            owed += max(-maker.value(ledger, m), 0)
    require(flat <= ledger.held[0] * ledger.cash_unit + owed + DUST, "flat users are short")


def inv_insurance_is_not_negative(world: World) -> None:
    require(world.ledger.insurance_fund >= 0, "insurance fund below zero")


def inv_no_market_takes_more_than_its_caps(world: World) -> None:
    for terms, market in zip(world.ledger.terms, world.ledger.markets, strict=True):
        require(market.insurance_drawn <= terms.insurance_cap, "insurance cap")
        require(market.maker_drawn <= terms.maker_loss_cap, "maker loss cap")


# Of these no market sees more than one trade, or none but reductions.
SINGLE_TRADES = ("open", "trade", "keep", "grief", "redeem", "withdraw", "settle")


def inv_skew_leaves_the_inventory_limit_by_reductions_only(world: World) -> None:
    """Nobody adds risk out there; who closes what he has is never held back."""
    for m, market in enumerate(world.ledger.markets):
        was = abs(world.before.markets[m].skew)
        limit = trading.inventory_limit(world.ledger, m)
        # Pairs move it for each other in one operation, slices and liquidations by other rules.
        if abs(market.skew) > max(was, limit) and world.operation in SINGLE_TRADES:
            held = _sizes(world.before, m)
            more = [n for n, size in _sizes(world.ledger, m).items() if size > held.get(n, 0)]
            require(not more, f"skew of {m}: {more} added risk beyond {limit}")


def _sizes(ledger: Ledger, m: int) -> dict[int, int]:
    """Magnitude of each position in a market, by account."""
    return {n: abs(a.positions[m].size) for n, a in ledger.accounts.items() if m in a.positions}


def inv_a_side_grows_within_its_bound_only(world: World) -> None:
    """Longs, or shorts, in a market: a small multiple of the inventory limit."""
    for m, market in enumerate(world.ledger.markets):
        bound, old = (
            trading.SIDES * trading.inventory_limit(world.ledger, m),
            world.before.markets[m],
        )
        require(market.longs <= max(old.longs, bound), f"longs of {m}")
        require(market.shorts <= max(old.shorts, bound), f"shorts of {m}")


def inv_liquidations_move_the_skew_by_the_bound_at_most(world: World) -> None:
    """Out by B in a block, whoever they are and however many."""
    for m, market in enumerate(world.ledger.markets):
        bound, old = perp.skew_bound(world.ledger, m), world.before.markets[m]
        require(market.liquidated <= max(old.liquidated, bound), f"liquidated of {m}")
        if world.operation == "liquidate":
            require(abs(market.skew) <= abs(old.skew) + bound, f"a liquidation's skew of {m}")


def inv_premium_pools_are_not_negative(world: World) -> None:
    for m, market in enumerate(world.ledger.markets):
        require(market.pool >= 0, f"premium pool of {m}: {market.pool}")


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
    """Whenever more than insurance was needed, and it was no dust, the gate is shut from now on."""
    taken = world.ledger.bad_debt - world.before.bad_debt
    insured = sum(m.insurance_drawn for m in world.ledger.markets) - sum(
        m.insurance_drawn for m in world.before.markets
    )
    if taken - insured >= LEAST_GATED:
        until = world.now + world.ledger.parameters.withdrawal_gate
        require(world.ledger.gate_until == until, "the gate is open after an insolvency")


def inv_pledges_are_held_and_back_one_account(world: World) -> None:
    s, seen = world.system, set()
    total = 0
    for number, account in world.ledger.accounts.items():
        require(not (account.isolated and account.pledges), "an isolated account has a pledge")
        for token_id, pledge in account.pledges.items():
            require(token_id not in seen, f"NFT {token_id} backs two accounts")
            seen.add(token_id)
            total += pledge.most
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
    """The skew as far as B: beyond it another unit costs no more."""
    m = world.step_number % MARKET_COUNT
    if world.fresh():
        (mark,) = world.system.view(world.system.clearing, "mark_price(uint256)", m)
        require(mark == perp.mark_price(world.ledger, m), "mark price")
