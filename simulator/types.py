"""Vocabulary shared by every part: array aliases, units, statuses, errors.

Arrays are float64. ``[paths]`` inside the loop, asset (or market, account) axis first where there
is one, ``[steps + 1, paths]`` as series. Amounts are whole tokens at the agents' border and raw
integer token units (held as float64) inside the worlds.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Booleans: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int8]

SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY
# contracts/SPEC.md §3.5: how many times the inventory limit longs, or shorts, may hold of a market;
# seconds between two changes of its skew scale, and the part of itself by which a cut is worth it.
SIDES = 4
SCALE_INTERVAL = 3_600
CUTS_PER_SCALE = 1_000_000
# Likewise: seconds a posted covariance takes to arrive, and how far a post may move any row of the
# factor, entries of 1e-8 (1 % a day).
COVARIANCE_RAMP = 6 * 3_600
LEAST_COVARIANCE_STEP = 1_000_000
# contracts/SPEC.md §4.5: seconds between two paid recentrings; what keeper functions leave idle for
# the pay of the next: so many rewards, and no more than such a part of NAV.
RECENTER_INTERVAL = 3_600
KEPT_REWARDS, KEPT_PARTS = 100, 100
USDC = "USDC"
USDC_DECIMALS = 6


class Status(IntEnum):
    """What came of an action on one path; shared by both worlds.

    ``NONE``: nothing was asked. ``OK``: done. Everything else: refused, and the state of that path
    is exactly what it was before.
    """

    NONE = 0
    OK = 1
    INSUFFICIENT_BALANCE = 2
    SLIPPAGE = 3
    STALE_ORACLE = 4
    INVENTORY_LIMIT = 5
    BELOW_INITIAL_MARGIN = 6
    BELOW_MARGIN_TARGET = 7
    NOT_LIQUIDATABLE = 8
    NO_POSITION = 9
    INSUFFICIENT_COLLATERAL = 10
    COLLATERAL_CAP = 11
    WITHIN_BAND = 12
    CENTRED = 13
    SPOT_DEVIATES = 14
    MARGIN_SUFFICIENT = 15
    NO_IDLE_ASSETS = 16
    INSUFFICIENT_LIQUIDITY = 17
    DEPOSIT_CAP = 18
    BETA_OUT_OF_BOUNDS = 19
    BETA_TOO_FAST = 20
    PAUSED = 21
    ZERO_AMOUNT = 22
    WRONG_MARKET = 23
    OPEN_INTEREST_CAP = 24
    WITHDRAWALS_GATED = 25
    NOT_REDUCING_RISK = 26
    TOO_MANY_ACCOUNTS = 27
    WITHDRAWALS_QUEUED = 28
    REQUEST_PENDING = 29
    NO_REQUEST = 30
    NOTHING_TO_SETTLE = 31
    NO_CONSENT = 32
    ACCOUNT_IN_USE = 33
    TOO_SOON = 34
    NOT_PLEDGED = 35
    INSOLVENT = 36
    LIQUIDATION_LIMIT = 37
    MAKER_RESERVE = 38
    WINDING_DOWN = 39
    SETTLED = 40
    ACCOUNT_INSOLVENT = 41


# The contracts' revert strings, and those of the third-party code beside them.
STATUS_OF_REVERT: dict[str, Status] = {
    "oracle: stale": Status.STALE_ORACLE,
    "clearing: inventory limit": Status.INVENTORY_LIMIT,
    "clearing: slippage": Status.SLIPPAGE,
    "clearing: below initial margin": Status.BELOW_INITIAL_MARGIN,
    "clearing: not liquidatable": Status.NOT_LIQUIDATABLE,
    "clearing: no position": Status.NO_POSITION,
    "clearing: insufficient collateral": Status.INSUFFICIENT_COLLATERAL,
    "clearing: collateral cap": Status.COLLATERAL_CAP,
    "clearing: zero size": Status.ZERO_AMOUNT,
    "clearing: wrong market": Status.WRONG_MARKET,
    "clearing: paused": Status.PAUSED,
    "clearing: open interest cap": Status.OPEN_INTEREST_CAP,
    "clearing: withdrawals gated": Status.WITHDRAWALS_GATED,
    "clearing: not reducing risk": Status.NOT_REDUCING_RISK,
    "clearing: too many accounts": Status.TOO_MANY_ACCOUNTS,
    "clearing: bad pledge": Status.NOT_PLEDGED,
    "clearing: too soon": Status.TOO_SOON,
    "clearing: insolvent": Status.INSOLVENT,
    "clearing: liquidation limit": Status.LIQUIDATION_LIMIT,
    "clearing: maker reserve": Status.MAKER_RESERVE,
    "clearing: winding down": Status.WINDING_DOWN,
    "clearing: settled": Status.SETTLED,
    "clearing: no consent": Status.NO_CONSENT,
    "clearing: account in use": Status.ACCOUNT_IN_USE,
    "vault: within band": Status.WITHIN_BAND,
    "vault: centred": Status.CENTRED,
    "vault: spot deviates": Status.SPOT_DEVIATES,
    "vault: slippage": Status.SLIPPAGE,
    "vault: below margin target": Status.BELOW_MARGIN_TARGET,
    "vault: margin sufficient": Status.MARGIN_SUFFICIENT,
    "vault: no idle assets": Status.NO_IDLE_ASSETS,
    "vault: insufficient liquidity": Status.INSUFFICIENT_LIQUIDITY,
    "vault: insufficient shares": Status.INSUFFICIENT_BALANCE,
    "vault: deposit cap": Status.DEPOSIT_CAP,
    "vault: account insolvent": Status.ACCOUNT_INSOLVENT,
    "vault: beta out of bounds": Status.BETA_OUT_OF_BOUNDS,
    "vault: beta change too fast": Status.BETA_TOO_FAST,
    "vault: paused": Status.PAUSED,
    "vault: zero amount": Status.ZERO_AMOUNT,
    "vault: no consent": Status.NO_CONSENT,
    "vault: withdrawals queued": Status.WITHDRAWALS_QUEUED,
    "vault: request pending": Status.REQUEST_PENDING,
    "vault: least request": Status.ZERO_AMOUNT,
    "vault: no request": Status.NO_REQUEST,
    "vault: nothing to settle": Status.NOTHING_TO_SETTLE,
    "Too little received": Status.SLIPPAGE,  # v3-periphery SwapRouter
    "STF": Status.INSUFFICIENT_BALANCE,  # v3-periphery TransferHelper: transferFrom failed
    "SPL": Status.SLIPPAGE,  # v3-core pool: the spot price is at or beyond the limit
    "AS": Status.ZERO_AMOUNT,  # v3-core pool: amount specified is zero
    "token: insufficient balance": Status.INSUFFICIENT_BALANCE,
    "35": Status.BELOW_INITIAL_MARGIN,  # Aave v3: the health factor would be below one
    "45": Status.NOT_LIQUIDATABLE,  # Aave v3: the health factor is not below one
    "46": Status.NOT_LIQUIDATABLE,  # Aave v3: no such collateral is left
    "47": Status.NO_POSITION,  # Aave v3: nothing is owed of this asset
}


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
