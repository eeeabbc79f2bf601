"""Vocabulary shared by every part: array aliases, units, statuses, errors.

Arrays are float64. ``[paths]`` inside the loop, asset (or market, account) axis first where there
is one, ``[steps + 1, paths]`` as series. Amounts are whole tokens at the agents' border and raw
integer token units (held as float64) inside the worlds.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulator.protocol.statuses import Status as Status  # noqa: PLC0414 - re-exported
from simulator.protocol.units import COVARIANCE_RAMP as COVARIANCE_RAMP  # noqa: PLC0414 - likewise
from simulator.protocol.units import RECENTER_INTERVAL as RECENTER_INTERVAL  # noqa: PLC0414 - likewise
from simulator.protocol.units import SCALE_INTERVAL as SCALE_INTERVAL  # noqa: PLC0414 - likewise
from simulator.protocol.units import USDC_DECIMALS as USDC_DECIMALS  # noqa: PLC0414 - likewise

Floats: TypeAlias = NDArray[np.float64]
Booleans: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int8]

SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY
# contracts/SPEC.md §3.5: how many times the inventory limit longs, or shorts, may hold of a market;
# the part of itself by which a cut of its skew scale is worth it.
SIDES = 4
CUTS_PER_SCALE = 1_000_000
# Likewise: how far a posted covariance may move any row of the factor, entries of 1e-8 (1 % a day).
LEAST_COVARIANCE_STEP = 1_000_000
# contracts/SPEC.md §4.5: what keeper functions leave idle for the pay of the next: so many rewards,
# and no more than such a part of NAV.
KEPT_REWARDS, KEPT_PARTS = 100, 100
USDC = "USDC"
GWEI = 1e-9  # native tokens


class SimulatorError(Exception):
    """Root of every error this package raises on purpose."""


class InputError(SimulatorError, ValueError):
    """Bad input: names the field, the value and the allowed range. The command exits 2."""


class MachineError(SimulatorError, RuntimeError):
    """The machine, not the input: a worker killed, a tool or file of the installation missing.

    The command exits 3, as it does for errors of the operating system and a lack of memory.
    """


class Notice(UserWarning):
    """What a caller should know and need not act on; the command says it on stderr."""


class UnknownRevertError(SimulatorError, RuntimeError):
    """A contract reverted with a reason no status stands for: a bug, never a refusal."""
