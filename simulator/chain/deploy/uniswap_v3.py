"""Uniswap v3 from its published bytecode: factory, pool, router, position manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import Contract, encode_constructor

if TYPE_CHECKING:
    from simulator.chain.evm.transport import Transport

ZERO_ADDRESS = "0x" + "00" * 20
Q96 = 2**96
# TickMath.sol: prices a swap may be limited to, exclusive at both ends.
MIN_SQRT_RATIO = 4_295_128_739
MAX_SQRT_RATIO = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342


@dataclass(frozen=True)
class Uniswap:
    """One deployed pool with its factory, router and position manager."""

    factory: Contract
    pool: Contract
    router: Contract
    manager: Contract


def deploy(
    transport: Transport,
    deployer: str,
    token0: str,
    token1: str,
    fee_ppm: int,
    tick_spacing: int,
    sqrt_price_x96: int,
) -> Uniswap:
    """Factory, router, position manager and one initialised pool.

    No wrapped ether and no token descriptor: nothing here pays in ether or draws an NFT.
    """

    def new(name: str, *arguments: str) -> Contract:
        artifact = artifacts.load(name)
        address = transport.deploy(deployer, encode_constructor(artifact, *arguments))
        return Contract(artifact, address, transport)

    factory = new("UniswapV3Factory")
    pool = add_pool(
        transport, factory, deployer, token0, token1, fee_ppm, tick_spacing, sqrt_price_x96,
    )  # fmt: skip
    return Uniswap(
        factory,
        pool,
        new("SwapRouter", factory.address, ZERO_ADDRESS),
        new("NonfungiblePositionManager", factory.address, ZERO_ADDRESS, ZERO_ADDRESS),
    )


def add_pool(
    transport: Transport,
    factory: Contract,
    deployer: str,
    token0: str,
    token1: str,
    fee_ppm: int,
    tick_spacing: int,
    sqrt_price_x96: int,
) -> Contract:
    """One more initialised pool of a factory."""
    if factory.call("feeAmountTickSpacing", fee_ppm) != tick_spacing:
        factory.transact(deployer, "enableFeeAmount", fee_ppm, tick_spacing)
    factory.transact(deployer, "createPool", token0, token1, fee_ppm)
    address = factory.call("getPool", token0, token1, fee_ppm)
    pool = Contract(artifacts.load("UniswapV3Pool"), address, transport)
    pool.transact(deployer, "initialize", sqrt_price_x96)
    return pool
