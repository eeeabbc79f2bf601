"""Records as plain Python sees them, where kernels are not compiled (NUMBA_DISABLE_JIT).

``np.record`` will not do: a field named ``size`` is hidden there by NumPy's own.
"""

from __future__ import annotations

from typing import Any

from simulator.model.kernel.record import Paths


class Record:
    """One record, whose fields are attributes."""

    __slots__ = ("_record",)

    def __init__(self, record: Any) -> None:
        object.__setattr__(self, "_record", record)

    def __getattr__(self, name: str) -> Any:
        return plain(self._record[name])

    def __setattr__(self, name: str, value: Any) -> None:
        self._record[name] = value

    def copy(self, other: Record) -> None:
        """Become what the other is."""
        for name in self._record.dtype.names:
            self._record[name] = other._record[name]


class Records:
    """An array of records."""

    def __init__(self, array: Any) -> None:
        self._array, self.size, self.shape = array, array.size, array.shape

    def __getitem__(self, place: Any) -> Any:
        return plain(self._array[place])


def plain(value: Any) -> Any:
    """Records wrapped, alone or in a bundle of them; all else as it is."""
    if isinstance(value, Paths):
        return Paths(*map(plain, value))
    if getattr(getattr(value, "dtype", None), "names", None) is None:
        return value
    return Records(value) if value.ndim else Record(value)
