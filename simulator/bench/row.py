"""What a measurement gives, and what all of them share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = 2


@dataclass(frozen=True)
class Row:
    """One measured figure; ``target`` is what the project holds itself to, or empty."""

    name: str
    value: float
    unit: str
    target: str
    meaning: str


def clock(job: Callable[[], object]) -> float:
    """Seconds of wall clock that a job takes."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def spent(job: Callable[[], object]) -> float:
    """Seconds of CPU of this process that a job takes, whatever else the machine does."""
    began = time.process_time()
    job()
    return time.process_time() - began
