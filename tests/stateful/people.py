"""Who does something in the rules, and with which account."""

from __future__ import annotations

from tests.stateful.draws import Draw
from tests.stateful.genesis import BASE, HOOK, USDC
from tests.stateful.world import World

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


def everyone(world: World) -> list[int]:
    """Margin accounts there are; one that is nobody's when there is none."""
    return sorted(world.ledger.accounts) or [1]
