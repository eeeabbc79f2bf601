"""The ``hedgesim`` command: a thin layer over :func:`simulator.run` and its neighbours.

Everything heavy is imported inside the command that needs it, so that ``--help`` answers at once.
"""

from simulator.cli import (  # noqa: F401 (they add their commands)
    checks,
    explain,
    market,
    population,
    reference,
    runs,
    study,
)
from simulator.cli.group import hedgesim, main

__all__ = ["hedgesim", "main"]
