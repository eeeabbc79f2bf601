"""A StableSwap with everybody else's liquidity in it, which one owner adds and takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.uniswap_v3 import ZERO_ADDRESS
from simulator.chain.evm.codec import (
    MAX_UINT256,
    Contract,
    encode_constructor,
    encode_with_arrays,
    selector,
    word,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.chain.evm.transport import Transport
    from simulator.world.protocol import StableParameters

#: Shares that are nobody's (contracts/SPEC.md §9).
LOCKED_SHARES = 10**12
# Enough for any path: depths and prices moving by orders of magnitude.
_FUNDS = 2**112
_BALANCES, _SUPPLY = selector("balances(uint256)"), selector("totalSupply()")
_SHARES = selector("balanceOf(address)")
_ADD = selector("add_liquidity(uint256[],uint256,address)")
_REMOVE = selector("remove_liquidity(uint256,uint256[],address)")


def deploy(
    transport: Transport,
    deployer: str,
    owner: str,
    coins: Sequence[Contract],
    terms: StableParameters,
) -> tuple[Contract, int]:
    """The pool, opened by ``owner``, and its shares then; coins are minted by ``deployer``."""
    artifact = artifacts.load("StableSwap")
    code = encode_constructor(
        artifact,
        coins=[coin.address for coin in coins],
        providers=[ZERO_ADDRESS for _ in coins],
        amplification=terms.amplification,
        fee_=terms.fee_raw,
        off_peg=terms.off_peg_raw,
        name="StableSwap",
        symbol="STABLE",
    )
    pool = Contract(artifact, transport.deploy(deployer, code), transport)
    for coin in coins:
        coin.transact(deployer, "mint", owner, _FUNDS)
        coin.transact(owner, "approve", pool.address, MAX_UINT256)
    pool.transact(owner, "add_liquidity", list(terms.opening), 0, owner)
    return pool, int(pool.call("totalSupply"))


def set_shares(transport: Transport, pool: str, owner: str, target: int) -> None:
    """Let all but the vault have ``target`` shares: added or taken by ``owner`` in all coins."""

    def ask(question: bytes) -> int:
        return word(transport.call(pool, question), 0)

    wanted = max(target - LOCKED_SHARES, 0)
    held, supply = ask(_SHARES + words(int(owner, 16))), ask(_SUPPLY)
    if wanted > held:
        balances = [ask(_BALANCES + words(coin)) for coin in range(2)]
        raw = [-(-balance * (wanted - held) // supply) for balance in balances]
        # The array is the first of three arguments.
        data = _ADD + words(3 * 32, 0, int(owner, 16), len(raw), *raw)
        transport.transact(owner, pool, data)
    elif wanted < held:
        data = _REMOVE + encode_with_arrays([held - wanted], [[0, 0]], [int(owner, 16)])
        transport.transact(owner, pool, data)
