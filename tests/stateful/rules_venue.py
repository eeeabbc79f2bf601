"""Rules of the clearing house: what its users and its owner do. Outcomes are the reference's.

``propose_x`` draws the arguments of operation x; ``run_x`` does it.
"""

from __future__ import annotations

from tests.reference.clearing import liquidation, margin, perp, pledging, trading
from tests.reference.clearing.state import Ledger, Pledge
from tests.reference.integers import WAD, floor
from tests.stateful.draws import Draw
from tests.stateful.system import BASE, HOOK, USDC
from tests.stateful.world import World, require

TRADERS = (
    *("trader", "other trader", "liquidator", "griefer", "attacker"),
    *("liquidity provider", "sandwicher"),
)
FAR = 2**255 - 1
COLLATERALS = (USDC, BASE, HOOK)  # asset of each collateral
MARKETS = 2

Arguments = list[int | str]


def who(world: World, name: int | str) -> int:
    return world.system.actors[str(name)]


def number_of(world: World, name: int | str, sub: int | str) -> int:
    return who(world, name) << 8 | int(sub)


def a_sub(draw: Draw) -> int:
    return draw.pick([0, 0, 0, 1, 2])


# ------------------------------------------------------------------------------------- collateral


def an_account(world: World, draw: Draw) -> tuple[str, int]:
    """Mostly one that has money."""
    rich = [
        (name, sub)
        for name in TRADERS
        for sub in range(MARKETS + 1)
        if number_of(world, name, sub) in world.ledger.accounts
        and (
            world.ledger.account(number_of(world, name, sub)).cash > 10**18
            or world.ledger.account(number_of(world, name, sub)).pledges
        )
    ]
    return draw.pick(rich) if rich and draw.chance(85) else (draw.pick(TRADERS), a_sub(draw))


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


# ------------------------------------------------------------------------------------ liquidation


def unhealthy(world: World) -> list[tuple[int, int]]:
    """(account, market) with E < M, where prices allow to tell."""
    if not world.fresh():
        return []
    found = []
    for number, account in world.ledger.accounts.items():
        if account.positions:
            state = margin.valuation(world.ledger, number)
            if state.equity < state.maintenance:
                found += [(number, m) for m in account.positions]
    return found


def everyone(world: World) -> list[int]:
    """Margin accounts there are; one that is nobody's when there is none."""
    return sorted(world.ledger.accounts) or [1]


def propose_liquidate(world: World, draw: Draw) -> Arguments:
    found = unhealthy(world)
    found = found or [(n, m) for n, a in world.ledger.accounts.items() for m in a.positions]
    if found and not draw.chance(10):
        number, m = draw.pick(found)
    else:
        number, m = draw.pick(everyone(world)), draw.integer(0, MARKETS - 1)
    return [draw.pick(["liquidator", "attacker", "other trader"]), number, m]


