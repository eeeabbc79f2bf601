"""What every kind of call shares: a batch of transactions, amounts, and questions to contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from simulator.chain.deploy.terms import WAD_DECIMALS
from simulator.chain.evm.abi import encoder
from simulator.chain.evm.codec import selector, word, words
from simulator.types import USDC_DECIMALS
from simulator.world.units import from_raw, snap, to_raw

if TYPE_CHECKING:
    from simulator.chain.deploy.addresses import Deployment
    from simulator.chain.evm.transport import Transport
    from simulator.chain.reading.layout import Layout
    from simulator.chain.reading.readings import Source
    from simulator.types import Booleans, Floats
    from simulator.world import actions
    from simulator.world.protocol import Protocol

# (path, return data, transport) to (amount in, amount out), whole units.
Decode: TypeAlias = Callable[[int, bytes, "Transport"], tuple[float, float]]

WAD = 10.0**WAD_DECIMALS
USDC_UNIT = 10.0**USDC_DECIMALS


class Batch(NamedTuple):
    """The transactions of one action: the same sender and function on every acting path."""

    contract: str
    function: str
    sender: str
    to: str
    calls: list[tuple[int, bytes]]  # path, calldata
    decode: Decode


_BALANCE_OF = selector("balanceOf(address)")

Writer: TypeAlias = Callable[..., list[Batch]]


def carries_out(*kinds: type[actions.Action]) -> Callable[[Callable[..., Batch]], Writer]:
    """Mark a method of a :class:`Caller` as the one that writes the transactions of ``kinds``."""

    def mark(method: Callable[..., Batch]) -> Writer:
        def write(self: Caller, action: actions.Action) -> list[Batch]:
            return [method(self, action)]

        return _marked(wraps(method)(write), kinds)

    return mark


def carries_out_by_side(
    *kinds: type[actions.Action],
) -> Callable[[Callable[..., Batch]], Writer]:
    """As above, of an amount whose sign chooses between two functions, or two orders of tokens.

    The method also takes a side (0: positive, 1: negative) and the paths ``[paths]`` of that side.
    """

    def mark(method: Callable[..., Batch]) -> Writer:
        def write(self: Caller, action: actions.Action) -> list[Batch]:
            amount = vars(action)["amount"]
            signs = (amount > 0.0, amount < 0.0)
            return [
                method(self, action, side, mask) for side, mask in enumerate(signs) if mask.any()
            ]

        return _marked(wraps(method)(write), kinds)

    return mark


def _marked(write: Writer, kinds: tuple[type[actions.Action], ...]) -> Writer:
    write.carries_out = kinds  # type: ignore[attr-defined]
    return write


class Caller:
    """Writes the transactions of some actions for one deployment."""

    @classmethod
    def writers(cls) -> dict[type[actions.Action], str]:
        """Name of the method that writes each action's transactions."""
        return {
            kind: name
            for name, method in vars(cls).items()
            for kind in getattr(method, "carries_out", ())
        }

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
        action: actions.Action,
        calls: Iterable[tuple[int, Mapping[str, int | Sequence[int]]]],
        decode: Decode,
        side: int = 0,
        to: str = "",
    ) -> Batch:
        """The calls of an action to its function, or that of a side: path, arguments by name.

        ``to``: another contract of the kind than the one of its name.
        """
        contract, function = action.spec.contract, action.spec.functions[side]
        lending = self._deployment.lending
        address = {
            "SwapRouter": self._deployment.router,
            "ClearingHouse": self._deployment.clearing,
            "HedgeVault": self._deployment.vault,
            "Aave": lending.aave if lending is not None else "",
        }[contract]
        sender = self._deployment.agents[action.actor]
        if action.spec.sender:
            sender = getattr(self._deployment.roles, action.spec.sender)
        encode = encoder(contract)
        data = [(path, encode(function, **arguments)) for path, arguments in calls]
        return Batch(contract, function, sender, to or address, data, decode)

    def _word(self, path: int, variable: str, *index: int) -> int:
        """A word of a state variable that is shown, as it is stored."""
        place = self._layout.lens[variable]
        return self._sources[path].read(place.group)[place.word(*index)]

    def _ask(self, path: int, function: str) -> int:
        """The number a view of the vault answers with."""
        data = encoder("HedgeVault")(function)
        return word(self._transports[path].call(self._deployment.vault, data), 0)

    def _balance(self, path: int, asset: int, agent: int) -> int:
        """Raw tokens in an agent's wallet; the Lens shows USDC and base only."""
        if asset <= 1:
            return self._word(path, ("wallet_usdc", "wallet_base")[asset], agent)
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
