"""What holds in the vault and the oracle after every operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chain.evm.codec import Reverted
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import RefusedError
from tests.reference.integers import WAD, floor
from tests.stateful.genesis import BASE, USDC
from tests.stateful.mismatch import require
from tests.stateful.rules_keeping import slice_too_small
from tests.stateful.shares import LEAST_REQUEST, quote
from tests.stateful.system import call
from tests.stateful.vault_book import VIRTUAL_SHARES

if TYPE_CHECKING:
    from tests.stateful.checked import CheckedWorld as World


MARGIN_TARGET = 6  # index of the parameter
_EXITS = ("redeem", "withdraw", "settle")
_NEUTRAL = ("deposit", "mint", "transfer_shares", "request_redeem", "donate", *_EXITS)


def inv_counters_are_the_books(world: World) -> None:
    world.compare_book()


def inv_idle_usdc_is_there(world: World) -> None:
    s, book = world.system, world.book
    there = s.balance(USDC, s.vault)
    require(there == book.idle_usdc + book.donated_usdc, f"vault USDC {there}, {book.idle_usdc}")


def inv_idle_base_is_there(world: World) -> None:
    s, book = world.system, world.book
    there = s.balance(BASE, s.vault)
    require(there == book.idle_base + book.donated_base, f"vault base {there}, {book.idle_base}")


def inv_nav_is_the_ledgers(world: World) -> None:
    """Tokens, liquidity at the oracle's price, fees and margin: nothing else, nothing twice."""
    s = world.system
    world.read_fees()
    if world.fresh():
        (nav,) = s.view(s.vault, "nav()")
        mine = world.book.nav(world.ledger, world.base)
        require(nav == mine, f"nav {nav}, books {mine}")


def inv_total_assets_are_nav_in_usdc(world: World) -> None:
    s = world.system
    world.read_fees()
    try:
        mine = world.book.total_assets(world.ledger, world.base)
    except RefusedError:
        return
    (total,) = s.view(s.vault, "totalAssets()")
    require(total == mine, f"totalAssets {total}, books {mine}")


def inv_total_assets_never_reverts(world: World) -> None:
    """Nor do convertToShares, convertToAssets and the four max functions (EIP-4626)."""
    s = world.system
    who = s.actors["depositor"]
    for signature, argument in (
        ("totalAssets()", None), ("convertToShares(uint256)", 10**9),
        ("convertToAssets(uint256)", 10**21), ("maxDeposit(address)", who),
        ("maxMint(address)", who), ("maxWithdraw(address)", who), ("maxRedeem(address)", who),
    ):  # fmt: skip
        try:
            s.view(s.vault, signature, *(() if argument is None else (argument,)))
        except Reverted as reverted:
            require(False, f"{signature}: {reverted}")


def inv_shares_sum_to_the_supply(world: World) -> None:
    book = world.book
    require(sum(book.shares.values()) == book.supply, "shares and supply")


def inv_waiting_shares_are_the_vaults(world: World) -> None:
    book = world.book
    given = world.shares_given_to_the_vault
    require(book.shares.get(book.address, 0) == book.queued + given, "shares in the queue")


def inv_the_line_is_kept(world: World) -> None:
    """The linked list of requests is the one in the books, forwards and backwards."""
    s = world.system
    owner = s.view(s.vault, "queue_head()")[0]
    line = []
    previous = 0
    while owner:
        receiver, shares, before, after = s.view(s.vault, "request(address)", owner)
        require(before == previous, "the line is broken")
        line.append((owner, receiver, shares))
        previous, owner = owner, after
    mine = [(owner, receiver, shares) for owner, (receiver, shares) in world.book.waiting.items()]
    require(line == mine, f"line {line}, books {mine}")
    require(s.view(s.vault, "queue_tail()")[0] == previous, "the end of the line")


def inv_high_water_mark_never_falls(world: World) -> None:
    before, after = world.mark_before, world.book.mark
    require(after >= before or not world.supply_before, f"mark {before} to {after}")


