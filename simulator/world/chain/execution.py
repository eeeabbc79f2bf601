"""Each action as one transaction per path that asks for it: calldata out, amounts back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.world.chain.clearing_calls import ClearingCalls
from simulator.world.chain.lending_calls import LendingCalls
from simulator.world.chain.pool_calls import PoolCalls
from simulator.world.chain.vault_calls import VaultCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.world import actions
    from simulator.world.chain.addresses import Deployment
    from simulator.world.chain.calls import Batch, Caller
    from simulator.world.chain.layout import Layout
    from simulator.world.chain.readings import Source
    from simulator.world.chain.transport import Transport
    from simulator.world.protocol import Protocol


CALLERS: tuple[type[Caller], ...] = (PoolCalls, ClearingCalls, VaultCalls, LendingCalls)


class Translator:
    """Turns actions into transactions of one deployment."""

    def __init__(
        self,
        protocol: Protocol,
        deployment: Deployment,
        layout: Layout,
        sources: list[Source],
        transports: list[Transport],
    ) -> None:
        context = (protocol, deployment, layout, sources, transports)
        self._writers: dict[type[actions.Action], Callable[..., list[Batch]]] = {}
        for caller in CALLERS:
            bound = caller(*context)
            self._writers |= {kind: getattr(bound, name) for kind, name in caller.writers().items()}

    def batches(self, action: actions.Action) -> list[Batch]:
        """Transactions an action stands for; TypeError when it is none of :mod:`actions`."""
        write = self._writers.get(type(action))
        if write is None:
            raise TypeError(f"no world carries out {type(action).__name__}")
        return write(action)
