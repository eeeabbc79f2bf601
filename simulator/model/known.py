"""What has been worked out of a path since something last moved: looked up, not worked out again.

Agents and books ask for the same figures many times between two actions: what an account is worth,
what the vault is. The compiled loop keeps them in ``w.known``, with the version of the path that
they are of; a figure of another version is not known. The loop begins a version at every step, the
door after every action that was done. Verbs do not look here: while an order is carried out the
path is in between.

Where ``kept`` is false, which is everywhere but in that loop, nothing is known and all is worked
out when it is asked for.
"""

from __future__ import annotations

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path


@inner
def forget(w: Path) -> None:
    """Something moved: nothing is known."""
    w.known.version += 1.0


@inner
def forget_vault(w: Path) -> None:
    """The vault's holdings changed, or what its position earned; no margin account did."""
    w.known.vault.version = w.known.due.version = 0.0
