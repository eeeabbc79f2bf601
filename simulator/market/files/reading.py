"""How files of prices are to be read, where the file itself does not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config.market import PriceFiles

STAMPS = ("open", "close")
OUTLIERS = ("keep", "cut", "drop")


@dataclass(frozen=True)
class Reading:
    """Choices of the user.

    Attributes:
        stamps: what a time stamp of a bar is, its ``open`` or its ``close``; None: what is usual
            for the format (bars: open; prices of a moment: that moment, which is a close).
        outliers: what is done to a price far off its neighbours that the next bar takes back:
            ``keep`` (and said), ``cut`` to the bound, or ``drop`` (filled by the rule for gaps).
        pool: tokens of a pool whose file holds ticks, ``TOKEN0:DECIMALS/TOKEN1:DECIMALS``.
    """

    stamps: str | None = None
    outliers: str = "keep"
    pool: str | None = None

    @classmethod
    def of(cls, files: PriceFiles) -> Self:
        """What a section of the configuration says of the files it names."""
        return cls(files.stamps, files.outliers, files.pool)

    def __post_init__(self) -> None:
        if self.stamps is not None and self.stamps not in STAMPS:
            raise InputError(f"stamps = {self.stamps}: must be one of {', '.join(STAMPS)}")
        if self.outliers not in OUTLIERS:
            raise InputError(f"outliers = {self.outliers}: must be one of {', '.join(OUTLIERS)}")


AS_WRITTEN = Reading()
