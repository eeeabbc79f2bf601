"""Actions at Aave itself as calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chain.calls.batch import USDC_UNIT, Caller, carries_out, paths_of
from simulator.chain.evm.codec import word
from simulator.world import actions

if TYPE_CHECKING:
    from simulator.chain.calls.batch import Batch
    from simulator.chain.evm.transport import Transport


class LendingCalls(Caller):
    """Liquidating the vault's loans."""

    @carries_out(actions.LiquidateLoan)
    def liquidate_loan(self, action: actions.LiquidateLoan) -> Batch:
        """``liquidationCall`` of the vault's venue; its event says what was paid and taken."""
        lending = self._deployment.lending
        assert lending is not None, "LiquidateLoan without the second hedge venue"
        asset = lending.assets[action.leg]
        paths = paths_of(action.amount)
        raws = self._all_or_floor(
            action.amount[paths],
            self._decimals[asset],
            [self._balance(path, asset, action.actor) for path in paths],
        )
        fixed = {
            "collateralAsset": self._tokens[0],
            "debtAsset": self._tokens[asset],
            "user": int(lending.hedge, 16),
            "receiveAToken": False,
        }
        calls = [
            (path, {**fixed, "debtToCover": raw})
            for path, raw in zip(paths, raws, strict=True)
            if raw
        ]

        def decode(_path: int, _data: bytes, transport: Transport) -> tuple[float, float]:
            event = transport.last_log(lending.aave)  # debtToCover, liquidatedCollateralAmount, …
            return word(event, 0) / 10.0 ** self._decimals[asset], word(event, 1) / USDC_UNIT

        return self.batch(action, calls, decode)
