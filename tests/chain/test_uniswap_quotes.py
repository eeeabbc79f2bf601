"""The pool's own bytecode, loaded with a mainnet pool's state, gives the on-chain answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak

from simulator.chain.deploy import artifacts
from simulator.chain.deploy import uniswap_v3 as uniswap
from simulator.chain.evm.codec import Contract, Reverted, encode_constructor, words
from simulator.chain.evm.revm import RevmTransport

VECTORS = Path(__file__).parents[2].parent / "shared/data/vectors/uniswap_v3_wbtc_weth_quotes.json"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not VECTORS.is_file(), reason=f"{VECTORS} is absent"),
]

# Storage layout of UniswapV3Pool.sol (v3-core 1.0.1).
SLOT0, LIQUIDITY, TICKS, TICK_BITMAP = 0, 4, 5, 6
MASK128, MASK24 = 2**128 - 1, 2**24 - 1


def mapping_slot(key: int, slot: int) -> int:
    return int.from_bytes(keccak(words(key, slot)), "big")


def load_state(transport: RevmTransport, pool: str, state: dict[str, Any]) -> None:
    """Write slot0, liquidity, ticks and the tick bitmap where the pool keeps them."""

    def store(slot: int, value: int) -> None:
        transport.evm.insert_account_storage(pool, slot, value)

    cardinality = 1 << 200 | 1 << 216
    unlocked = 1 << 240
    packed = int(state["sqrt_price_x96"]) | (state["tick"] & MASK24) << 160
    store(SLOT0, packed | cardinality | unlocked)
    store(LIQUIDITY, int(state["liquidity"]))
    bitmap: dict[int, int] = {}
    for key, tick in state["ticks"].items():
        index = int(key)
        base = mapping_slot(index, TICKS)
        net = int(tick["liquidity_net"]) & MASK128
        store(base, int(tick["liquidity_gross"]) | net << 128)
        store(base + 3, 1 << 248)  # initialized
        word, bit = divmod(index // state["tick_spacing"], 256)
        bitmap[word] = bitmap.get(word, 0) | 1 << bit
    for word, bits in bitmap.items():
        store(mapping_slot(word, TICK_BITMAP), bits)


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    return json.loads(VECTORS.read_text())


@pytest.fixture(scope="module")
def quoter(vectors: dict[str, Any]) -> tuple[Contract, str, str]:
    state = vectors["pool"]
    transport = RevmTransport()
    deployer = transport.account("deployer")
    erc20 = artifacts.load("ERC20PresetMinterPauser")
    token0, token1 = sorted(
        transport.deploy(deployer, encode_constructor(erc20, symbol, symbol))
        for symbol in ("WBTC", "WETH")
    )
    swap = uniswap.deploy(
        transport, deployer, token0, token1, state["fee_ppm"], state["tick_spacing"],
        int(state["sqrt_price_x96"]),
    )  # fmt: skip
    load_state(transport, swap.pool.address, state)
    for token in (token0, token1):
        Contract(erc20, token, transport).transact(deployer, "mint", swap.pool.address, 10**40)
    artifact = artifacts.load("Quoter")
    code = encode_constructor(artifact, swap.factory.address, uniswap.ZERO_ADDRESS)
    return Contract(artifact, transport.deploy(deployer, code), transport), token0, token1


def quote(quoter: tuple[Contract, str, str], fee_ppm: int, case: dict[str, Any]) -> int | None:
    contract, token0, token1 = quoter
    path = (token0, token1) if case["zero_for_one"] else (token1, token0)
    # An explicit limit: with 0 the quoter refuses an output the pool can give only in part, and the
    # recorded answers price what it gives.
    limit = uniswap.MIN_SQRT_RATIO + 1 if case["zero_for_one"] else uniswap.MAX_SQRT_RATIO - 1
    function = {"exact_input": "quoteExactInputSingle", "exact_output": "quoteExactOutputSingle"}
    try:
        return contract.call(function[case["kind"]], *path, fee_ppm, int(case["amount"]), limit)
    except Reverted:
        return None


def test_the_pool_bytecode_answers_every_mainnet_quote_to_the_last_unit(
    vectors: dict[str, Any], quoter: tuple[Contract, str, str]
) -> None:
    fee_ppm = vectors["pool"]["fee_ppm"]
    answers = [quote(quoter, fee_ppm, case) for case in vectors["quotes"]]
    expected = [
        None if case["answer"] is None else int(case["answer"]) for case in vectors["quotes"]
    ]
    assert len(expected) == 80
    assert answers == expected


def test_another_liquidity_would_not_answer_them(
    vectors: dict[str, Any], quoter: tuple[Contract, str, str]
) -> None:
    """The answers come from the loaded state: they change when it does."""
    state = vectors["pool"] | {"liquidity": str(int(vectors["pool"]["liquidity"]) // 2)}
    contract, token0, token1 = quoter
    case = next(c for c in vectors["quotes"] if c["answer"] and int(c["amount"]) > 10**8)
    transport = contract._transport
    assert isinstance(transport, RevmTransport)
    factory = Contract(artifacts.load("UniswapV3Factory"), contract.call("factory"), transport)
    pool = factory.call("getPool", token0, token1, state["fee_ppm"])
    load_state(transport, pool, state)
    try:
        assert quote(quoter, state["fee_ppm"], case) != int(case["answer"])
    finally:
        load_state(transport, pool, vectors["pool"])
