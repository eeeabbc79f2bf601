"""Swaps: one router call per path and direction."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from simulator.chain.calls.batch import Batch, Caller, carries_out_by_side, paths_of
from simulator.chain.calls.stable import Curve
from simulator.chain.deploy.uniswap_v3 import MAX_SQRT_RATIO, MIN_SQRT_RATIO, Q96
from simulator.chain.evm.abi import encoder
from simulator.chain.evm.codec import MAX_UINT256, signed_word, word
from simulator.world import actions
from simulator.world.units import sqrt_price_from_price, to_raw

if TYPE_CHECKING:
    from simulator.chain.evm.transport import Transport
    from simulator.types import Booleans


class PoolCalls(Caller):
    """Actions in the AMM pool."""

    @carries_out_by_side(actions.Swap)
    def swap(self, action: actions.Swap, side: int, mask: Booleans) -> Batch:
        """``exactInputSingle`` selling base (side 0) or USDC (side 1) on the paths of ``mask``."""
        if self._protocol.stable is not None and action.leg is None:
            return self._exchange(action, side, mask)
        base, fee_ppm, pool = self._pool(action.leg)
        asset_in, asset_out = (base, 0) if side == 0 else (0, base)
        paths = paths_of(mask)
        amounts = self._all_or_floor(
            np.abs(action.amount[paths]),
            self._decimals[asset_in],
            [self._balance(path, asset_in, action.actor) for path in paths],
        )
        limits = sqrt_price_from_price(action.price_limit[paths], self._decimals[base]).tolist()
        minimum = to_raw(action.minimum_out[paths], self._decimals[asset_out]).tolist()
        fixed = {
            "tokenIn": self._tokens[asset_in],
            "tokenOut": self._tokens[asset_out],
            "fee": fee_ppm,
            "recipient": self._agents[action.actor],
            "deadline": MAX_UINT256,
        }
        calls = [
            (
                path,
                {
                    **fixed,
                    "amountIn": amount,
                    "amountOutMinimum": int(least),
                    "sqrtPriceLimitX96": _limit_x96(limit),
                },
            )
            for path, amount, least, limit in zip(paths, amounts, minimum, limits, strict=True)
            if amount
        ]

        # The router returns the output only; what went in is in the pool's Swap event.
        def decode(path: int, data: bytes, transport: Transport) -> tuple[float, float]:
            event = transport.last_log(pool)
            return (
                signed_word(event, 0 if asset_in == base else 1) / 10.0 ** self._decimals[asset_in],
                word(data, 0) / 10.0 ** self._decimals[asset_out],
            )

        return self.batch(action, calls, decode)

    def _exchange(self, action: actions.Swap, side: int, mask: Booleans) -> Batch:
        """``exchange`` of as much as stops at the limit, which the contract has none of.

        What there is no way for is sent all the same, with a minimum that nobody pays.
        """
        asset_in, asset_out = (1, 0) if side == 0 else (0, 1)
        paths = paths_of(mask)
        amounts = self._all_or_floor(
            np.abs(action.amount[paths]),
            self._decimals[asset_in],
            [self._balance(path, asset_in, action.actor) for path in paths],
        )
        limits = sqrt_price_from_price(action.price_limit[paths], self._decimals[1]).tolist()
        minimum = to_raw(action.minimum_out[paths], self._decimals[asset_out]).tolist()
        given: dict[int, int] = {}
        calls = []
        for path, most, least, limit in zip(paths, amounts, minimum, limits, strict=True):
            if not most:
                continue
            balances = (self._word(path, "coin_balance", coin) for coin in (0, 1))
            held = (*balances, self._word(path, "pool_liquidity"))
            found = self._curves.amount_before(held, side, most, limit)
            given[path] = found
            calls.append(
                (
                    path,
                    {
                        "coin_in": side,
                        "coin_out": 1 - side,
                        "raw_in": max(found, 1),
                        "min_out": int(least) if found else MAX_UINT256,
                        "receiver": self._agents[action.actor],
                    },
                )
            )

        def decode(path: int, data: bytes, transport: Transport) -> tuple[float, float]:
            return (
                given[path] / 10.0 ** self._decimals[asset_in],
                word(data, 0) / 10.0 ** self._decimals[asset_out],
            )

        encode, sender = encoder("StableSwap"), self._deployment.agents[action.actor]
        data = [(path, encode("exchange", **arguments)) for path, arguments in calls]
        return Batch("StableSwap", "exchange", sender, self._deployment.pool, data, decode)

    @cached_property
    def _curves(self) -> Curve:
        return Curve(self._protocol)

    def _pool(self, leg: int | None) -> tuple[int, int, str]:
        """(token 0, fee in ppm, address) of the vault's pool, or of a leg's."""
        aave, lending = self._protocol.aave, self._deployment.lending
        if leg is None or aave is None or lending is None:
            return 1, self._protocol.pool.fee_ppm, self._deployment.pool
        return lending.assets[leg], aave.legs[leg].pool.fee_ppm, lending.pools[leg]


def _limit_x96(sqrt_price: float) -> int:
    """A swap's limit in Q64.96: 0 stays "none", anything else is kept within what a pool allows."""
    if sqrt_price == 0.0:
        return 0
    return min(max(int(sqrt_price * Q96), MIN_SQRT_RATIO + 1), MAX_SQRT_RATIO - 1)
