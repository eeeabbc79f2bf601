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
class Periphery:
    """Uniswap v3 without a pool."""

    factory: Contract
    router: Contract
    manager: Contract


@dataclass(frozen=True)
class Uniswap(Periphery):
    """One deployed pool with its factory, router and position manager."""

    pool: Contract


def deploy(
    transport: Transport,
    deployer: str,
    token0: str,
    token1: str,
    fee_ppm: int,
    tick_spacing: int,
    sqrt_price_x96: int,
) -> Uniswap:
    """Factory, router, position manager and one initialised pool."""
    factory = _new(transport, deployer, "UniswapV3Factory")
    pool = add_pool(
        transport, factory, deployer, token0, token1, fee_ppm, tick_spacing, sqrt_price_x96,
    )  # fmt: skip
    return Uniswap(factory, *_around(transport, deployer, factory), pool)


def without_pool(transport: Transport, deployer: str) -> Periphery:
    """Factory, router and position manager, for pools of others."""
    factory = _new(transport, deployer, "UniswapV3Factory")
    return Periphery(factory, *_around(transport, deployer, factory))


def _around(transport: Transport, deployer: str, factory: Contract) -> tuple[Contract, Contract]:
    """Router and position manager, with no wrapped ether and no token descriptor.

    Nothing here pays in ether or draws an NFT.
    """
    nothing = ZERO_ADDRESS
    router = _new(transport, deployer, "SwapRouter", factory.address, nothing)
    manager = "NonfungiblePositionManager"
    return router, _new(transport, deployer, manager, factory.address, nothing, nothing)


def _new(transport: Transport, deployer: str, name: str, *arguments: str) -> Contract:
    artifact = artifacts.load(name)
    address = transport.deploy(deployer, encode_constructor(artifact, *arguments))
    return Contract(artifact, address, transport)


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
