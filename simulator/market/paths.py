"""Market paths: every random draw of a run, made before the loop starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from simulator.types import Floats

# Fields that hold an array, and of these the ones with an asset or market axis in front.
STACKED = ("index", "oracle_price", "oracle_time", "noise_trade")
SINGLE = ("gas_usd", "pool_depth", "perp_depth", "outside_depth", "noise_swap", "deposit_flow")


@dataclass(frozen=True, eq=False)
class MarketPaths:
    """What the world does to the protocol, for P paths and T steps (T + 1 points each).

    ``assets[0]`` is USDC, ``assets[1]`` the pool's base asset. ``first_path`` is the number of the
    first path, so that a chunk knows which paths it holds.
    """

    assets: tuple[str, ...]
    step_seconds: int
    first_path: int
    index: Floats  # [A, T+1, P] USD per whole token
    oracle_price: Floats  # [A, T+1, P] last round posted
    oracle_time: Floats  # [A, T+1, P] seconds since start at which that round was posted (<= t)
    gas_usd: Floats  # [T+1, P] USD per unit of gas
    pool_depth: Floats  # [T+1, P] factor on the pool's background liquidity
    perp_depth: Floats  # [T+1, P] factor on every market's skew scale
    outside_depth: Floats  # [T+1, P] factor on the depths of `impact`
    noise_swap: Floats  # [T+1, P] USD of base bought (+) or sold (-) by noise traders
    noise_trade: Floats  # [M, T+1, P] USD of perp bought (+) or sold (-)
    deposit_flow: Floats  # [T+1, P] fraction of the first deposit to bring (+), of holdings to
    # redeem (-)
    key: str = ""  # of the settings they were drawn from (MarketSettings.digest); "": made by hand

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return self.index.shape[1] - 1

    @property
    def paths(self) -> int:
        """Number of paths P."""
        return self.index.shape[2]

    def first_steps(self, steps: int) -> MarketPaths:
        """The same paths, cut after ``steps`` steps; raises InputError when they are shorter."""
        if not 1 <= steps <= self.steps:
            raise InputError(f"steps = {steps}: must be from 1 to {self.steps}")
        arrays = {name: getattr(self, name)[:, : steps + 1] for name in STACKED}
        arrays |= {name: getattr(self, name)[: steps + 1] for name in SINGLE}
        return replace(self, key="", **arrays)

    def chunk(self, first_path: int, paths: int) -> MarketPaths:
        """Paths ``first_path`` … ``first_path + paths − 1`` by number, arrays contiguous.

        Raises:
            InputError: some of them are not held here.
        """
        start = first_path - self.first_path
        if start < 0 or paths < 1 or start + paths > self.paths:
            raise InputError(
                f"paths = {first_path} to {first_path + paths - 1}: must be from {self.first_path} "
                f"to {self.first_path + self.paths - 1}"
            )
        arrays = {
            name: getattr(self, name)[..., start : start + paths].copy()
            for name in (*STACKED, *SINGLE)
        }
        return replace(self, first_path=first_path, **arrays)

    def to_parquet(self, file: str | Path) -> None:
        """Write to a Parquet file, exactly; see :func:`simulator.market.storage.write`."""
        from simulator.market.storage import write

        about = {
            "assets": self.assets,
            "step_seconds": self.step_seconds,
            "first_path": self.first_path,
            "key": self.key,
        }
        stacked, single = ({name: getattr(self, name) for name in of} for of in (STACKED, SINGLE))
        write(file, about, stacked, single)

    @staticmethod
    def from_parquet(file: str | Path) -> MarketPaths:
        """Read what :meth:`to_parquet` wrote; raises InputError when the file is something else."""
        from simulator.market.storage import read

        about, arrays = read(file, STACKED, SINGLE)
        return MarketPaths(
            assets=tuple(about["assets"]),
            step_seconds=about["step_seconds"],
            first_path=about["first_path"],
            key=about["key"],
            **arrays,
        )


def together(each: Sequence[MarketPaths]) -> MarketPaths:
    """Markets of neighbouring paths, in order, as one."""
    arrays = {
        name: np.concatenate([getattr(market, name) for market in each], axis=-1)
        for name in (*STACKED, *SINGLE)
    }
    return replace(each[0], **arrays)
