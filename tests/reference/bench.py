"""The compiled clearing house on revm over a state that is written straight into its storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from simulator.chain.deploy.artifacts import load
from simulator.chain.deploy.deployment import CLEARING_PARTS
from simulator.chain.deploy.uniswap_v3 import ZERO_ADDRESS
from simulator.chain.evm.codec import (
    MAX_UINT256,
    Contract,
    Reverted,
    encode_constructor,
    reason,
    selector,
    signed_word,
    words,
)
from simulator.chain.evm.revm import RevmTransport, Transaction
from tests.reference.amounts import sqrt_price_of
from tests.reference.clearing.state import Ledger, Pledge
from tests.reference.drawing import NOW, Place
from tests.reference.integers import WAD
from tests.reference.storage import initial_words, terms_words

SPACING, FEE = 60, 3_000
MAX_AGE = 86_400
SPOT = 2_000 * WAD
MIDDLE = -200_340  # the tick of SPOT, to the spacing
RANGES = ((600, 10**16), (1_200, 10**17), (3_000, 3 * 10**16), (60, 10**18), (12_000, 10**16))
CENTRES = (0, -3_000, 3_000, 60)


class Deployed(NamedTuple):
    """Transactions that make everything, and where it then is."""

    transactions: tuple[Transaction, ...]
    addresses: dict[str, str]
    place: Place


@cache
def deployment() -> Deployed:
    chain = RevmTransport(record=True)
    chain.set_time(NOW)
    owner = chain.account("owner")

    def new(name: str, *arguments: object) -> Contract:
        artifact = load(name)
        address = chain.deploy(owner, encode_constructor(artifact, *arguments))
        return Contract(artifact, address, chain)

    base = new("Token", "BASE", "BASE", 18)
    usdc = new("Token", "USDC", "USDC", 6)
    while int(usdc.address, 16) < int(base.address, 16):
        usdc = new("Token", "USDC", "USDC", 6)
    oracle = new("PriceOracle", owner)
    oracle.transact(owner, "set_reporter", owner, True)
    parts = tuple(new(name, oracle.address, usdc.address).address for name in CLEARING_PARTS)
    parameters = (WAD, 0, 0, 0, WAD, 0, 0, 0)
    clearing = new(
        "ClearingHouse",
        *(owner, oracle.address, usdc.address, 0, MAX_UINT256, parameters),
        parts,
    )
    factory = new("UniswapV3Factory")
    factory.transact(owner, "createPool", base.address, usdc.address, FEE)
    pool = factory.call("getPool", base.address, usdc.address, FEE)
    Contract(load("UniswapV3Pool"), pool, chain).transact(
        owner, "initialize", sqrt_price_of(SPOT, WAD, 18)
    )
    manager = new("NonfungiblePositionManager", factory.address, ZERO_ADDRESS, ZERO_ADDRESS)
    for token in (base, usdc):
        token.transact(owner, "mint", owner, 10**40)
        token.transact(owner, "approve", manager.address, MAX_UINT256)

    nfts: dict[int, Pledge] = {}
    for half, amount in RANGES:
        for offset in CENTRES:
            lower, upper = MIDDLE + offset - half, MIDDLE + offset + half
            pair, amounts = (base.address, usdc.address), (amount, amount // 10**8, 0, 0)
            token_id, liquidity, _, _ = manager.transact(
                owner, "mint", (*pair, FEE, lower, upper, *amounts, owner, 2**40)
            )
            nfts[token_id] = Pledge(liquidity, lower, upper)
    addresses = {
        "owner": owner,
        "oracle": oracle.address,
        "clearing": clearing.address,
        "manager": manager.address,
        "pool": pool,
        "usdc": usdc.address,
        "base": base.address,
    }
    place = Place(int(usdc.address, 16), int(base.address, 16), nfts)
    assert chain.transactions is not None
    return Deployed(tuple(chain.transactions), addresses, place)


class Bench:
    """One EVM; each state gets a clearing house of its own, the same code at another address."""

    def __init__(self) -> None:
        self.deployed = deployment()
        self.chain = RevmTransport().fork(self.deployed.transactions)
        self.chain.set_time(NOW)
        self.evm = self.chain.evm
        self.addresses = self.deployed.addresses
        self._code = self.chain.code(self.addresses["clearing"])
        self._states = 0
        manager = Contract(
            load("NonfungiblePositionManager"), self.addresses["manager"], self.chain
        )
        self.spot = Contract(load("UniswapV3Pool"), self.addresses["pool"], self.chain).call(
            "slot0"
        )[0]
        self._transfer = selector(manager.signature("transferFrom", 3))
        self._oracle = Contract(load("PriceOracle"), self.addresses["oracle"], self.chain)
        self.address = self.addresses["clearing"]

    @contextmanager
    def state(self, ledger: Ledger) -> Iterator[None]:
        """A state in place: terms, accounts, NFTs, prices; whatever is done to it is undone."""
        import pyrevm

        self._states += 1
        self.address = f"0x{(0xC1EA << 64) + self._states:040x}"
        self.evm.insert_account_info(self.address, pyrevm.AccountInfo(code=self._code))
        manager, pool = (int(self.addresses[name], 16) for name in ("manager", "pool"))
        stored = initial_words(ledger) | terms_words(ledger, manager, pool, FEE)
        for place, word in stored.items():
            if word:
                self.evm.insert_account_storage(self.address, place, word)
        checkpoint = self.evm.snapshot()
        owner = self.addresses["owner"]
        for account in ledger.accounts.values():
            for token_id in account.pledges:
                data = self._transfer + words(int(owner, 16), int(self.address, 16), token_id)
                self.chain.transact(owner, self.addresses["manager"], data)
        for asset, price in ledger.prices.items():
            self._report(owner, ledger, asset, price)
        yield
        self.evm.revert(checkpoint)

    def _report(self, owner: str, ledger: Ledger, asset: int, price: int) -> None:
        """The feed of an asset with its price, heard now or, of a silent one, too long ago."""
        feed, deviation = f"0x{asset:040x}", ledger.deviation.get(asset, 0)
        age = MAX_AGE + 1 if asset in ledger.silent else 0
        self._oracle.transact(owner, "add_feed", feed, MAX_AGE + age, deviation)
        self._oracle.transact(owner, "report", [feed], [price], ledger.now - age)
        self._oracle.transact(owner, "add_feed", feed, MAX_AGE, deviation)

    def read(self, place: int) -> int:
        return int(self.evm.storage(self.address, place))

    def call(self, sender: int, signature: str, *arguments: int) -> list[int] | str:
        """Signed words of the answer, or the reason of the refusal."""
        data = selector(signature) + words(*arguments)
        try:
            answer = self.chain.transact(f"0x{sender:040x}", self.address, data)
        except Reverted as reverted:
            return reason(reverted.data)
        return [signed_word(answer, i) for i in range(len(answer) // 32)]
