"""A clearing house on revm that takes real Uniswap v3 positions as collateral."""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any

from simulator.chain.deploy.artifacts import compiled, load
from simulator.chain.evm.codec import Contract, encode_constructor
from tests.properties.revm_venue import HIGHEST, RevmVenue
from tests.reference.clearing.state import Pledge
from tests.reference.integers import WAD

FEE, HALF = 500, 1_980  # ticks on each side of the price, a multiple of every spacing
HAIRCUT = 15 * WAD // 100
CAP = 10**22
NOWHERE = "0x" + "00" * 20
FOREVER = 2**40


class PledgeVenue(RevmVenue):
    """``RevmVenue`` with a WETH/USDC pool at the oracle price, its manager, and its positions."""

    def __init__(self) -> None:
        super().__init__(funding=False)
        self.owner = self.address("owner")
        self.factory = self.new("UniswapV3Factory")
        self.pool = self.new_pool(FEE)
        self.manager = self.new(
            "NonfungiblePositionManager", self.factory.address, NOWHERE, NOWHERE
        )
        self.do("owner", "set_lp_collateral", self.manager.address, self.pool.address, HAIRCUT, CAP)
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
        artifact = compiled(Path(__file__).with_name("rearranger.vy"))
        code = encode_constructor(artifact, self.addresses["clearing"])
        return Contract(artifact, self.chain.deploy(self.owner, code), self.chain)

    def new_pool(self, fee: int) -> Contract:
        """A WETH/USDC pool of a fee tier, at 2,000 USDC."""
        pair = self.addresses["WETH"], self.addresses["USDC"], fee
        self.factory.transact(self.owner, "createPool", *pair)
        pool = Contract(load("UniswapV3Pool"), self.factory.call("getPool", *pair), self.chain)
        pool.transact(self.owner, "initialize", isqrt(2_000 * 2**192 // 10**12))
        return pool

    def mint(
        self, actor: str, weth: int, to: str | None = None, fee: int = FEE, half: int = HALF
    ) -> int:
        """A position around the price of at most ``weth`` whole WETH; returns its token id."""
        tick = self.pool.call("slot0")[1] // 60 * 60  # of any pool's spacing
        token_id, *_ = self.manager.transact(
            self.address(actor), "mint",
            (
                self.addresses["WETH"], self.addresses["USDC"], fee, tick - half, tick + half,
                weth * WAD, weth * 4_000 * 10**6, 0, 0, to or self.address(actor), FOREVER,
            ),
        )  # fmt: skip
        return int(token_id)

    def liquidity(self, token_id: int) -> int:
        """What the manager says."""
        return int(self.manager.call("positions", token_id)[7])

    def most(self, token_id: int) -> int:
        """Raw USDC that the position is worth at most, from what the manager says of it."""
        position = self.manager.call("positions", token_id)
        return Pledge(position[7], position[5], position[6]).most

    def holder(self, token_id: int) -> str:
        """Owner of the NFT."""
        return str(self.manager.call("ownerOf", token_id)).lower()