def inv_share_price_does_not_fall_by_entries_and_exits(world: World) -> None:
    """Who comes, goes, waits, or pays fees to nobody takes nothing from those who stay.

    Nor by exits, those that have to unwind included: who leaves pays for that, but for what brings
    an account back to its margin target.
    """
    if world.operation not in _NEUTRAL or (world.operation in _EXITS and _below_target(world)):
        return
    old, new = world.quote_before, quote(world)
    if old is None or new is None or not old[1] or not old[0]:  # worth nothing: nothing to take
        return
    was = (old[0] + 1) * 10**30 // (old[1] + VIRTUAL_SHARES)
    now = (new[0] + 1) * 10**30 // (new[1] + VIRTUAL_SHARES)
    # Each amount that moves in and out of margin is cut to raw units: a few, whatever the supply.
    cut = 1 if world.operation not in _EXITS else 8 * 10**30 // (new[1] + VIRTUAL_SHARES) + 1
    require(now >= was - cut, f"share price {was} to {now} by {world.operation}")


def _below_target(world: World) -> bool:
    """Whether an account of the vault had less than its margin target before the operation."""
    if world.quote_before is None:
        return False
    target = world.system.view(world.system.vault, "parameters()")[MARGIN_TARGET]
    try:
        accounts = [valuation(world.before, number) for number in world.book.accounts]
    except RefusedError:  # a price is stale: nobody knows
        return True
    return any(account.equity * WAD < target * account.maintenance for account in accounts)


def inv_spot_is_nowhere_in_nav(world: World) -> None:
    """A swap moves NAV by the fees it pays, never down."""
    if world.operation not in ("swap", "arbitrage", "flash", "depth") or not world.fresh():
        return
    if any(event.contract == world.system.vault for event in world.last):
        return  # the vault did something in between: what that may cost is the rule's to say
    old, new = world.quote_before, quote(world)
    if old is None or new is None:
        return
    require(new[0] >= old[0] - 2, f"a swap took {old[0] - new[0]} from NAV")


def inv_the_cap_holds_at_entry(world: World) -> None:
    terms = quote(world)
    if terms and world.operation in ("deposit", "mint") and world.book.supply > world.supply_before:
        require(terms[0] <= world.book.terms.deposit_cap, "deposit cap")


