"""Rules of the vault's keepers, managers, and exits in kind."""

from __future__ import annotations

from tests.reference.clearing.trading import LEAST_SLICE
from tests.reference.integers import WAD, floor, truncate
from tests.stateful.draws import Draw
from tests.stateful.genesis import MARKET_COUNT, USDC
from tests.stateful.mismatch import require
from tests.stateful.people import Arguments, who
from tests.stateful.rules_shares import propose_redeem
from tests.stateful.shares import DEPOSITORS, MARKET_REFUSALS, fails, quote, settle_fees
from tests.stateful.system import call, vault_slot
from tests.stateful.vault_book import VIRTUAL_SHARES
from tests.stateful.world import World

# ---------------------------------------------------------------------------------------- in kind


def propose_redeem_in_kind(world: World, draw: Draw) -> Arguments:
    return [draw.pick(DEPOSITORS[:2]), *propose_redeem(world, draw)[1:]]


def slice_too_small(world: World, shares: int, supply: int) -> bool:
    """Whether the positions of one of the vault's accounts, in part, cost less than a seat may."""
    part = world.book.net(shares) * WAD // supply
    positions = [world.ledger.account(number).positions for number in world.book.accounts]
    return any(
        held and sum(abs(truncate(p.cost, part, WAD)) for p in held.values()) < LEAST_SLICE
        for held in positions
    )


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
        if answer == "clearing: zero size":
            require(slice_too_small(world, shares, supply), "in kind: a slice large enough")
            return
        require(answer == "clearing: account in use" and used, f"in kind: {answer}")
        return
    if fails(world, answer, expected, "in kind"):
        return
    book.accrued_at = world.now
    if not book.pledged:
        book.liquidity -= held * book.net(shares) // supply
    for number in book.accounts:  # the giver's health keeps its ratio
        old, new = before.account(number), world.ledger.account(number)
        require(set(new.positions) <= set(old.positions), "in kind: a position came")


# ---------------------------------------------------------------------------------------- keepers


def keeper(world: World, name: str, function: str) -> list[int] | str:
    """A keeper function; rewards are bounded and the vault's value falls by slippage at most."""
    s, book = world.system, world.book
    world.read_fees()
    before = book.nav(world.ledger, world.base) if world.fresh() else 0
    had, hedges = s.balance(USDC, who(world, name)), hedge_sizes(world)
    idle = s.read(s.vault, vault_slot("idle_usdc"))
    owing = book.owing(world.ledger) if world.fresh() else []
    debts = {number: world.ledger.account(number).cash for number in owing}
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
    for number, cash in debts.items():  # left to liquidation, which forgives it
        require(world.ledger.account(number).cash <= cash, f"{function}: margin for a debt")
    placed = function == "recenter" and book.pledged
    require(not placed or book.accounts[0] not in debts, "recenter: a pledge for a debt")
    reward = s.balance(USDC, who(world, name)) - had
    if function != "rebalance":
        left = s.read(s.vault, vault_slot("idle_usdc")) + reward
        require(left >= min(idle, kept(world, before)), f"{function}: {left} idle for keepers")
    most = int(s.protocol.vault.keeper_reward * 10**6)
    require(0 <= reward <= most, f"{function}: reward {reward}")
    world.read_fees()
    after = book.nav(world.ledger, world.base)
    # The position, in and out, and the hedges, which losses can leave larger than what is left.
    traded = 2 * before + 10**18
    for m, (old, new) in enumerate(zip(hedges, hedge_sizes(world), strict=True)):
        traded += abs(new - old) * world.ledger.index_price(m) // WAD
    slippage = int(s.protocol.vault.max_slippage * 1.25 * 10**6) * traded // 10**6
    require(after >= before - slippage - most * 10**12, f"{function}: NAV {before} to {after}")
    return answer


def kept(world: World, nav: int) -> int:
    """Raw USDC that stays idle for the pay of the next keeper (SPEC §4.5); ``nav``: USD WAD."""
    reward = int(world.system.protocol.vault.keeper_reward * 10**6)
    return min(100 * reward, floor(nav, 10**6, world.ledger.price(world.usdc)) // 100)


def hedge_sizes(world: World) -> list[int]:
    """Of the vault's accounts together, by market, WAD."""
    accounts = [world.ledger.account(number) for number in world.book.accounts]
    return [
        sum(a.positions[m].size for a in accounts if m in a.positions) for m in range(MARKET_COUNT)
    ]


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
