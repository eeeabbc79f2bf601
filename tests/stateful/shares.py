"""Entering and leaving the vault, predicted to the unit."""

from __future__ import annotations

from collections.abc import Callable

from tests.reference.clearing.state import RefusedError
from tests.stateful.genesis import USDC
from tests.stateful.mismatch import require
from tests.stateful.people import who
from tests.stateful.system import call
from tests.stateful.vault_book import VaultBook
from tests.stateful.world import World

DEPOSITORS = ("depositor", "other depositor", "attacker", "griefer")
LEAST_REQUEST = 100 * 10**18
# What a vault operation may answer besides what is predicted.
MARKET_REFUSALS = (
    *("vault: insufficient liquidity", "vault: slippage", "clearing: below initial margin"),
    *("clearing: slippage", "clearing: withdrawals gated", "clearing: inventory limit"),
    *(
        "clearing: paused",
        "clearing: collateral cap",
        "oracle: stale",
        "vault: below margin target",
    ),
    *("clearing: open interest cap", "vault: spot deviates", "vault: no idle assets"),
    "clearing: insolvent",
    "clearing: maker reserve",
)


def quote(world: World) -> tuple[int, int, int] | None:
    """(total assets, supply with fees due, mark) at fresh prices; None when a price is missing."""
    world.read_fees()
    try:
        total = world.book.total_assets(world.ledger, world.base)
    except RefusedError:
        return None
    due, mark = world.book.due(total, world.now)
    return total, world.book.supply + due, mark


def settle_fees(world: World, mark: int) -> None:
    """After a success that accrued: the fee shares came with the events."""
    world.book.mark, world.book.accrued_at = mark, world.now


def fails(world: World, answer: list[int] | str, expected: str, what: str) -> bool:
    """Whether it was refused; a predicted refusal must be the answer."""
    if not expected:
        if isinstance(answer, str):
            require(answer in MARKET_REFUSALS, f"{what}: {answer}")
            return True
        return False
    require(isinstance(answer, str), f"{what}: done, books refuse: {expected}")
    require(answer == expected, f"{what}: {answer}, books {expected}")
    return True


Exchange = Callable[[VaultBook, int, int, int], tuple[int, int]]


def enter(world: World, name: str, function: str, amount: int, exchange: Exchange) -> None:
    """Deposit or mint. ``exchange``: (assets, shares) of the amount at a supply and a total."""
    s, book, actor = world.system, world.book, who(world, name)
    terms = quote(world)
    expected, assets, shares = "", 0, 0
    if terms is None:
        expected = "oracle: stale"
    else:
        assets, shares = exchange(book, amount, terms[1], terms[0])
        if world.vault_paused:
            expected = "vault: paused"
        elif not assets or not shares:
            expected = "vault: zero amount"
        elif assets > book.room(terms[1], terms[0]):
            expected = "vault: deposit cap"
        elif book.owing(world.ledger):
            expected = "vault: account insolvent"
        elif assets > s.balance(USDC, actor):
            return
    held = book.shares.get(actor, 0)
    answer = world.observed(
        actor, s.vault, call(f"{function}(uint256,address)", amount, actor), function
    )
    if fails(world, answer, expected, function) or terms is None:
        return
    settle_fees(world, terms[2])
    require(book.shares[actor] - held == shares, f"{function}: shares, predicted {shares}")


def leave(world: World, name: str, function: str, amount: int, exchange: Exchange) -> None:
    """Withdraw or redeem."""
    s, book, actor = world.system, world.book, who(world, name)
    terms = quote(world)
    expected, assets, shares = "", 0, 0
    if terms is None:
        expected = "oracle: stale"
    else:
        assets, shares = exchange(book, amount, terms[1], terms[0])
        if not assets or not shares:
            expected = "vault: zero amount"
        elif shares > book.shares.get(actor, 0):
            expected = "vault: insufficient shares"
    held, had = book.shares.get(actor, 0), s.balance(USDC, actor)
    waits = bool(book.waiting)
    answer = world.observed(
        actor,
        s.vault,
        call(f"{function}(uint256,address,address)", amount, actor, actor),
        function,
    )
    if waits and not expected and answer == "vault: withdrawals queued":
        return  # not enough for those who wait as well
    if fails(world, answer, expected, function) or terms is None:
        return
    settle_fees(world, terms[2])
    require(held - book.shares[actor] == shares, f"{function}: shares, predicted {shares}")
    require(s.balance(USDC, actor) - had == assets, f"{function}: assets, predicted {assets}")
