"""Aave v3's own bytecode deploys and works on a node as it does in process."""

from __future__ import annotations

from simulator.chain.deploy.artifacts import load
from simulator.chain.evm.codec import Contract
from simulator.chain.evm.revm import RevmTransport
from simulator.chain.evm.rpc import RpcTransport
from simulator.chain.evm.transport import Transport
from tests.aave.market import PRICES, START, WAD, Deployer, report, wad


def short_and_back(chain: Transport) -> tuple[int, ...]:
    """Short 10 BTC for a day, half of it closed after: size and USDC on the way, sizes in raw."""
    chain.set_time(START)
    addresses = Deployer(chain).run()
    hedge = Contract(load("AaveHedge"), addresses["hedge"], chain)
    vault = chain.account("vault")
    account = int(vault, 16) << 8
    hedge.transact(vault, "deposit", vault, 0, 0, 10**12)
    fill, _ = hedge.transact(vault, "trade", 0, 0, -wad(10), 0)
    chain.set_time(START + 86_400)
    report(chain, chain.account("owner"), addresses, PRICES)
    accrued = hedge.call("position", account, 0)[0]
    hedge.transact(vault, "trade", 0, 0, 5 * WAD, 2**255)
    return fill, accrued, *hedge.call("account_state", account)


def test_a_short_on_aave_is_the_same_on_anvil_and_in_process(anvil_url: str) -> None:
    assert short_and_back(RpcTransport.connect(anvil_url)) == short_and_back(RevmTransport())
