"""Which actions touch the vault's own holdings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.protocol.action_spec import Role
from simulator.world.actions import having

if TYPE_CHECKING:
    from simulator.world.actions import Action
    from simulator.world.protocol import Protocol

#: Of an account that the action names.
LIQUIDATIONS = tuple(kind for kind in having(Role.LIQUIDATION) if "account" in kind.__annotations__)
#: What operates on the vault whoever sends it; a request to redeem moves shares alone.
_OF_THE_VAULT = (
    *having(Role.KEEPER, Role.ENTRY, Role.EXIT),
    *(kind for kind in having(Role.LIQUIDATION) if kind not in LIQUIDATIONS),
)


def on_vault(action: Action, protocol: Protocol) -> bool:
    """Whether ``action`` operates on what the vault holds, whoever sends it.

    Everything else can reach the vault's NAV only through the fees its position earns and the
    waterfall behind somebody else's liquidation.
    """
    if isinstance(action, _OF_THE_VAULT):
        return True
    if isinstance(action, LIQUIDATIONS):
        account: int = vars(action)["account"]
        return account <= protocol.markets
    return False
