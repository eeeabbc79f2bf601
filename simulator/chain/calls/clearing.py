"""Actions at the ClearingHouse as calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.chain.calls.batch import WAD, Caller, carries_out, carries_out_by_side, paths_of
from simulator.chain.deploy.terms import WAD_DECIMALS
from simulator.chain.evm.codec import word
from simulator.world import actions
from simulator.world.units import factor_words, to_raw

if TYPE_CHECKING:
    from simulator.chain.calls.batch import Batch
    from simulator.types import Booleans

_MILLION = 1_000_000
CROSS = 0  # the sub-account of every market (contracts/SPEC.md §1)


class ClearingCalls(Caller):
    """Trading, margin, liquidations, and what the venue's risk manager posts."""

    @carries_out(actions.Trade)
    def trade(self, action: actions.Trade) -> Batch:
        """``trade`` from the cross account."""
        paths = paths_of(action.size)
        account = self._protocol.account_of(action.actor)
        sizes = self._all_or_floor(
            action.size[paths],
            WAD_DECIMALS,
            [-self._word(path, "size", account, action.market) for path in paths],
        )
        limits = to_raw(action.price_limit[paths], WAD_DECIMALS).tolist()
        calls = [
            (path, {"sub": CROSS, "market": action.market, "size": size, "limit_price": int(limit)})
            for path, size, limit in zip(paths, sizes, limits, strict=True)
            if size
        ]
        whole = dict(zip(paths, sizes, strict=True))
        return self.batch(
            action,
            calls,
            lambda path, data, _: (whole[path] / WAD, word(data, 0) / WAD),
        )

    @carries_out_by_side(actions.PostMargin)
    def post_margin(self, action: actions.PostMargin, side: int, mask: Booleans) -> Batch:
        """``deposit`` (side 0) or ``withdraw`` (side 1) on the paths of ``mask``."""
        paths = paths_of(mask)
        asset = self._protocol.clearing.collaterals[action.collateral].asset
        amounts = np.abs(action.amount[paths])
        agent, index = self._agents[action.actor], action.collateral
        if side == 0:
            held = [self._balance(path, asset, action.actor) for path in paths]
            raws = self._all_or_floor(amounts, self._decimals[asset], held)
            calls = [
                (path, {"owner": agent, "sub": CROSS, "collateral": index, "raw": raw})
                for path, raw in zip(paths, raws, strict=True)
                if raw
            ]
        else:
            if index == 0:  # cash is counted finer than USDC's units
                raws = [int(raw) for raw in to_raw(amounts, self._decimals[asset]).tolist()]
            else:
                account = self._protocol.account_of(action.actor)
                held = [self._word(path, "collateral", account, index - 1) for path in paths]
                raws = self._all_or_floor(amounts, self._decimals[asset], held)
            calls = [
                (path, {"sub": CROSS, "collateral": index, "raw": raw, "to": agent})
                for path, raw in zip(paths, raws, strict=True)
                if raw
            ]
        sign = 1.0 if side == 0 else -1.0
        moved = dict(zip(paths, raws, strict=True))
        return self.batch(
            action,
            calls,
            lambda path, _data, _: (sign * moved[path] / 10.0 ** self._decimals[asset], 0.0),
            side,
        )

    @carries_out(actions.Liquidate)
    def liquidate(self, action: actions.Liquidate) -> Batch:
        """``liquidate``."""
        arguments = {
            "account": self._layout.accounts[action.account],
            "market": action.market,
        }
        return self.batch(
            action,
            [(path, arguments) for path in paths_of(action.when)],
            lambda _path, data, _: (word(data, 0) / WAD, word(data, 1) / WAD),
        )

    @carries_out(actions.LiquidateCollateral)
    def liquidate_collateral(self, action: actions.LiquidateCollateral) -> Batch:
        """``liquidate_collateral``, which answers (raw units taken, USDC paid)."""
        paths = paths_of(action.amount)
        decimals = self._decimals[self._protocol.clearing.collaterals[action.collateral].asset]
        account = self._layout.accounts[action.account]
        place = action.account, action.collateral - 1
        held = [self._word(path, "collateral", *place) for path in paths]
        # Wei that stayed behind would keep what is owed from being written off.
        raws = self._all_or_floor(action.amount[paths], decimals, held)
        calls = [
            (path, {"account": account, "collateral": action.collateral, "raw": raw})
            for path, raw in zip(paths, raws, strict=True)
            if raw
        ]
        return self.batch(
            action,
            calls,
            lambda _path, data, _: (word(data, 1) / WAD, word(data, 0) / 10.0**decimals),
        )

    @carries_out(actions.LiquidatePledge)
    def liquidate_pledge(self, action: actions.LiquidatePledge) -> Batch:
        """Of the vault's position: the only one pledged here. Any other account backs nothing."""
        account = self._layout.accounts[action.account]
        calls = [
            (path, {"account": account, "token_id": self._ask(path, "token_id")})
            for path in paths_of(action.when)
        ]
        return self.batch(
            action,
            calls,
            lambda _path, data, _: (word(data, 1) / WAD, word(data, 0) / WAD),
        )

    @carries_out(actions.PostCovariance)
    def post_covariance(self, action: actions.PostCovariance) -> Batch:
        """``post_covariance``, as the venue's risk manager whichever agent decides."""
        paths = paths_of(action.when)
        factor = factor_words(action.factor[:, :, paths]).astype(np.int64)
        calls = [
            (
                path,
                {"rows": factor[:, :, index].ravel().tolist()},
            )
            for index, path in enumerate(paths)
        ]
        # The gross rule does not know the factor.
        scale = _MILLION if self._layout.protocol.clearing.risk_multiple > 0.0 else np.inf
        return self.batch(
            action,
            calls,
            lambda _path, data, _: (0.0, word(data, 0) / scale),
        )
