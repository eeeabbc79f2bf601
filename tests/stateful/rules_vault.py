"""Rules of the vault: shares, queue, exits, keepers. Share arithmetic is predicted to the unit."""

from __future__ import annotations

from collections.abc import Callable

from tests.reference.clearing.state import RefusedError
from tests.reference.integers import WAD
from tests.stateful.draws import Draw
from tests.stateful.rules_venue import Arguments, who
from tests.stateful.system import USDC, call
from tests.stateful.vault_book import VIRTUAL_SHARES, VaultBook
from tests.stateful.world import World, require

DEPOSITORS = ("depositor", "other depositor", "attacker", "griefer")
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
        elif assets > max(book.terms.deposit_cap - terms[0], 0):
            expected = "vault: deposit cap"
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


def leave(world: World, name: str, function: str, amount: int, exchange: Exchange) -> None:
    """Withdraw or redeem."""
    s, book, actor = world.system, world.book, who(world, name)
    terms = quote(world)
    expected, assets, shares = "", 0, 0
    if book.waiting:
        expected = "vault: withdrawals queued"
    elif terms is None:
        expected = "oracle: stale"
    else:
        assets, shares = exchange(book, amount, terms[1], terms[0])
        if not assets or not shares:
            expected = "vault: zero amount"
        elif shares > book.shares.get(actor, 0):
            expected = "vault: insufficient shares"
    held, had = book.shares.get(actor, 0), s.balance(USDC, actor)
    answer = world.observed(
        actor,
        s.vault,
        call(f"{function}(uint256,address,address)", amount, actor, actor),
        function,
    )
    if fails(world, answer, expected, function) or terms is None:
        return
    settle_fees(world, terms[2])
    require(held - book.shares[actor] == shares, f"{function}: shares, predicted {shares}")
    require(s.balance(USDC, actor) - had == assets, f"{function}: assets, predicted {assets}")


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
    """Everybody settled gets what preview_redeem says at one price of shares."""
    s, book = world.system, world.book
    terms = quote(world)
    expected = "" if book.waiting else "vault: nothing to settle"
    if not expected and terms is None:
        expected = "oracle: stale"
    line = {owner: tuple(request) for owner, request in book.waiting.items()}
    data = call("settle_withdrawals(uint256)", fraction)
    answer = world.observed(who(world, name), s.vault, data, "settle")
    if fails(world, answer, expected, "settle") or terms is None:
        return
    settle_fees(world, terms[2])
    paid = [(e.values[2], e.values[3], e.values[4]) for e in world.last if e.name == "Withdraw"]
    require([owner for owner, _, _ in paid] == list(line)[: len(paid)], "the line was not kept")
    world.read_fees()
    total = book.total_assets(world.ledger, world.base) + sum(assets for _, assets, _ in paid)
    supply = book.supply + sum(shares for _, _, shares in paid)
    for _, assets, shares in paid:
        due = book.preview_redeem(shares, supply, total)
        require(abs(assets - due) <= 2, f"settled {assets}, due {due}")


# ---------------------------------------------------------------------------------------- in kind


def propose_redeem_in_kind(world: World, draw: Draw) -> Arguments:
    return [draw.pick(DEPOSITORS[:2]), *propose_redeem(world, draw)[1:]]


def run_redeem_in_kind(world: World, name: str, shares: int) -> None:
    s, actor, book = world.system, who(world, name), world.book
    world.read_fees()
    fees = book.management_due(world.now)
    held = book.liquidity
    expected = ""
    if not shares:
        expected = "vault: zero amount"
    elif shares > book.shares.get(actor, 0):
        expected = "vault: insufficient shares"
    before = world.ledger.copy()
    data = call("redeem_in_kind(uint256,address)", shares, actor)
    supply = book.supply + fees + VIRTUAL_SHARES
    answer = world.observed(actor, s.vault, data, "redeem_in_kind")
    if isinstance(answer, str) and not expected:
        used = any(
            world.ledger.account(actor << 8 | number & 255).positions
            or world.ledger.account(actor << 8 | number & 255).pledges
            or world.ledger.account(actor << 8 | number & 255).cash < 0
            for number in book.accounts
        )
        require(answer == "clearing: account in use" and used, f"in kind: {answer}")
        return
    if fails(world, answer, expected, "in kind"):
        return
    book.accrued_at = world.now
    if not book.pledged:
        book.liquidity -= held * shares // supply
    for number in book.accounts:  # the giver's health keeps its ratio
        old, new = before.account(number), world.ledger.account(number)
        require(set(new.positions) <= set(old.positions), "in kind: a position came")


