"""What every kind of call shares: a batch of transactions, amounts, and questions to contracts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world.chain.codec import selector, word, words
from simulator.world.chain.layout import WALLET_WORDS
from simulator.world.chain.terms import WAD_DECIMALS
from simulator.world.units import from_raw, snap, to_raw

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats
    from simulator.world import actions
    from simulator.world.chain.addresses import Deployment
    from simulator.world.chain.layout import Layout
    from simulator.world.chain.readings import Source
    from simulator.world.chain.transport import Transport
    from simulator.world.protocol import Protocol

# (path, return data, transport) to (amount in, amount out), whole units.
Decode: TypeAlias = Callable[[int, bytes, "Transport"], tuple[float, float]]

WAD = 10.0**WAD_DECIMALS
USDC_UNIT = 10.0**USDC_DECIMALS

_BALANCE_OF = selector("balanceOf(address)")


class Batch(NamedTuple):
    """The transactions of one action: the same sender and function on every acting path."""

    contract: str
    function: str
    sender: str
    to: str
    calls: list[tuple[int, bytes]]  # path, calldata
    decode: Decode


class Caller:
    """Writes the transactions of some actions for one deployment."""

    def __init__(
        self,
        protocol: Protocol,
        deployment: Deployment,
        layout: Layout,
        sources: list[Source],
        transports: list[Transport],
    ) -> None:
        self._protocol = protocol
        self._deployment = deployment
        self._layout = layout
        self._sources = sources
        self._transports = transports
        self._agents = [int(address, 16) for address in deployment.agents]
        self._tokens = [int(address, 16) for address in deployment.tokens]
        self._decimals = [asset.decimals for asset in protocol.assets]

    def batch(
        self,
        contract: str,
        function: str,
        action: actions.Action,
        calls: list[tuple[int, bytes]],
        decode: Decode,
    ) -> Batch:
        """The calls of an action to one function of a contract."""
        lending = self._deployment.lending
        address = {
            "SwapRouter": self._deployment.router,
            "ClearingHouse": self._deployment.clearing,
            "HedgeVault": self._deployment.vault,
            "Aave": lending.aave if lending is not None else "",
        }[contract]
        sender = self._deployment.agents[action.actor]
        return Batch(contract, function, sender, address, calls, decode)

    def _wallet(self, path: int, agent: int, kind: int) -> int:
        """Raw USDC (0), base (1) or shares (2) of an agent."""
        return self._sources[path].read("wallets")[WALLET_WORDS * agent + kind]

    def _ask(self, path: int, contract: str, data: bytes) -> int:
        """The number a view of a contract answers with."""
        return word(self._transports[path].call(getattr(self._deployment, contract), data), 0)

    def _balance(self, path: int, asset: int, agent: int) -> int:
        """Raw tokens in an agent's wallet; the Lens shows USDC and base only."""
        if asset <= 1:
            return self._wallet(path, agent, asset)
        data = _BALANCE_OF + words(self._agents[agent])
        return word(self._transports[path].call(self._deployment.tokens[asset], data), 0)

    @staticmethod
    def _all_or_floor(amounts: Floats, decimals: int, whole: list[int]) -> list[int]:
        """Raw amounts: exactly ``whole`` where one means all of it, else rounded toward zero."""
        everything = from_raw(np.array(whole, np.float64), decimals)
        rounded = np.copysign(to_raw(np.abs(amounts), decimals), amounts).tolist()
        means_all = (snap(amounts, everything) == everything).tolist()
        return [
            exact if all_ else int(raw)
            for exact, all_, raw in zip(whole, means_all, rounded, strict=True)
        ]


def paths_of(wanted: Floats | Booleans) -> list[int]:
    """Paths on which an amount is not zero or a condition holds."""
    return np.flatnonzero(wanted).tolist()
