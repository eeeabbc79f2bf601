"""Rules of time, prices and the pool: what nobody in the protocol decides."""

from __future__ import annotations

from math import isqrt

from tests.reference.amounts import sqrt_price_of
from tests.reference.integers import WAD
from tests.stateful.draws import Draw
from tests.stateful.genesis import BASE, HOOK, MAX_AGE, USDC
from tests.stateful.people import Arguments, who
from tests.stateful.system import call
from tests.stateful.world import World

MIN_SQRT, MAX_SQRT = (
    4_295_128_740,
    1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341,
)
START = {USDC: 10**18}


def propose_advance(world: World, draw: Draw) -> Arguments:
    """Time, and an honest round of what the index is then."""
    moves = [draw.integer(-150, 150) for _ in world.index]
    if draw.chance(80):
        moves[USDC] = 0
    return [draw.pick([1, 12, 600, 3_600, 20_000]), *moves]


def run_advance(world: World, seconds: int, *moves: int) -> None:
    """``moves`` of the indices in basis points."""
    world.pass_time(seconds)
    move(world, moves)
    world.honest_report()


def move(world: World, moves: tuple[int, ...]) -> None:
    for (token, price), bps, asset in zip(
        list(world.index.items()), moves, (USDC, BASE, 2, 3, HOOK), strict=True
    ):
        new = price * (10_000 + bps) // 10_000
        low, high = (0.7, 1.05) if asset == USDC else (0.05, 20)
        initial = world.initial_index[token]
        world.index[token] = min(max(new, int(initial * low)), int(initial * high))


def propose_shock(world: World, draw: Draw) -> Arguments:
    """A crash or a jump: one asset or all together."""
    size = draw.integer(500, 5_000) * draw.pick([1, -1])
    together = draw.chance(50)
    only = draw.integer(1, 4)
    moves = [size if together or i == only else 0 for i in range(5)]
    moves[USDC] = draw.pick([0, 0, 0, draw.integer(-1_000, 0)])
    return [draw.pick([12, 600]), *moves]


run_shock = run_advance


def propose_silence(world: World, draw: Draw) -> Arguments:
    """Time without reports: prices may go stale."""
    return [draw.pick([600, MAX_AGE - 1, MAX_AGE + 1, 30_000])]


def run_silence(world: World, seconds: int) -> None:
    world.pass_time(seconds)


def propose_faulty_report(world: World, draw: Draw) -> Arguments:
    """One reporter of three: any price, of any time."""
    asset = draw.integer(0, 4)
    price = draw.pick([0, 1, 10**18, 2**191, world.index[world.system.tokens[asset]] * 3, 2**192])
    return [asset, price, draw.integer(-MAX_AGE, 100)]


def run_faulty_report(world: World, asset: int, price: int, delay: int) -> None:
    """With an honest round after it or not: the median of three is an honest one's."""
    token = world.system.tokens[asset]
    refused = world.report(world.system.reporters[2], {token: price}, world.now + delay)
    world.note("faulty_report", refused or [])


def propose_late_report(world: World, draw: Draw) -> Arguments:
    return [draw.integer(0, 1), draw.integer(0, 700)]


def run_late_report(world: World, which: int, age: int) -> None:
    """One honest reporter alone, late; it says what it saw, which is the index.

    While the other honest one is heard: two of three silent or wrong is more than any median bears.
    """
    other = world.system.reporters[1 - which]
    feeds = world.oracle.feeds.values()
    if any(world.now - feed.seen[other][1] > MAX_AGE for feed in feeds):
        return
    refused = world.report(world.system.reporters[which], dict(world.index), world.now - age)
    world.note("late_report", refused or [])


# ------------------------------------------------------------------------------------------- pool


def propose_swap(world: World, draw: Draw) -> Arguments:
    name, sells = draw.pick(["sandwicher", "trader", "attacker"]), draw.integer(0, 1)
    most = world.system.balance(BASE if sells else USDC, who(world, name))
    return [name, sells, draw.amount(most // draw.pick([2, 50, 500, 5_000]))]


def run_swap(world: World, name: str, sells_base: int, raw: int) -> None:
    swap(world, name, sells_base, raw, MIN_SQRT if sells_base else MAX_SQRT)


def swap_data(world: World, actor: int, sells_base: int, raw: int, limit: int) -> bytes:
    pair = (world.base, world.usdc) if sells_base else (world.usdc, world.base)
    return call(
        "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))",
        *(*pair, world.system.protocol.pool.fee_ppm, actor, 2**40, raw, 0, limit),
    )


def swap(world: World, name: str, sells_base: int, raw: int, limit: int) -> None:
    actor = who(world, name)
    data = swap_data(world, actor, sells_base, raw, limit)
    answer = world.system.send(actor, world.system.router, data)
    world.note("swap", answer if not isinstance(answer, str) else "refused")


def propose_arbitrage(world: World, draw: Draw) -> Arguments:
    return [draw.integer(-30, 30)]


def run_arbitrage(world: World, bps: int) -> None:
    """Bring the pool to the index, give or take some basis points, as arbitrageurs would."""
    target = sqrt_price_of(world.index[world.base], world.index[world.usdc], 18)
    target = target * isqrt((10_000 + bps) * WAD * WAD // 10_000) // WAD
    spot = world.system.spot()[0]
    if spot == target:
        return
    s = world.system
    sells = int(target < spot)
    actor = who(world, "sandwicher")
    from simulator.chain.evm.codec import selector, words

    # The arbitrageur has all it takes: tokens minted by the deployer.
    raw = 10**5 * WAD if sells else 2 * 10**14
    asset = BASE if sells else USDC
    mint = selector("mint(address,uint256)") + words(actor, raw)
    s.send(s.owner, s.tokens[asset], mint)
    had = {a: s.balance(a, actor) for a in (USDC, BASE)}
    swap(world, "sandwicher", sells, raw, target)
    world.note("arbitrage", [])
    left = s.balance(asset, actor) - (had[asset] - raw)
    burn = min(left, raw)
    s.send(actor, s.tokens[asset], call("transfer(address,uint256)", s.owner, burn))


def propose_depth(world: World, draw: Draw) -> Arguments:
    return [draw.integer(30, 150)]


def run_depth(world: World, percent: int) -> None:
    """The background liquidity of the pool changes."""
    s = world.system
    targets = [
        (band.tick_lower, band.tick_upper, band.liquidity * percent // 100)
        for band in s.protocol.pool.background
    ]
    flat = [x for target in targets for x in target]
    data = call("set_liquidity((int24,int24,uint128)[])", 32, len(targets), *flat)
    answer = s.send(int(s.deployed.roles.liquidity_owner, 16), int(s.deployed.provider, 16), data)
    world.note("depth", answer if not isinstance(answer, str) else "refused")
