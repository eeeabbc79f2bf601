"""Rules of the vault's holders: entries, exits, the queue."""

from __future__ import annotations

from tests.reference.integers import WAD
from tests.stateful.draws import Draw
from tests.stateful.genesis import USDC
from tests.stateful.mismatch import require
from tests.stateful.people import Arguments, who
from tests.stateful.shares import DEPOSITORS, LEAST_REQUEST, enter, fails, leave, quote, settle_fees
from tests.stateful.system import call
from tests.stateful.vault_book import VaultBook
from tests.stateful.world import World


def propose_deposit(world: World, draw: Draw) -> Arguments:
    name = draw.pick(DEPOSITORS)
    most = min(world.system.balance(USDC, who(world, name)), 4 * 10**11)
    return [name, draw.amount(most)]


def run_deposit(world: World, name: str, assets: int) -> None:
    def exchange(book: VaultBook, amount: int, supply: int, total: int) -> tuple[int, int]:
        return amount, book.preview_deposit(amount, supply, total)

    enter(world, name, "deposit", assets, exchange)


def propose_mint(world: World, draw: Draw) -> Arguments:
    return [draw.pick(DEPOSITORS), draw.amount(10**23)]


def run_mint(world: World, name: str, shares: int) -> None:
    def exchange(book: VaultBook, amount: int, supply: int, total: int) -> tuple[int, int]:
        return book.preview_mint(amount, supply, total), amount

    enter(world, name, "mint", shares, exchange)


def propose_withdraw(world: World, draw: Draw) -> Arguments:
    name, book = draw.pick(DEPOSITORS), world.book
    share = book.shares.get(who(world, name), 0)
    worth = share * (book.idle_usdc + 10**6) // (book.supply + 1)
    return [name, draw.amount(max(worth, 1))]


def run_withdraw(world: World, name: str, assets: int) -> None:
    def exchange(book: VaultBook, amount: int, supply: int, total: int) -> tuple[int, int]:
        return amount, book.preview_withdraw(amount, supply, total)

    leave(world, name, "withdraw", assets, exchange)


def propose_redeem(world: World, draw: Draw) -> Arguments:
    name = draw.pick(DEPOSITORS)
    return [name, draw.amount(max(world.book.shares.get(who(world, name), 0), 1))]


def run_redeem(world: World, name: str, shares: int) -> None:
    def exchange(book: VaultBook, amount: int, supply: int, total: int) -> tuple[int, int]:
        return book.preview_redeem(amount, supply, total), amount

    leave(world, name, "redeem", shares, exchange)


def propose_transfer_shares(world: World, draw: Draw) -> Arguments:
    name = draw.pick(DEPOSITORS)
    most = world.book.shares.get(who(world, name), 0)
    return [name, draw.pick([*DEPOSITORS, "donor"]), draw.amount(most + 1)]


def run_transfer_shares(world: World, name: str, to: str, shares: int) -> None:
    s, actor = world.system, who(world, name)
    enough = world.book.shares.get(actor, 0) >= shares
    data = call("transfer(address,uint256)", who(world, to), shares)
    answer = world.observed(actor, s.vault, data, "transfer_shares")
    fails(world, answer, "" if enough else "vault: insufficient shares", "transfer")


# ------------------------------------------------------------------------------------------ queue


def propose_request_redeem(world: World, draw: Draw) -> Arguments:
    return propose_redeem(world, draw)


def run_request_redeem(world: World, name: str, shares: int) -> None:
    s, actor, book = world.system, who(world, name), world.book
    expected = ""
    if not shares:
        expected = "vault: zero amount"
    elif actor in book.waiting:
        expected = "vault: request pending"
    elif shares < LEAST_REQUEST:
        expected = "vault: least request"
    elif shares > book.shares.get(actor, 0):
        expected = "vault: insufficient shares"
    data = call("request_redeem(uint256,address)", shares, actor)
    fails(world, world.observed(actor, s.vault, data, "request_redeem"), expected, "request")


def propose_cancel_request(world: World, draw: Draw) -> Arguments:
    return [draw.pick(DEPOSITORS)]


def run_cancel_request(world: World, name: str) -> None:
    s, actor = world.system, who(world, name)
    expected = "" if actor in world.book.waiting else "vault: no request"
    answer = world.observed(actor, s.vault, call("cancel_request()"), "cancel_request")
    fails(world, answer, expected, "cancel")


def propose_settle(world: World, draw: Draw) -> Arguments:
    return [draw.pick(["keeper", "griefer"]), draw.pick([0, WAD, WAD // 2, draw.integer(0, WAD)])]


def run_settle(world: World, name: str, fraction: int) -> None:
    """Everybody settled gets what preview_redeem says at one price, less what unwinding cost."""
    s, book = world.system, world.book
    terms = quote(world)
    expected = "" if book.waiting else "vault: nothing to settle"
    if not expected and terms is None:
        expected = "oracle: stale"
    if not expected and book.owing(world.ledger):
        expected = "vault: account insolvent"
    line = {owner: tuple(request) for owner, request in book.waiting.items()}
    data = call("settle_withdrawals(uint256)", fraction)
    answer = world.observed(who(world, name), s.vault, data, "settle")
    if fails(world, answer, expected, "settle") or terms is None:
        return
    settle_fees(world, terms[2])
    total, supply, _ = terms
    unwound = any(e.name == "Unwound" for e in world.last)
    paid = [(e.values[2], e.values[3], e.values[4]) for e in world.last if e.name == "Withdraw"]
    require([owner for owner, _, _ in paid] == list(line)[: len(paid)], "the line was not kept")
    for _, assets, shares in paid:
        due = book.preview_redeem(shares, supply, total)
        require(assets <= due, f"settled {assets}, due {due}")
        require(unwound or assets >= due - 2, f"settled {assets}, due {due}, nothing unwound")
