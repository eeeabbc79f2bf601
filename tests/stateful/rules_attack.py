"""Rules of attackers: donor, flash borrower, sandwicher, colluders, griefer, reentrancy, keys."""

from __future__ import annotations

from tests.reference.clearing import margin, trading
from tests.reference.integers import WAD
from tests.stateful.draws import Draw
from tests.stateful.genesis import BASE, HOOK, MARKET_COUNT, USDC
from tests.stateful.mismatch import require
from tests.stateful.people import FAR, Arguments, everyone, who
from tests.stateful.rules_keeping import keeper
from tests.stateful.rules_market import MAX_SQRT, MIN_SQRT, propose_swap, swap, swap_data
from tests.stateful.rules_trading import run_deposit_margin, run_trade
from tests.stateful.shares import quote
from tests.stateful.system import call
from tests.stateful.world import World

# ------------------------------------------------------------------------------------------ donor


def propose_donate(world: World, draw: Draw) -> Arguments:
    asset = draw.pick([USDC, BASE])
    most = world.system.balance(asset, who(world, "donor"))
    return [draw.pick(["vault", "clearing", "pool"]), asset, draw.amount(most // 20)]


def run_donate(world: World, target: str, asset: int, raw: int) -> None:
    """Tokens sent where nobody asked for them change no value of a share, no margin, nothing."""
    s = world.system
    before = quote(world)
    to = {"vault": s.vault, "clearing": s.clearing, "pool": s.pool}[target]
    data = call("transfer(address,uint256)", to, raw)
    answer = world.observed(who(world, "donor"), s.tokens[asset], data, "donate")
    if target == "clearing" and not isinstance(answer, str):
        world.donated[asset] += raw
    require(quote(world) == before, "a donation moved the value of a share")


def propose_donate_liquidity(world: World, draw: Draw) -> Arguments:
    return [draw.integer(1, 10**6)]


def run_donate_liquidity(world: World, units: int) -> None:
    """Anyone may add liquidity to the vault's NFT; it must be nobody's."""
    s, donor = world.system, who(world, "donor")
    token_id = world.vault_token_id()
    if not token_id or not world.book.liquidity:
        return
    if world.book.pledged and not world.ledger.account(world.book.accounts[0]).pledges:
        return  # emptied by a liquidation and taken back: a gift up to what was there counts
    before = quote(world)
    data = call(
        "increaseLiquidity((uint256,uint256,uint256,uint256,uint256,uint256))",
        *(token_id, units * 10**12, units * 10**3, 0, 0, 2**40),
    )
    answer = s.send(donor, s.manager, data)
    world.note("donate_liquidity", answer if not isinstance(answer, str) else "refused")
    after = quote(world)
    if before and after:
        # Touching the position credits its fees, which rounds them once more.
        require(abs(after[0] - before[0]) <= 2, f"given liquidity moved NAV: {before} {after}")


# -------------------------------------------------------------------------- flash loans, sandwiches


def propose_flash(world: World, draw: Draw) -> Arguments:
    """Borrow and push the price, enter and leave the vault, call a keeper, post margin: at once."""
    goal = draw.pick(["vault", "spot", "keeper", "margin"])
    return [goal, draw.integer(1, 90), draw.integer(0, 1)]


def run_flash(world: World, goal: str, percent: int, sells: int) -> None:
    """The borrower never ends with more than it began with; the vault never loses by it."""
    s, me = world.system, world.system.attacker
    base = s.balance(BASE, s.pool) * percent // 100 if sells else 0
    usdc = 0 if sells else s.balance(USDC, s.pool) * percent // 100
    push = (s.router, swap_data(world, me, sells, base or usdc, MIN_SQRT if sells else MAX_SQRT))
    in_, out = (BASE, USDC) if sells else (USDC, BASE)
    back_raw = s.on_quote(push, out, me)
    back = (s.router, swap_data(world, me, 1 - sells, back_raw, MAX_SQRT if sells else MIN_SQRT))
    raw = 10**11
    calls = {
        "vault": [
            push,
            (s.vault, call("deposit(uint256,address)", raw, me)),
            back,
            (s.vault, call("redeem(uint256,address,address)", world.shares_for(raw), me, me)),
        ],
        "spot": [push, back],
        "keeper": [push, (s.vault, call("recenter()")), back],
        "margin": [
            (s.clearing, call("deposit(address,uint256,uint256,uint256)", me, 0, 0, raw)),
            push,
            (s.clearing, call("trade(uint256,uint256,int256,uint256)", 0, 0, 10**17, FAR)),
            (s.clearing, call("trade(uint256,uint256,int256,uint256)", 0, 0, -(10**17), 0)),
            back,
        ],
    }[goal]
    before, spot = quote(world), s.spot()[0]
    if goal == "vault" and before and world.book.supply and not before[0]:
        return  # a vault worth nothing
    worth = world.wealth(me)
    answer = s.flash(base, usdc, calls)
    world.note(f"flash {goal}", answer if not isinstance(answer, str) else "refused")
    if isinstance(answer, str):
        return
    world.absorb(world.events(), spot)
    if goal == "vault" and before:
        settle(world, before)
    after = quote(world)
    if before and after and goal == "keeper":
        bound = 1 - s.protocol.vault.max_slippage
        least = before[0] * bound - s.protocol.vault.keeper_reward * 10**6
        require(after[0] >= least, f"a flash loan around recenter: {before[0]} to {after[0]}")
    gained = world.wealth(me) - worth
    most = 0
    if goal == "keeper":
        # Who pushes a pool that is off the index towards it wins by that alone. The vault's
        # liquidity, put in the way back, buys at the index or better: no more is won.
        most = max(worth_of(world, out, back_raw) - worth_of(world, in_, base or usdc), 0)
    require(gained <= most, f"a flash loan gained {gained} by {goal}")


def worth_of(world: World, asset: int, raw: int) -> int:
    """USD WAD of pool tokens at the index."""
    return raw * world.index[world.system.tokens[asset]] // (10**6 if asset == USDC else WAD)


def settle(world: World, before: tuple[int, int, int]) -> None:
    world.book.mark, world.book.accrued_at = before[2], world.now
    after = quote(world)
    if after:
        world.book.mark = max(world.book.mark, world.read_vault("high_water_mark"))


def propose_sandwich(world: World, draw: Draw) -> Arguments:
    _, sells, raw = propose_swap(world, draw)
    return [draw.pick(["rebalance", "recenter", "deleverage", "top_up"]), sells, raw]


def run_sandwich(world: World, function: str, sells: int, raw: int) -> None:
    """Push the pool, have the vault act, push it back: the vault loses its slippage at most."""
    s, actor = world.system, who(world, "sandwicher")
    base = s.balance(BASE, actor)
    usdc = s.balance(USDC, actor)
    swap(world, "sandwicher", sells, raw, MIN_SQRT if sells else MAX_SQRT)
    answer = keeper(world, "sandwicher", function)
    asset, had = (USDC, usdc) if sells else (BASE, base)
    back = s.balance(asset, actor) - had
    if back > 0:
        swap(world, "sandwicher", 1 - sells, back, MAX_SQRT if sells else MIN_SQRT)
    world.note("sandwich", answer if not isinstance(answer, str) else "refused")


# ---------------------------------------------------------------------------------------- colluders


def propose_collude(world: World, draw: Draw) -> Arguments:
    return [draw.integer(0, MARKET_COUNT - 1), draw.integer(1, 100), draw.pick([1, -1])]


def run_collude(world: World, m: int, percent: int, side: int) -> None:
    """Two accounts of one owner move the skew for each other and part again, in one block.

    Together they never have more than before, and neither is left in debt.
    """
    pair = ("trader", "other trader")
    if not world.fresh():
        return
    numbers = [who(world, name) << 8 for name in pair]
    held = [world.ledger.account(n).positions for n in numbers]
    if any(held):
        return
    size = trading.inventory_limit(world.ledger, m) * percent // 300 * side or side
    worth = sum(margin.valuation(world.ledger, n).value for n in numbers)
    run_trade(world, pair[0], 0, m, size, 1)
    run_trade(world, pair[1], 0, m, -2 * size, 1)
    run_trade(world, pair[0], 0, m, 2 * size, 1)
    for name, number in zip(pair, numbers, strict=True):
        position = world.ledger.account(number).positions.get(m)
        if position:
            run_trade(world, name, 0, m, -position.size, 1)
    flat = not any(world.ledger.account(n).positions for n in numbers)
    after = sum(margin.valuation(world.ledger, n).value for n in numbers)
    world.note("collude", [] if flat else "not flat")
    if flat:
        require(after <= worth, f"colluders gained {after - worth}")


# ---------------------------------------------------------------------------- reentrancy, read only


def propose_reenter(world: World, draw: Draw) -> Arguments:
    return [draw.pick(["withdraw", "trade", "liquidate", "deposit", "view"]), draw.amount(10**20)]


def run_reenter(world: World, what: str, raw: int) -> None:
    """A collateral that calls back while it is deposited: every way back in is locked."""
    s = world.system
    attack = {
        "withdraw": call("withdraw(uint256,uint256,uint256,address)", 0, 0, 1, s.attacker),
        "trade": call("trade(uint256,uint256,int256,uint256)", 0, 0, 10**12, FAR),
        "liquidate": call("liquidate(uint256,uint256)", s.attacker << 8, 0),
        "deposit": call("deposit(address,uint256,uint256,uint256)", s.attacker, 0, 0, 1),
        "view": call("account_state(uint256)", s.attacker << 8),
    }[what]
    s.arm([(s.clearing, attack)])
    hook = s.tokens[HOOK]
    s.send(s.owner, hook, call("set_hook(address)", s.attacker))
    run_deposit_margin(world, "trader", 0, HOOK_COLLATERAL, raw)
    hooks = s.view(s.attacker, "hooks()")[0]
    refused = s.view(s.attacker, "refused()")[0]
    s.send(s.owner, hook, call("set_hook(address)", 0))
    require(refused == hooks, f"reentered: {hooks} hooks, {refused} refused")
    world.note("reenter", [])


HOOK_COLLATERAL = 2


# ------------------------------------------------------------------------------------------ griefer


def propose_grief(world: World, draw: Draw) -> Arguments:
    return [draw.pick(everyone(world)), draw.integer(0, MARKET_COUNT - 1)]


def run_grief(world: World, number: int, m: int) -> None:
    """Dust into other people's accounts, positions and the vault."""
    griefer = who(world, "griefer")
    owner, sub = number >> 8, number & 255
    for c, asset in enumerate((USDC, BASE, HOOK)):
        if not world.system.balance(asset, griefer):
            continue
        world.predicted(
            trading.deposit,
            (owner, sub, c, 1, griefer),
            griefer,
            "deposit(address,uint256,uint256,uint256)",
            *(owner, sub, c, 1),
        )
    run_trade(world, "griefer", 0, m, 1, 1)
    run_trade(world, "griefer", 0, m, -1, 1)
