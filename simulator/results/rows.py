"""Rows of a chunk as an array of records, which needs no pandas where it is made and written.

A worker process would import pandas for that alone: a quarter of its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

#: ``[rows]``, a field for each column.
Rows: TypeAlias = "np.ndarray[Any, np.dtype[np.void]]"


def rows_of(columns: Mapping[str, np.ndarray[Any, Any]]) -> Rows:
    """Columns of equal length as rows."""
    count = max(map(len, columns.values()), default=0)
    made = np.empty(count, [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        made[name] = values
    return made


def frame_of(rows: Rows, names: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Rows as a frame; the codes in each of the columns ``names`` as the names they stand for."""
    import pandas as pd

    columns: dict[str, Any] = {
        name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names or ()
    }
    for name, known in names.items():
        columns[name] = pd.Categorical.from_codes(columns[name], pd.Index(known))
    return pd.DataFrame(columns)
