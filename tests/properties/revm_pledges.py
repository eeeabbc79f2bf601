"""A clearing house on revm that takes real Uniswap v3 positions as collateral."""

from __future__ import annotations

from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any

from simulator.world.chain.artifacts import EVM_VERSION, Artifact, load
from simulator.world.chain.codec import Contract, encode_constructor
from tests.properties.revm_venue import HIGHEST, WAD, RevmVenue

FEE, HALF = 500, 2_000  # ticks on each side of the price
HAIRCUT = 15 * WAD // 100
CAP = 10**22
NOWHERE = "0x" + "00" * 20
FOREVER = 2**40


@cache
def compiled(name: str) -> Artifact:
    """``<name>.vy`` beside this file."""
    from vyper import compile_code
    from vyper.compiler.settings import Settings

    source = (Path(__file__).parent / f"{name}.vy").read_text(encoding="utf-8")
    output = compile_code(
        source, output_formats=["abi", "bytecode"], settings=Settings(evm_version=EVM_VERSION)
    )
    code = bytes.fromhex(output["bytecode"].removeprefix("0x"))
    return Artifact(name, output["abi"], code, b"")


class PledgeVenue(RevmVenue):
    """``RevmVenue`` with a WETH/USDC pool at the oracle price, its manager, and its positions."""

    def __init__(self) -> None:
        super().__init__(funding=False)
        self.owner = self.address("owner")
        weth, usdc = self.addresses["WETH"], self.addresses["USDC"]
        factory = self.new("UniswapV3Factory")
        factory.transact(self.owner, "createPool", weth, usdc, FEE)
        pool = factory.call("getPool", weth, usdc, FEE)
        self.pool = Contract(load("UniswapV3Pool"), pool, self.chain)
        self.pool.transact(self.owner, "initialize", isqrt(2_000 * 2**192 // 10**12))
        self.manager = self.new("NonfungiblePositionManager", factory.address, NOWHERE, NOWHERE)
        self.do("owner", "set_lp_collateral", self.manager.address, pool, HAIRCUT, CAP)
        for actor in ("owner", "trader", "hedger", "liquidator"):
            for symbol in ("WETH", "USDC"):
                self._contracts[symbol].transact(
                    self.address(actor), "approve", self.manager.address, HIGHEST
                )
            self.manager.transact(
                self.address(actor), "setApprovalForAll", self.addresses["clearing"], True
            )

    def new(self, name: str, *arguments: Any) -> Contract:
        """A contract deployed by the owner."""
        address = self.chain.deploy(self.owner, encode_constructor(load(name), *arguments))
        return Contract(load(name), address, self.chain)

    def rearranger(self) -> Contract:
        """A contract that may hold an account and answers ``on_rearrange``."""
        artifact = compiled("rearranger")
        code = encode_constructor(artifact, self.addresses["clearing"])
        return Contract(artifact, self.chain.deploy(self.owner, code), self.chain)

    def mint(self, actor: str, weth: int, to: str | None = None) -> int:
        """A position around the price of at most ``weth`` whole WETH; returns its token id."""
        tick = self.pool.call("slot0")[1] // 10 * 10
        token_id, *_ = self.manager.transact(
            self.address(actor), "mint",
            (
                self.addresses["WETH"], self.addresses["USDC"], FEE, tick - HALF, tick + HALF,
                weth * WAD, weth * 4_000 * 10**6, 0, 0, to or self.address(actor), FOREVER,
            ),
        )  # fmt: skip
        return int(token_id)

    def liquidity(self, token_id: int) -> int:
        """What the manager says."""
        return int(self.manager.call("positions", token_id)[7])

    def holder(self, token_id: int) -> str:
        """Owner of the NFT."""
        return str(self.manager.call("ownerOf", token_id)).lower()