# ---------------------------------------------------------------------------------------- keepers


def keeper(world: World, name: str, function: str) -> list[int] | str:
    """A keeper function; rewards are bounded and the vault's value falls by slippage at most."""
    s, book = world.system, world.book
    world.read_fees()
    before = book.nav(world.ledger, world.base) if world.fresh() else 0
    had = s.balance(USDC, who(world, name))
    answer = world.observed(who(world, name), s.vault, call(f"{function}()"), function)
    if isinstance(answer, str):
        known = (
            *("vault: within band", "vault: centred", "vault: margin sufficient", "vault: paused"),
            *MARKET_REFUSALS,
        )
        require(answer in known, f"{function}: {answer}")
        if world.vault_paused and function in ("rebalance", "recenter"):
            require(answer == "vault: paused", f"{function} of a paused vault: {answer}")
        return answer
    reward = s.balance(USDC, who(world, name)) - had
    most = int(s.protocol.vault.keeper_reward * 10**6)
    require(0 <= reward <= most, f"{function}: reward {reward}")
    world.read_fees()
    after = book.nav(world.ledger, world.base)
    traded = 2 * before + 10**18
    slippage = int(s.protocol.vault.max_slippage * 1.25 * 10**6) * traded // 10**6
    require(after >= before - slippage - most * 10**12, f"{function}: NAV {before} to {after}")
    return answer


def propose_keep(world: World, draw: Draw) -> Arguments:
    functions = ["rebalance", "recenter", "top_up", "deleverage"]
    return [draw.pick(["keeper", "griefer", "attacker"]), draw.pick(functions)]


def run_keep(world: World, name: str, function: str) -> None:
    keeper(world, name, function)


def propose_post_betas(world: World, draw: Draw) -> Arguments:
    return [draw.integer(-2 * 10**17, 12 * 10**17), draw.integer(-2 * 10**17, 5 * 10**17)]


def run_post_betas(world: World, *betas: int) -> None:
    s = world.system
    answer = s.send(s.vault_manager, s.vault, call("post_betas(int256[])", 32, len(betas), *betas))
    world.note("post_betas", answer)
    known = ("vault: beta change too fast", "vault: beta out of bounds")
    require(not isinstance(answer, str) or answer in known, f"post_betas: {answer}")


def propose_accrue_fees(world: World, draw: Draw) -> Arguments:
    return []


def run_accrue_fees(world: World) -> None:
    terms = quote(world)
    answer = world.observed(
        who(world, "keeper"), world.system.vault, call("accrue_fees()"), "accrue_fees"
    )
    if fails(world, answer, "" if terms else "oracle: stale", "accrue_fees") or terms is None:
        return
    settle_fees(world, terms[2])
    require(world.book.supply == terms[1], f"fees: supply, predicted {terms[1]}")


def propose_pause_vault(world: World, draw: Draw) -> Arguments:
    return [0 if world.vault_paused else int(draw.chance(30))]


def run_pause_vault(world: World, paused: int) -> None:
    s = world.system
    sender = s.guardian if paused else s.owner
    answer = s.send(sender, s.vault, call("set_paused(bool)", paused))
    require(not isinstance(answer, str), f"pause: {answer}")
    world.vault_paused = bool(paused)
    world.note("pause_vault", answer)
