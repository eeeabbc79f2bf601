"""The contracts of commit fe8ea04, whose sources are kept beside this file, at the same terms.

Nothing here takes a number from the simulator: terms of today need not be terms of then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from simulator.chain.deploy import artifacts
from simulator.chain.deploy import uniswap_v3 as uniswap
from simulator.chain.deploy.artifacts import Artifact
from simulator.chain.evm.codec import MAX_UINT256
from simulator.chain.evm.transport import created_address
from tests.hunt.ground import (
    ALT,
    DECIMALS,
    DEPTH,
    ETH,
    GUSD,
    HALF_SPREAD,
    INITIAL_MULTIPLE,
    INVENTORY,
    MAINTENANCE,
    MARKETS,
    MAX_AGE,
    PRICES,
    SYMBOLS,
    TAKER_FEE,
    USDC,
    USDC_UNIT,
    WAD,
    Ground,
    chain,
    finish,
    list_collaterals,
    maker,
)
from tests.hunt.quick import QuickContract

New = Callable[..., QuickContract]

ROOT = Path(__file__).with_name("fe8ea04")
GENESIS = 1_700_000_000
SQRT_PRICE = 3_407_732_121_289_077_999_980_011  # 1,850 USDC, Q64.96
# Lower tick, upper tick, liquidity of everybody else in the pool.
BACKGROUND = [
    (-203_340, -198_840, 218_515_474_852_774_464),
    (-205_800, -196_380, 55_404_818_878_088_440),
    (-887_220, 887_220, 11_624_763_874_381_936),
]
FEE, SPACING = 500, 10  # of the pool: parts per million, ticks
MAKER, INSURANCE = 50_000_000, 1_000_000  # USDC
INSURANCE_CAP, MAKER_CAP = 500_000, 5_000_000  # USDC, of each market


@cache
def load(name: str) -> Artifact:
    """The contract as it was."""
    return artifacts.compiled(ROOT / "contracts" / f"{name}.vy", ROOT)


# IHedgeVault.Parameters of then; WAD fractions but for ticks, raw USDC and seconds.
VAULT = (
    1_800,  # range half width
    WAD * 8 // 10,  # recentring threshold
    WAD * 65 // 100,  # in the pool
    WAD * 30 // 100,  # as margin
    WAD // 50,  # hedge band
    WAD // 100,  # slippage
    *(6 * WAD, 4 * WAD, WAD * 5 // 2),  # margin: target, top-up, deleveraging
    *(0, 0),  # rewards
    *(WAD // 200, WAD // 200, 0, 0),  # fees: entry, exit, management, performance
    10**9 * USDC_UNIT,  # deposit cap
    *(3 * WAD, WAD // 2, 43_200),  # betas: most, most change, interval
)


def ground() -> Ground:
    """Penalties and rewards that pay for a service are off, or a service would be a profit."""
    transport = chain()
    transport.set_time(GENESIS)
    who = transport.account
    owner = who("deployer")
    new = maker(transport, owner, load)
    tokens = _tokens(transport.nonce(owner), owner, new)
    oracle = new("PriceOracle", owner)
    for token in tokens[:GUSD]:
        oracle.transact(owner, "add_feed", token.address, MAX_AGE, WAD // 200)
    clearing = _clearing(owner, new, oracle, tokens)
    clearing.transact(owner, "set_risk_manager", who("venue"))
    clearing.transact(owner, "set_guardian", who("guardian"))

    usdc, base = tokens[USDC].address, tokens[ETH].address
    amm = uniswap.deploy(transport, owner, base, usdc, FEE, SPACING, SQRT_PRICE)
    provider = new("PassiveProvider", who("liquidity owner"), amm.pool.address)
    for token in tokens[: ETH + 1]:
        token.transact(owner, "mint", provider.address, 2**112)
    provider.transact(who("liquidity owner"), "set_liquidity", BACKGROUND)
    places = (usdc, base, amm.pool.address, amm.manager.address, oracle.address, clearing.address)
    strategy = new("VaultStrategy", (*places, False, False)).address
    hedges = [(clearing.address, market) for market in range(len(MARKETS))]
    vault = new("HedgeVault", *places, hedges, VAULT, False, False, strategy)
    vault.transact(owner, "set_risk_manager", who("risk manager"))
    vault.transact(owner, "set_guardian", who("guardian"))
    made = Ground(
        chain=transport,
        clearing=clearing,
        oracle=oracle,
        vault=vault,
        tokens=tokens,
        provider=provider,
        background=BACKGROUND,
        owner=owner,
        guardian=who("guardian"),
        risk_manager=who("venue"),
        beta_manager=who("risk manager"),
        reporters=[who("reporter"), *(who(f"reporter {i}") for i in (1, 2))],
        liquidity_owner=who("liquidity owner"),
    )
    list_collaterals(made, GUSD, ALT)
    return finish(made)


def _tokens(nonce: int, owner: str, new: New) -> list[QuickContract]:
    """The pool sorts its tokens by address, and USDC has to come last."""
    coming = [created_address(owner, nonce + i) for i in range(len(SYMBOLS))]
    order = [i for i in range(len(SYMBOLS)) if i != USDC]
    order.insert(max(range(len(SYMBOLS)), key=lambda i: int(coming[i], 16)), USDC)
    made = {i: new("Token", SYMBOLS[i], SYMBOLS[i], DECIMALS[i]) for i in order}
    return [made[i] for i in range(len(SYMBOLS))]


def _clearing(
    owner: str, new: New, oracle: QuickContract, tokens: list[QuickContract]
) -> QuickContract:
    """The venue with its markets, and the money of maker and insurance."""
    usdc = tokens[USDC]
    names = ("LiquidationEngine", "BackOffice")
    parts = [new(name, oracle.address, usdc.address).address for name in names]
    parameters = (INITIAL_MULTIPLE, WAD // 100, 0, WAD // 2, WAD, 0, 14_400)
    terms = (owner, oracle.address, usdc.address, 0, 10**9 * USDC_UNIT, parameters, *parts)
    clearing = new("ClearingHouse", *terms)
    for asset in MARKETS:
        unit = WAD // PRICES[asset]  # WAD of base per USD
        scales = (DEPTH * unit, HALF_SPREAD, TAKER_FEE, WAD // 10, 4 * INVENTORY * unit)
        caps = (DEPTH * unit, INSURANCE_CAP * WAD, MAKER_CAP * WAD)
        market = (tokens[asset].address, *scales, MAINTENANCE, *caps)
        clearing.transact(owner, "add_market", market)
    base = tokens[ETH].address
    clearing.transact(owner, "add_collateral", base, WAD * 15 // 100, 10**5 * WAD)
    usdc.transact(owner, "mint", owner, (MAKER + INSURANCE) * USDC_UNIT)
    usdc.transact(owner, "approve", clearing.address, MAX_UINT256)
    clearing.transact(owner, "fund_maker", MAKER * USDC_UNIT)
    clearing.transact(owner, "fund_insurance", INSURANCE * USDC_UNIT)
    return clearing
