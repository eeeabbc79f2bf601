"""Each action as one transaction per path that asks for it: calldata out, amounts back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chain.calls.clearing import ClearingCalls
from simulator.chain.calls.lending import LendingCalls
from simulator.chain.calls.pool import PoolCalls
from simulator.chain.calls.providing import ProvidingCalls
from simulator.chain.calls.vault import VaultCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.chain.calls.batch import Batch, Caller
    from simulator.chain.deploy.addresses import Deployment
    from simulator.chain.evm.transport import Transport
    from simulator.chain.reading.layout import Layout
    from simulator.chain.reading.readings import Source
    from simulator.world import actions
    from simulator.world.protocol import Protocol


CALLERS: tuple[type[Caller], ...] = (
    PoolCalls,
    ClearingCalls,
    VaultCalls,
    LendingCalls,
    ProvidingCalls,
)


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