def inv_max_withdraw_is_never_refused(world: World) -> None:
    s = world.system
    name = ("depositor", "other depositor")[world.step_number // 10 % 2]
    owner = s.actors[name]
    (most,) = s.view(s.vault, "maxWithdraw(address)", owner)
    if most:
        data = call("withdraw(uint256,address,address)", most, owner, owner)
        answer = world.on_a_copy(owner, s.vault, data)
        require(not isinstance(answer, str), f"maxWithdraw refused: {answer}")


def inv_max_redeem_is_never_refused(world: World) -> None:
    s = world.system
    owner = s.actors[("depositor", "other depositor")[world.step_number // 10 % 2]]
    (most,) = s.view(s.vault, "maxRedeem(address)", owner)
    if most:
        data = call("redeem(uint256,address,address)", most, owner, owner)
        answer = world.on_a_copy(owner, s.vault, data)
        require(not isinstance(answer, str), f"maxRedeem refused: {answer}")


def inv_max_deposit_is_never_refused(world: World) -> None:
    s = world.system
    owner = s.actors["depositor"]
    (most,) = s.view(s.vault, "maxDeposit(address)", owner)
    if 0 < most <= s.balance(USDC, owner):
        answer = world.on_a_copy(owner, s.vault, call("deposit(uint256,address)", most, owner))
        require(not isinstance(answer, str), f"maxDeposit refused: {answer}")


def inv_entry_then_exit_never_gains(world: World) -> None:
    """At one price, at once: what comes back is less than what went in."""
    s = world.system
    owner, assets = s.actors["other depositor"], 10**7
    before = s.balance(USDC, owner)
    if world.vault_paused or not world.fresh():
        return
    held = world.book.shares.get(owner, 0)

    def round_trip() -> int:
        entered = s.send(owner, s.vault, call("deposit(uint256,address)", assets, owner))
        if isinstance(entered, str):
            return before
        shares = world.read_share_balance(owner) - held
        s.send(owner, s.vault, call("redeem(uint256,address,address)", shares, owner, owner))
        return s.balance(USDC, owner)

    require(world.on_a_copy_do(round_trip) <= before, "in and out at a gain")


def inv_exit_in_kind_is_always_open(world: World) -> None:
    """No price, no pause, no line stops it; only an account of one's own that is in use, or dust.

    Positions below 100 USD at entry stay: who has so little leaves for USDC.
    """
    s = world.system
    owner = s.actors["depositor"]
    shares = world.book.shares.get(owner, 0)
    if not shares:
        return
    data = call("redeem_in_kind(uint256,address)", shares, owner)
    answer = world.on_a_copy(owner, s.vault, data)
    if answer == "clearing: zero size":
        supply = world.book.supply + world.book.management_due(world.now) + VIRTUAL_SHARES
        require(slice_too_small(world, shares, supply), "in kind: a slice large enough")
        return
    require(
        not isinstance(answer, str) or answer == "clearing: account in use", f"in kind: {answer}"
    )


def inv_waiting_in_line_is_always_open(world: World) -> None:
    s = world.system
    owner = s.actors["other depositor"]
    least = min(world.book.shares.get(owner, 0), LEAST_REQUEST)
    if least == LEAST_REQUEST and owner not in world.book.waiting:
        data = call("request_redeem(uint256,address)", least, owner)
        answer = world.on_a_copy(owner, s.vault, data)
        require(not isinstance(answer, str), f"request refused: {answer}")


def inv_the_vaults_liquidity_is_there(world: World) -> None:
    s, token_id = world.system, world.vault_token_id()
    if not token_id or not world.book.liquidity:
        return
    (owner,) = s.view(s.manager, "ownerOf(uint256)", token_id)
    backing = world.book.pledged and world.ledger.account(world.book.accounts[0]).pledges
    require(owner == (s.clearing if backing else s.vault), "the vault's NFT")
    held = s.view(s.manager, "positions(uint256)", token_id)[7]
    require(held >= world.book.liquidity, "the vault counts more liquidity than there is")


def inv_fees_are_never_more_than_agreed(world: World) -> None:
    """The receiver's part of the shares grows by the fee rates at most; others' shares stay."""
    new = world.book.shares.get(world.book.fee_receiver, 0)
    grown = new - world.fee_shares_before
    if grown > 0 and world.supply_before:
        elapsed = world.now - world.accrued_before
        most = world.book.terms.management_fee * (elapsed + 1) // (365 * 86_400) + (
            world.book.terms.performance_fee
        )
        require(grown <= floor(world.book.charged, most, WAD) + 1, f"fee shares {grown}")


def inv_oracle_is_the_median_of_fresh_reports(world: World) -> None:
    s = world.system
    token = s.tokens[world.step_number % len(s.tokens)]
    answer = s.try_view(s.oracle, "price(address)", token)
    fresh = world.ledger.served.get(token)
    expected: list[int] | str = [fresh] if fresh else "oracle: stale"
    if not fresh and not world.oracle.feeds[token].price:
        expected = "oracle: no round"
    require(answer == expected, f"price {answer}, books {expected}")


def inv_one_faulty_reporter_moves_no_price_out_of_the_honest(world: World) -> None:
    """An answered price lies between what honest reporters have said lately."""
    token = world.system.tokens[world.step_number % len(world.system.tokens)]
    price = world.ledger.served.get(token)
    if price:
        low, high = world.honest_range(token)
        require(low <= price <= high, f"price {price} outside {low} ... {high}")


def inv_roles_are_who_they_were(world: World) -> None:
    s = world.system
    for contract in (s.clearing, s.vault, s.oracle):
        (owner,) = s.view(contract, "owner()")
        require(owner == s.owner, "the owner changed")
    (receiver,) = s.view(s.vault, "fee_receiver()")
    require(receiver == world.book.fee_receiver, "the fee receiver changed")
