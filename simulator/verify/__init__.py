"""Both worlds on the same market paths: do they agree, number by number and refusal by refusal?

The error of a variable on a path is the largest difference between the worlds over time, relative
to the largest magnitude the variable takes on that path (an L∞ relative error): a balance passing
through zero does not divide by it. A decision flip is an action one world accepted and the other
refused, or refused with another status, or that only one world's agents asked for. Agents ask for
what is due; a prober beside them tries everything else (:mod:`simulator.verify.prober`).
"""

from simulator.verify.comparison import (
    TOLERANCE,
    Comparison,
    compare,
    history,
    least_magnitude,
    relative_error,
)
from simulator.verify.running import verify, verify_paths
from simulator.verify.transcript import VARIABLES, Decision, Transcript

__all__ = [
    "TOLERANCE",
    "VARIABLES",
    "Comparison",
    "Decision",
    "Transcript",
    "compare",
    "history",
    "least_magnitude",
    "relative_error",
    "verify",
    "verify_paths",
]
