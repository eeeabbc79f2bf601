"""The second hedge venue as deployed: Aave v3 with a lender, and a pool for each hedge asset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.chain.deploy import aave_v3 as aave
from simulator.chain.deploy import artifacts
from simulator.chain.deploy import uniswap_v3 as uniswap
from simulator.chain.deploy.terms import struct
from simulator.chain.evm.codec import MAX_UINT256, Contract, encode_constructor
from simulator.chain.evm.transport import created_address
from simulator.protocol import lending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.chain.evm.transport import Transport
    from simulator.world.protocol import AaveParameters, Protocol, ReserveParameters

PRICE_DECIMALS = 18
# Enough for any path: the background range and prices moving by orders of magnitude.
_PROVIDER_FUNDS = 2**112
VARIABLE = 2


@dataclass(frozen=True)
class Lending:
    """Where Aave and its legs are; tuples by leg, ``feeds`` with USDC's first."""

    aave: str  # Pool
    hedge: str  # AaveHedge
    pools: tuple[str, ...]
    providers: tuple[str, ...]
    feeds: tuple[str, ...]
    a_tokens: tuple[str, ...]  # USDC's first
    debt_tokens: tuple[str, ...]  # USDC's first
    assets: tuple[int, ...]  # by leg, as Protocol.assets


def deploy(
    transport: Transport,
    deployer: str,
    lender: str,
    protocol: Protocol,
    parameters: AaveParameters,
    tokens: Sequence[Contract],
    oracle: str,
    factory: Contract,
    vault_parts: int,
) -> Lending:
    """Everything but the vault, which ``deployer`` must create next, after its ``vault_parts``.

    ``lender`` stands for everybody else: it supplies and borrows what the reserves start with.
    """

    def new(name: str, /, **arguments: object) -> Contract:
        artifact = artifacts.load(name)
        code = encode_constructor(artifact, **arguments)
        return Contract(artifact, transport.deploy(deployer, code), transport)

    reserves = (parameters.usdc, *(leg.reserve for leg in parameters.legs))
    usdc = tokens[0]
    feeds = [
        new(
            "PriceFeed",
            oracle_=oracle,
            asset_=tokens[reserve.asset].address,
            decimals_=PRICE_DECIMALS,
            description_=f"{protocol.assets[reserve.asset].symbol} / USD",
        ).address
        for reserve in reserves
    ]
    market = aave.deploy(
        transport,
        deployer,
        [
            _reserve(protocol, parameters, reserve, tokens, feed)
            for reserve, feed in zip(reserves, feeds, strict=True)
        ],
    )
    _lend(market, deployer, lender, protocol, reserves, tokens)
    pools, providers = [], []
    for leg in parameters.legs:
        asset, at = tokens[leg.reserve.asset], leg.pool
        pool = uniswap.add_pool(
            transport, factory, deployer, asset.address, usdc.address,
            at.fee_ppm, at.tick_spacing, at.sqrt_price_x96,
        )  # fmt: skip
        provider = new("PassiveProvider", owner=deployer, pool=pool.address)
        for token in (asset, usdc):
            token.transact(deployer, "mint", provider.address, _PROVIDER_FUNDS)
        targets = [(r.tick_lower, r.tick_upper, r.liquidity) for r in at.background]
        provider.transact(deployer, "set_liquidity", targets)
        pools.append(pool.address)
        providers.append(provider.address)
    vault = created_address(deployer, transport.nonce(deployer) + 1 + vault_parts)
    listings = [
        {"asset": tokens[leg.reserve.asset].address, "pool": pool}
        for leg, pool in zip(parameters.legs, pools, strict=True)
    ]
    hedge = new(
        "AaveHedge",
        vault_=vault,
        oracle_=oracle,
        aave=market.pool.address,
        usdc=usdc.address,
        listings=listings,
    )
    return Lending(
        aave=market.pool.address,
        hedge=hedge.address,
        pools=tuple(pools),
        providers=tuple(providers),
        feeds=tuple(feeds),
        a_tokens=tuple(market.a_token(tokens[r.asset].address) for r in reserves),
        debt_tokens=tuple(market.variable_debt(tokens[r.asset].address) for r in reserves),
        assets=tuple(leg.reserve.asset for leg in parameters.legs),
    )


def _reserve(
    protocol: Protocol,
    parameters: AaveParameters,
    reserve: ReserveParameters,
    tokens: Sequence[Contract],
    feed: str,
) -> aave.Reserve:
    """Only USDC is collateral: what else the venue might be given counts for nothing."""
    token = protocol.assets[reserve.asset]
    usdc = reserve.asset == 0
    return aave.Reserve(
        token=tokens[reserve.asset].address,
        symbol=token.symbol,
        decimals=token.decimals,
        price_feed=feed,
        rates=struct(reserve, lending.STRATEGY),
        ltv=parameters.ltv if usdc else 0.0,
        threshold=parameters.liquidation_threshold if usdc else 0.0,
        bonus=parameters.liquidation_bonus if usdc else 0.0,
        factor=reserve.factor,
    )


def _lend(
    market: aave.Aave,
    deployer: str,
    lender: str,
    protocol: Protocol,
    reserves: Sequence[ReserveParameters],
    tokens: Sequence[Contract],
) -> None:
    """What others supply and owe at the start. Borrowing reads prices: there must be a round."""
    for reserve in reserves:
        token = tokens[reserve.asset]
        raw = int(reserve.supplied * 10 ** protocol.assets[reserve.asset].decimals)
        if raw:
            token.transact(deployer, "mint", lender, raw)
            token.transact(lender, "approve", market.pool.address, MAX_UINT256)
            market.pool.transact(lender, "supply", token.address, raw, lender, 0)
    for reserve in reserves:
        raw = int(reserve.borrowed * 10 ** protocol.assets[reserve.asset].decimals)
        if raw:
            address = tokens[reserve.asset].address
            market.pool.transact(lender, "borrow", address, raw, VARIABLE, 0, lender)
