"""Actions at Aave itself as calls: of the vault's loans, and of the lending market's borrowers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chain.calls.batch import Caller, carries_out, paths_of
from simulator.chain.evm.codec import word
from simulator.world import actions

if TYPE_CHECKING:
    from simulator.chain.calls.batch import Batch
    from simulator.chain.evm.transport import Transport


class LendingCalls(Caller):
    """Liquidating the vault's loans, and borrowers."""

    @carries_out(actions.LiquidateLoan)
    def liquidate_loan(self, action: actions.LiquidateLoan) -> Batch:
        """``liquidationCall`` of the vault's venue."""
        lending = self._deployment.lending
        assert lending is not None, "LiquidateLoan without the second hedge venue"
        asset = lending.assets[action.leg]
        named = {"collateralAsset": self._tokens[0], "user": int(lending.hedge, 16)}
        return self._call(action, lending.aave, 0, asset, named)

    @carries_out(actions.LiquidateBorrower)
    def liquidate_borrower(self, action: actions.LiquidateBorrower) -> Batch:
        """``liquidationCall`` of a borrower."""
        market = self._deployment.borrowing
        assert market is not None, "LiquidateBorrower without a lending market"
        seized, repaid = market.assets[action.seized], market.assets[action.repaid]
        user = int(market.accounts[action.borrower], 16)
        named = {"collateralAsset": self._tokens[seized], "user": user}
        return self._call(action, market.aave, seized, repaid, named)

    def _call(
        self,
        action: actions.LiquidateLoan | actions.LiquidateBorrower,
        pool: str,
        seized: int,
        repaid: int,
        named: dict[str, int],
    ) -> Batch:
        """``liquidationCall`` at a pool, of assets; its event says what was paid and taken."""
        paths = paths_of(action.amount)
        raws = self._all_or_floor(
            action.amount[paths],
            self._decimals[repaid],
            [self._balance(path, repaid, action.actor) for path in paths],
        )
        fixed = {**named, "debtAsset": self._tokens[repaid], "receiveAToken": False}
        calls = [
            (path, {**fixed, "debtToCover": raw})
            for path, raw in zip(paths, raws, strict=True)
            if raw
        ]
        paid, taken = 10.0 ** self._decimals[repaid], 10.0 ** self._decimals[seized]

        def decode(_path: int, _data: bytes, transport: Transport) -> tuple[float, float]:
            event = transport.last_log(pool)  # debtToCover, liquidatedCollateralAmount, …
            return word(event, 0) / paid, word(event, 1) / taken

        return self.batch(action, calls, decode, to=pool)
