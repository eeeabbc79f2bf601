"""Market paths: every random draw of a run, made before the loop starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.types import Floats


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
    noise_swap: Floats  # [T+1, P] USD of base bought (+) or sold (-) by noise traders
    noise_trade: Floats  # [M, T+1, P] USD of perp bought (+) or sold (-)
    deposit_flow: Floats  # [T+1, P] USDC to deposit (+); fraction of holdings to redeem (-)

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return self.index.shape[1] - 1

    @property
    def paths(self) -> int:
        """Number of paths P."""
        return self.index.shape[2]

    def first_steps(self, steps: int) -> MarketPaths:
        """The same paths, cut after ``steps`` steps."""
        end = steps + 1
        return replace(
            self,
            index=self.index[:, :end],
            oracle_price=self.oracle_price[:, :end],
            oracle_time=self.oracle_time[:, :end],
            gas_usd=self.gas_usd[:end],
            pool_depth=self.pool_depth[:end],
            perp_depth=self.perp_depth[:end],
            noise_swap=self.noise_swap[:end],
            noise_trade=self.noise_trade[:, :end],
            deposit_flow=self.deposit_flow[:end],
        )