def run_liquidate(world: World, name: str, number: int, m: int) -> None:
    caller, before = who(world, name), world.ledger.copy()
    values = {n: _ratio(before, n) for n in (number,)} if world.fresh() else {}
    answer = world.predicted(
        liquidation.liquidate,
        (caller, number, m),
        caller,
        "liquidate(uint256,uint256)",
        *(number, m),
    )
    if isinstance(answer, str):
        return
    old = values[number]
    require(old[0] < old[1], "a healthy account was liquidated")
    new = _ratio(world.ledger, number)
    if old[0] >= 0:
        dust = 10**9 * (1 + old[1] // WAD)
        # The cap on price rounding: E'/M' >= E/M up to a few wei of either.
        require(new[0] * old[1] >= old[0] * new[1] - dust * WAD, "liquidation worsened health")
    moved = [
        n
        for n in before.holders(m)
        if n != number
        and before.accounts[n].positions[m] != world.ledger.accounts[n].positions.get(m)
    ]
    if moved:
        world.seen["deleveraged"] += 1
        require(margin.valuation(before, number).value < 0, "deleveraged though worth something")
    if world.ledger.bad_debt > before.bad_debt:
        world.seen["bad debt"] += 1


def _ratio(ledger: Ledger, number: int) -> tuple[int, int]:
    state = margin.valuation(ledger, number)
    return state.equity, state.maintenance


def propose_liquidate_collateral(world: World, draw: Draw) -> Arguments:
    debtors = [n for n, a in world.ledger.accounts.items() if a.cash < 0]
    number = draw.pick(debtors or everyone(world))
    return [
        draw.pick(["liquidator", "attacker"]),
        number,
        draw.pick([1, 2, 1, 0]),
        draw.amount(10**24),
    ]


def run_liquidate_collateral(world: World, name: str, number: int, c: int, raw: int) -> None:
    caller = who(world, name)
    world.predicted(
        liquidation.liquidate_collateral,
        (caller, number, c, raw),
        caller,
        "liquidate_collateral(uint256,uint256,uint256)",
        *(number, c, raw),
    )


# ---------------------------------------------------------------------------------------- pledges


def propose_mint_liquidity(world: World, draw: Draw) -> Arguments:
    tick = world.system.spot()[1] // 10 * 10
    half = 10 * draw.pick([1, 20, 200, 2_000])
    offset = 10 * draw.pick([0, 0, draw.integer(-300, 300)])
    return [draw.pick(["liquidity provider", "attacker"]), tick + offset - half,
            tick + offset + half, draw.integer(1, 200)]  # fmt: skip


def run_mint_liquidity(world: World, name: str, lower: int, upper: int, units: int) -> None:
    s, actor = world.system, who(world, name)
    signature = (
        "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
    )
    from tests.stateful.system import call

    amounts = (units * WAD // 10, units * 200 * 10**6)
    next_id = s.read(s.manager, 13) & (2**176 - 1)
    data = call(
        signature,
        *(world.base, world.usdc, s.protocol.pool.fee_ppm, lower, upper),
        *(*amounts, 0, 0, actor, 2**40),
    )
    answer = s.send(actor, s.manager, data)
    world.note("mint_liquidity", answer)
    if not isinstance(answer, str):
        world.nfts[next_id] = actor


def nft(world: World, token_id: int) -> Pledge:
    position = world.system.view(world.system.manager, "positions(uint256)", token_id)
    return Pledge(position[7], position[5], position[6])


def propose_pledge(world: World, draw: Draw) -> Arguments:
    owned = sorted(world.nfts)
    token_id = draw.pick(owned) if owned else 1
    names = {address: name for name, address in world.system.actors.items()}
    owner = names.get(world.nfts.get(token_id, 0), "attacker")
    return [owner if draw.chance(90) else "attacker", draw.pick([0, 0, 0, 0, 1]), token_id]


def run_pledge(world: World, name: str, sub: int, token_id: int) -> None:
    actor = who(world, name)
    if world.nfts.get(token_id) != actor:
        return
    answer = world.predicted(
        pledging.pledge,
        (actor, sub, token_id, nft(world, token_id)),
        actor,
        "pledge(uint256,uint256)",
        *(sub, token_id),
    )
    if not isinstance(answer, str):
        del world.nfts[token_id]


def pledged(world: World) -> list[tuple[int, int]]:
    """(account, token id) of all but the vault's."""
    return [
        (number, token_id)
        for number, account in world.ledger.accounts.items()
        for token_id in account.pledges
        if number >> 8 != world.system.vault
    ]


def propose_release(world: World, draw: Draw) -> Arguments:
    held = pledged(world)
    if not held:
        return ["liquidity provider", 1]
    number, token_id = draw.pick(held)
    names = {address: name for name, address in world.system.actors.items()}
    return [draw.pick([names[number >> 8], "attacker"]), token_id]


def run_release(world: World, name: str, token_id: int) -> None:
    actor = who(world, name)
    answer = world.predicted(
        pledging.release,
        (actor, 0, token_id),
        actor,
        "release(uint256,uint256,address)",
        *(0, token_id, actor),
    )
    if not isinstance(answer, str):
        world.nfts[token_id] = actor


def propose_liquidate_pledge(world: World, draw: Draw) -> Arguments:
    held = [(n, t) for n, a in world.ledger.accounts.items() for t in a.pledges]
    sick = {number for number, _ in unhealthy(world)}
    held = [h for h in held if h[0] in sick] or held
    number, token_id = draw.pick(held) if held else (1, 1)
    return [draw.pick(["liquidator", "attacker"]), number, token_id]


def run_liquidate_pledge(world: World, name: str, number: int, token_id: int) -> None:
    caller, owned = who(world, name), world.ledger.account(number).pledges.get(token_id)
    answer = world.predicted(
        pledging.liquidate_pledge,
        (caller, number, token_id, world.system.spot()[0]),
        caller,
        "liquidate_pledge(uint256,uint256)",
        *(number, token_id),
    )
    if isinstance(answer, str) or owned is None:
        return
    left = world.ledger.account(number).pledges.get(token_id)
    if number >> 8 == world.system.vault:
        world.count_pledged()
    elif left is None:
        world.nfts[token_id] = number >> 8


# ----------------------------------------------------------------------------- the venue's people


def propose_fund_venue(world: World, draw: Draw) -> Arguments:
    return [draw.pick(["insurance", "maker"]), draw.amount(10_000 * 10**6)]


def run_fund_venue(world: World, which: str, raw: int) -> None:
    def fund(ledger: Ledger) -> None:
        ledger.held[0] += raw
        if which == "maker":
            ledger.maker_cash += raw * ledger.cash_unit
        else:
            ledger.insurance_fund += raw * ledger.cash_unit

    donor = who(world, "donor")
    if world.system.balance(USDC, donor) < raw:
        return
    world.predicted(fund, (), donor, f"fund_{which}(uint256)", raw)


def propose_set_skew_scale(world: World, draw: Draw) -> Arguments:
    m = draw.integer(0, MARKETS - 1)
    scale = world.ledger.terms[m].skew_scale
    return [m, scale * draw.integer(50, 200) // 100 if draw.chance(70) else scale]


def run_set_skew_scale(world: World, m: int, scale: int) -> None:
    from dataclasses import replace

    def change(ledger: Ledger) -> None:
        if scale != ledger.terms[m].skew_scale:
            perp.accrue(ledger, m)
            ledger.terms = list(ledger.terms)
            ledger.terms[m] = replace(ledger.terms[m], skew_scale=scale)

    manager = world.system.venue_manager
    world.predicted(change, (), manager, "set_skew_scale(uint256,uint256)", m, scale)


def propose_post_covariance(world: World, draw: Draw) -> Arguments:
    return [draw.integer(0, 6_000_000) for _ in range(5)]


def run_post_covariance(world: World, *volatilities: int) -> None:
    """One common factor and one of its own for each asset; USDC has a tenth."""
    rows = []
    for i, volatility in enumerate(volatilities):
        size = volatility // 10 if i == 0 else volatility
        row = [0] * 8
        row[0], row[1 + i] = size, size // 2
        rows.append(tuple(row))

    def post(ledger: Ledger) -> None:
        ledger.rows = dict(zip(ledger.rows, rows, strict=True))

    flat = [entry for row in rows for entry in row]
    world.predicted(
        post, (), world.system.venue_manager, "post_covariance(int32[8][])", 32, len(rows), *flat
    )


def propose_pause_venue(world: World, draw: Draw) -> Arguments:
    return [0 if world.ledger.paused else int(draw.chance(30))]


def run_pause_venue(world: World, paused: int) -> None:
    def switch(ledger: Ledger) -> None:
        ledger.paused = bool(paused)

    s = world.system
    sender, name = (s.guardian, "pause()") if paused else (s.owner, "unpause()")
    world.predicted(switch, (), sender, name)
