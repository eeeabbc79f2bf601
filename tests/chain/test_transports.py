"""Every transport keeps the laws of ``simulator.testing``."""

from __future__ import annotations

import pytest
from web3 import EthereumTesterProvider, Web3  # noqa: TID253 - what is tested

from simulator.chain.evm.revm import RevmTransport
from simulator.chain.evm.rpc import RpcTransport
from simulator.testing.transport import TransportSuite


class TestRevm(TransportSuite):
    def make(self) -> RevmTransport:
        return RevmTransport()


class TestAnvil(TransportSuite):
    @pytest.fixture(autouse=True)
    def _node(self, anvil_url: str) -> None:
        self.url = anvil_url

    def make(self) -> RpcTransport:
        return RpcTransport.connect(self.url)


class TestEthTester(TransportSuite):
    exact_time = False

    @pytest.fixture(autouse=True)
    def _node(self) -> None:
        self.web3 = Web3(EthereumTesterProvider())

    def make(self) -> RpcTransport:
        return RpcTransport(self.web3)
