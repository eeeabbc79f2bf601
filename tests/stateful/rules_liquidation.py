"""Rules of liquidations and of pledged liquidity. Outcomes are the reference's."""

from __future__ import annotations

from tests.reference.clearing import liquidation, margin, perp, pledging
from tests.reference.clearing.portfolio import ENTRY_SCALE, norm_up
from tests.reference.clearing.state import Ledger, Pledge
from tests.reference.integers import WAD
from tests.stateful.draws import Draw
from tests.stateful.mismatch import require
from tests.stateful.people import MARKETS, Arguments, everyone, who
from tests.stateful.world import World

# ------------------------------------------------------------------------------------ liquidation


def unhealthy(world: World) -> list[tuple[int, int]]:
    """(account, market) with E < M, at whatever prices were last."""
    last, found = world.ledger.at_last_prices(), []
    if len(last.prices) != len(world.index):
        return []
    for number, account in world.ledger.accounts.items():
        if account.positions:
            state = margin.valuation(last, number)
            if state.equity < state.maintenance:
                found += [(number, m) for m in account.positions]
    return found


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
    known = number in before.accounts
    values = {number: margin.valuation(before.at_last_prices(), number)} if known else {}
    answer = world.predicted(
        liquidation.liquidate,
        (caller, number, m),
        caller,
        "liquidate(uint256,uint256)",
        *(number, m),
    )
    if isinstance(answer, str):
        return
    last = world.ledger.at_last_prices()
    old, new = values[number], margin.valuation(last, number)
    require(old.equity < old.maintenance, "a healthy account was liquidated")
    spread = liquidation.spread_of(before, m)
    if old.equity > old.notional * spread // WAD + 1:
        require_no_worse(last, m, old, new, answer[1])
    moved = [
        n
        for n in before.holders(m)
        if n != number
        and before.accounts[n].positions[m] != world.ledger.accounts[n].positions.get(m)
    ]
    if moved:
        world.seen["deleveraged"] += 1
        require(old.value < 0, "deleveraged though worth something")
    if world.ledger.bad_debt > before.bad_debt:
        world.seen["bad debt"] += 1
    if not world.fresh():
        world.seen["liquidated past a silent feed"] += 1


def require_no_worse(
    ledger: Ledger, m: int, old: margin.Valuation, new: margin.Valuation, penalty: int
) -> None:
    """E/M did not fall, but for what the penalty's USDC hedged and, by the gross rule, spread."""
    spread = 0
    if new.maintenance == new.floored:
        spread = (old.notional - new.notional) * perp.half_spread(ledger, m) // WAD
    row = norm_up(ledger.row(ledger.usdc))
    hedged = penalty * row // ENTRY_SCALE * ledger.parameters.risk_multiple // WAD
    dust = 10**9 * (1 + old.maintenance // WAD)
    equity, maintenance = new.equity + 2 * spread + dust, new.maintenance - 2 * hedged
    holds = equity * old.maintenance >= old.equity * maintenance
    require(holds, "liquidation worsened health")


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
    before = world.ledger.copy()
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
    if before.account(number).positions:
        old = margin.valuation(before.at_last_prices(), number)
        new = margin.valuation(world.ledger.at_last_prices(), number)
        if old.equity > 0 and new.maintenance > new.floored:
            holds = new.equity * old.maintenance >= old.equity * new.maintenance
            require(holds, "selling a pledge worsened health")
    if number >> 8 == world.system.vault:
        world.count_pledged()
    elif left is None:
        world.nfts[token_id] = number >> 8
