"""One protocol for the chain world's tests: the built-in calm scenario, and quiet market paths."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import socket
from time import monotonic, sleep

import numpy as np
import pytest

from simulator.chain.deploy.artifacts import ROOT
from simulator.chain.evm.rpc import RpcTransport
from simulator.chain.world import ChainWorld
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.market.paths import MarketPaths
from simulator.types import InputError
from simulator.world.protocol import Protocol

STEP_SECONDS = 3_600


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    return resolve(load("calm"))


@pytest.fixture(scope="session")
def quiet_paths(protocol: Protocol) -> Callable[..., MarketPaths]:
    """Prices that stay, a fresh oracle round at every step, full depth, no flow."""
    return partial(_quiet_paths, protocol)


@pytest.fixture(scope="session")
def agent(protocol: Protocol) -> Callable[[str], int]:
    """Index of an agent by name."""
    names = [slot.name for slot in protocol.agents]
    return names.index


def _quiet_paths(protocol: Protocol, *, steps: int = 6, paths: int = 1) -> MarketPaths:
    shape = (steps + 1, paths)
    prices = np.array([asset.price for asset in protocol.assets])[:, None, None]
    index = np.broadcast_to(prices, (len(protocol.assets), *shape)).copy()
    times = np.arange(steps + 1, dtype=float)[None, :, None] * STEP_SECONDS
    return MarketPaths(
        assets=tuple(asset.symbol for asset in protocol.assets),
        step_seconds=STEP_SECONDS,
        first_path=0,
        index=index,
        oracle_price=index.copy(),
        oracle_time=np.broadcast_to(times, index.shape).copy(),
        gas_usd=np.zeros(shape),
        pool_depth=np.ones(shape),
        perp_depth=np.ones(shape),
        outside_depth=np.ones(shape),
        noise_swap=np.zeros(shape),
        noise_trade=np.zeros((protocol.markets, *shape)),
        deposit_flow=np.zeros(shape),
    )


@pytest.fixture
def world(protocol: Protocol, quiet_paths: Callable[..., MarketPaths]) -> ChainWorld:
    """Two paths at step 0."""
    made = ChainWorld(protocol, quiet_paths(paths=2))
    made.advance(0)
    return made


@pytest.fixture
def stale_paths(quiet_paths: Callable[..., MarketPaths]) -> MarketPaths:
    """Rounds at step 0 only."""
    quiet = quiet_paths(steps=48)
    return replace(quiet, oracle_time=np.zeros_like(quiet.oracle_time))


@pytest.fixture(scope="module")
def anvil_url() -> Iterator[str]:
    """A fresh Anvil on a free loopback port, its clock before the chain world's first block.

    One per module: a node's clock never goes back to the first block's time.
    """
    (binary, *_) = sorted(Path(ROOT / "node_modules/@foundry-rs").glob("anvil-*/bin/anvil"))
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--port", str(port), "--timestamp", "1600000000", "--hardfork", "cancun"]
    process = subprocess.Popen([binary, *arguments, "--silent", "--base-fee", "0"])
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(url: str, seconds: float = 20.0) -> None:
    deadline = monotonic() + seconds
    while True:
        try:
            RpcTransport.connect(url)
        except InputError:
            if monotonic() > deadline:
                raise
            sleep(0.1)
        else:
            return
