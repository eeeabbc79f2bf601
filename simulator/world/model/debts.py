"""Which positions have made an account's debt (contracts/SPEC.md §3.5.12)."""

from __future__ import annotations

from simulator.world.model.jit import inner
from simulator.world.model.state import ClearingState


@inner
def blame(clearing: ClearingState, account: int, i: int) -> float:
    """Of all positions together: what the parts of a debt are in proportion to."""
    total = 0.0
    for key in range(clearing.blamed.shape[1]):
        total += clearing.blamed[account, key, i]
    return total


@inner
def note_debt(
    clearing: ClearingState, account: int, market: int, size: float, before: float, i: int
) -> None:
    """Blame a position of ``size`` for what the debt grew by since cash was ``before``.

    What came in meanwhile has paid all that was blamed on others in proportion.
    """
    debt, old = max(-clearing.cash[account, i], 0.0), max(-before, 0.0)
    if debt <= old:
        return
    total = blame(clearing, account, i)
    if total > old:
        for key in range(clearing.blamed.shape[1]):
            clearing.blamed[account, key, i] *= old / total
    key = 2 * market + 1 if size > 0.0 else 2 * market
    clearing.blamed[account, key, i] += debt - old
