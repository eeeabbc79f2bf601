"""What the largest transactions cost: every seat of a market taken by an account as full as can be.

Each of the 64 holds positions in every market, some of every collateral and four pledged positions
of the pool, under portfolio margin. Measured on Anvil: revm in this process keeps addresses warm.
SPEC §8 has the figures; a block has 30 million gas, and where a chain takes less it says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from eth_typing import HexStr
from eth_utils import to_checksum_address

from simulator.chain.deploy.artifacts import compiled, load
from simulator.chain.deploy.deployment import deploy
from simulator.chain.evm.codec import MAX_UINT256, Contract, encode_constructor
from simulator.chain.evm.rpc import RpcTransport
from simulator.config import load as scenario
from simulator.config.resolve import resolve
from tests.sizes import CAMPAIGN

if TYPE_CHECKING:
    from web3.types import TxParams

WAD = 10**18
SEATS = 64
BLOCK_GAS = 30_000_000
TRANSACTION_GAS = 2**24  # EIP-7825
SPEC = Path(__file__).parents[2] / "contracts" / "SPEC.md"
MAKER = 10**12  # raw USDC behind each market beyond the scenario's
PLEDGES, HALF_WIDTH = 4, 1_800  # positions of a member, ticks on each side of the price
ASIDE = 1_000  # USD of a position in any market but the first
FOREVER = 2**40


@dataclass
class FullMarket:
    """A venue whose accounts hold ``markets`` positions and ``collaterals`` tokens besides USDC."""

    url: str
    markets: int
    collaterals: int

    def __post_init__(self) -> None:
        from web3.types import RPCEndpoint

        protocol = resolve(scenario("calm", ["clearing.margin=portfolio"]))
        venue = replace(protocol.clearing, insurance_funds=0.0)
        self.protocol = replace(protocol, clearing=venue, agents=())
        self.chain = RpcTransport.connect(self.url)
        # Anvil's blocks must hold what others' would not, or there is nothing to measure.
        self.chain.web3.provider.make_request(RPCEndpoint("evm_setBlockGasLimit"), [hex(2**27)])
        self.at = deploy(self.chain, self.protocol)
        self.owner = self.at.roles.deployer
        self.prices = {
            token: int(asset.price * WAD)
            for token, asset in zip(self.at.tokens, self.protocol.assets, strict=True)
        }
        self._widen()
        self.report()
        self.crowd = self._new(compiled(Path(__file__).with_name("crowd.vy")))

    def _new(self, artifact: Any, *arguments: Any) -> Contract:
        code = encode_constructor(artifact, *arguments)
        return Contract(artifact, self.chain.deploy(self.owner, code), self.chain)

    def contract(self, name: str, address: str) -> Contract:
        return Contract(load(name), address, self.chain)

    @cached_property
    def clearing(self) -> Contract:
        return self.contract("ClearingHouse", self.at.clearing)

    @cached_property
    def oracle(self) -> Contract:
        return self.contract("PriceOracle", self.at.oracle)

    @cached_property
    def tick(self) -> int:
        """Of the pool's price, a multiple of its spacing."""
        return int(self.contract("UniswapV3Pool", self.at.pool).call("slot0")[1]) // 60 * 60

    @cached_property
    def assets(self) -> list[str]:
        """Asset of each market."""
        return [self.clearing.call("market", m)[0].lower() for m in range(self.markets)]

    def own(self, contract: Contract, function: str, *arguments: Any) -> None:
        contract.transact(self.owner, function, *arguments)

    def _widen(self) -> None:
        """Tokens, collaterals and markets up to what is asked, and a covariance without a zero."""
        usdc, *basket = self.at.tokens
        while len(basket) < self.collaterals:
            token = self._new(load("Token"), "T", "T", 18).address
            self.own(self.oracle, "add_feed", token, 9_000, 5 * 10**15)
            self.prices[token] = 10 * WAD
            basket.append(token)
        listed = self.clearing.call("collateral_count")
        for token in basket:
            known = [self.clearing.call("collateral", c)[0].lower() for c in range(1, listed)]
            if token.lower() not in known:
                self.own(self.clearing, "add_collateral", token, 15 * 10**16, 10**30)
        terms = self.clearing.call("market", 1)
        for number in range(2, self.markets):
            self.own(self.clearing, "add_market", (basket[number % len(basket)], *terms[1:]))
            self._mint(self.at.tokens[0], self.owner, MAKER)
            self.own(self.clearing, "fund_maker", number, MAKER)
        self.basket, self.usdc = basket, usdc
        self.post(2_000_000)

    def post(self, own: int) -> None:
        """A covariance factor without a zero; ``own``: the diagonal, 10⁻⁸."""
        count = self.clearing.call("risk_asset_count")
        rows = [[own if i == j else 100_000 + i for j in range(8)] for i in range(count)]
        self.clearing.transact(self.at.roles.venue, "post_covariance", rows)

    def later(self, seconds: int) -> None:
        self.chain.set_time(self.chain.time() + seconds)
        self.report()

    def report(self) -> None:
        self.oracle.transact(
            self.at.roles.reporter, "report",
            list(self.prices), list(self.prices.values()), self.chain.time(),
        )  # fmt: skip

    def _mint(self, token: str, to: str, raw: int) -> None:
        self.own(self.contract("Token", token), "mint", to, raw)

    def fill(self, usdc: int, sizes: list[int]) -> list[str]:
        """Members with a position of each size, WAD, in market 0, and of everything else as well.

        ``usdc``: raw, that the first deposits; the others have a tenth of it. Where there is one
        more than seats, he has all but the position in market 0, and a place elsewhere because the
        one before him has nothing but that.
        """
        wallet = {self.usdc: 2 * usdc} | dict.fromkeys(self.basket, WAD)
        for token, raw in wallet.items():
            self._mint(token, self.crowd.address, raw * len(sizes))
        self.own(self.crowd, "enlist", len(sizes), list(wallet), list(wallet.values()))
        members = [str(self.crowd.call("members", i)).lower() for i in range(len(sizes))]
        for number, (member, size) in enumerate(zip(members, sizes, strict=True)):
            trades = self.trades(number, size)
            kept = {SEATS - 1: trades[:1], SEATS: trades[1:]}.get(number, trades)
            backing = self._backing(number, member, usdc if number == 0 else usdc // 10)
            self.own(self.member(member), "execute", backing + kept)
        return members

    def member(self, address: str) -> Contract:
        return Contract(compiled(Path(__file__).with_name("crowd.vy")), address, self.chain)

    def _backing(self, number: int, member: str, usdc: int) -> list[tuple[str, bytes]]:
        """Some of every collateral, and four positions of the pool pledged."""
        clearing = self.clearing
        manager = self.contract("NonfungiblePositionManager", self.at.manager)
        tick = self.tick
        calls = [
            (token, self.contract("Token", token).calldata("approve", spender, MAX_UINT256))
            for token in (self.usdc, *self.basket)
            for spender in (clearing.address, manager.address)
        ]
        calls.append((
            manager.address, manager.calldata("setApprovalForAll", clearing.address, True),
        ))  # fmt: skip
        for c in range(1 + len(self.basket)):
            raw = usdc if c == 0 else WAD // 1_000
            calls.append((clearing.address, clearing.calldata("deposit", member, 0, c, raw)))
        for place in range(PLEDGES):
            terms = (
                self.at.tokens[1], self.usdc, self.protocol.pool.fee_ppm,
                tick - HALF_WIDTH, tick + HALF_WIDTH, WAD // 1_000, usdc // 20, 0, 0,
                member, FOREVER,
            )  # fmt: skip
            calls.append((manager.address, manager.calldata("mint", terms)))
            token_id = PLEDGES * number + place + 1
            calls.append((clearing.address, clearing.calldata("pledge", 0, token_id)))
        return calls

    def trades(self, number: int, size: int) -> list[tuple[str, bytes]]:
        sizes = [size]
        for market in range(1, self.markets):
            size = ASIDE * WAD * WAD // self.prices[self.assets[market]]
            sizes.append(size if number % 2 else -size)
        return [
            (
                self.at.clearing,
                self.clearing.calldata("trade", 0, m, s, MAX_UINT256 if s > 0 else 0),
            )
            for m, s in enumerate(sizes)
        ]

    def needed(self, to: str, data: bytes) -> int:
        """Sends it as anyone; the gas limit it needed, which is what it used before refunds."""
        eth = self.chain.web3.eth
        call: TxParams = {
            "from": eth.accounts[0],
            "to": to_checksum_address(to),
            "data": HexStr("0x" + data.hex()),
        }
        gas = call["gas"] = int(eth.estimate_gas(call))
        receipt = eth.wait_for_transaction_receipt(eth.send_transaction(call))
        assert receipt["status"] == 1
        return gas


# Of market 0, WAD: one long, 63 shorts, and a newcomer more than twice as large as the smallest.
LOSER, LEAVER, WINNER, NEWCOMER = 30 * WAD, -44 * WAD // 100, -45 * WAD // 100, -90 * WAD // 100
MARGIN = 150_000 * 10**6


# Positions in so many markets, so many collaterals besides USDC.
WIDTHS = {"two markets": (2, 3), "four markets": (4, 3), "eight markets": (8, 7)}


@pytest.mark.parametrize("label", WIDTHS if CAMPAIGN else ["two markets"])
def test_the_largest_transactions_need_what_the_specification_says(
    label: str, anvil_url: str
) -> None:
    venue = FullMarket(anvil_url, *WIDTHS[label])
    sizes = [LOSER, LEAVER, *[WINNER] * (SEATS - 2), NEWCOMER]
    *seated, newcomer = venue.fill(MARGIN, sizes)
    assert len(venue.clearing.call("holders", 0)) == SEATS
    holders = [int(member, 16) << 8 for member in seated]
    # Funding is due everywhere and the covariance is on its way: nothing is read off as it stands.
    venue.later(3_600)
    venue.post(2_200_000)
    venue.later(60)

    member, (order, *_) = venue.member(newcomer), venue.trades(SEATS, NEWCOMER)
    figures = {"trade": venue.needed(newcomer, member.calldata("execute", [order]))}
    left = set(holders) ^ set(venue.clearing.call("holders", 0))
    assert left == {holders[1], int(newcomer, 16) << 8}

    asset = venue.at.tokens[venue.protocol.clearing.markets[0].asset]
    opening = venue.prices[asset]
    # All others lose and can pay for it; all are insolvent, and close with it.
    for name, price, seats in (("close", opening * 21 // 20, SEATS), ("with all", 5 * opening, 1)):
        before = venue.chain.snapshot()
        figures[name] = closing(venue, asset, seated[0], price)
        assert len(venue.clearing.call("holders", 0)) == seats
        venue.chain.revert(before)

    venue.later(60)
    venue.prices[asset] = opening * 3 // 4
    venue.report()
    assert venue.clearing.call("account_state", holders[0])[1] < 0
    data = venue.clearing.calldata("liquidate", holders[0], 0)
    figures["liquidate"] = venue.needed(venue.clearing.address, data)
    assert venue.clearing.call("holders", 0) == ()  # every winner was asked, and closed
    for name, gas in figures.items():
        assert gas == pytest.approx(written(label)[name], rel=0.05), name


def closing(venue: FullMarket, asset: str, member: str, price: int) -> int:
    """Gas of closing most of the one long, more than all others hold, at a price."""
    venue.later(60)
    venue.prices[asset] = price
    venue.report()
    order = venue.clearing.calldata("trade", 0, 0, -LOSER * 97 // 100, 0)
    data = venue.member(member).calldata("execute", [(venue.at.clearing, order)])
    return venue.needed(member, data)


def written(label: str) -> dict[str, float]:
    """Gas by operation, as SPEC §8 says."""
    (row,) = re.findall(rf"^  \| {label},.*$", SPEC.read_text(encoding="utf-8"), re.MULTILINE)
    figures = map(float, re.findall(r"\| ([\d.]+) m", row))
    return {
        name: figure * 1e6
        for name, figure in zip(("trade", "close", "with all", "liquidate"), figures, strict=True)
    }


def test_the_largest_transactions_fit_a_block_and_up_to_four_markets_a_transaction() -> None:
    two, four, eight = (written(label) for label in WIDTHS)
    assert two["liquidate"] < 0.9 * TRANSACTION_GAS
    assert four["liquidate"] < TRANSACTION_GAS < eight["liquidate"] < 0.8 * BLOCK_GAS
    assert eight["trade"] < 0.1 * BLOCK_GAS
    assert eight["close"] < 0.7 * TRANSACTION_GAS
