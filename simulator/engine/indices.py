"""Whether an order names what there is: compiled code that looks beside an array says nothing."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from simulator.agents.axes import AXES, SIGHTS, unseen
from simulator.engine.asked import infinite, misnaming, without_account
from simulator.engine.latency import too_many
from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import LIQUIDATE_COLLATERAL, SWAP
from simulator.model.kernel.record import Path
from simulator.world import actions

if TYPE_CHECKING:
    from simulator.world.protocol import Protocol

#: What may be wrong with an order, by the number that its fault has: 0 is nothing.
WRONG = (
    *("", "amount", "account", "market", "collateral", "leg", "actor", "room"),
    *("borrower", "seized", "repaid", "position"),
)
AMOUNT, ACCOUNT, MARKET, COLLATERAL, LEG, ACTOR, ROOM = range(1, 8)
BORROWER, SEIZED, REPAID, POSITION = range(8, len(WRONG))


def _has(name: str) -> tuple[bool, ...]:
    """By kind of action, whether it has a field."""
    return (False, *(name in {field.name for field in fields(kind)} for kind in actions.ACTIONS))


_OF_ACCOUNT, _OF_MARKET = _has("account"), _has("market")
_OF_COLLATERAL, _OF_LEG = _has("collateral"), _has("leg")
_OF_BORROWER, _OF_POSITION = _has("borrower"), _has("position")
_BY_ACCOUNT = (False, *(kind.spec.of_account for kind in actions.ACTIONS))
#: Of collaterals, the first that an account can be in debt beside: USDC is what is owed.
_NOT_USDC = 1


@inner
def _of_lending(w: Path) -> int:
    """The same of an order at the lending market."""
    order, count = w.order, w.tables.count
    if not 0 <= order.borrower < count.borrowers:
        return BORROWER
    if not 0 <= order.seized < count.listings:
        return SEIZED
    return REPAID if not 0 <= order.repaid < count.listings else 0


@inner
def misnamed(w: Path) -> int:
    """Which index of the path's order is of nothing there is, as :data:`WRONG` has it; 0: none."""
    order, count, kind = w.order, w.tables.count, w.order.kind
    wrong = 0
    if _OF_ACCOUNT[kind] and not 0 <= order.account < count.accounts:
        wrong = ACCOUNT
    elif _OF_MARKET[kind] and not 0 <= order.market < count.markets:
        wrong = MARKET
    elif _OF_COLLATERAL[kind]:
        first = _NOT_USDC if kind == LIQUIDATE_COLLATERAL else 0
        if not first <= order.collateral < count.collaterals:
            wrong = COLLATERAL
    # A swap without a leg is one in the vault's pool.
    elif _OF_LEG[kind] and (order.leg >= count.legs or (order.leg < 0 and kind != SWAP)):
        wrong = LEG
    elif _OF_BORROWER[kind]:
        wrong = _of_lending(w)
    elif _OF_POSITION[kind] and not (0 <= order.position < w.tables.agent.positions[order.agent]):
        wrong = POSITION
    if wrong == 0 and _BY_ACCOUNT[kind] and w.tables.agent.account[order.agent] < 0:
        wrong = ACTOR
    return wrong


def fault(book: Any, protocol: Protocol) -> str:
    """What an agent asked for that cannot be, in the words of an error; of the engine's book."""
    who = protocol.agents[int(book["at_fault"])].name
    if book["fault"] < 0:  # it looked at what is not there (agents/do/within.py)
        sight, axis = SIGHTS[-int(book["fault"])], AXES[int(book["wrong"])]
        return unseen(sight, who, axis, int(book["account"]), protocol)
    kind, wrong = actions.ACTIONS[int(book["fault"]) - 1], WRONG[int(book["wrong"])]
    if wrong == "amount":
        return infinite(kind, who)
    if wrong == "actor":
        return without_account(kind, who)
    if wrong == "room":
        return too_many(kind, who)
    return misnaming(kind, who, wrong, int(book[wrong]), protocol)
