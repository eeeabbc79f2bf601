"""Agents' own liquidity: calls of the NonfungiblePositionManager by who holds the position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.chain.calls.batch import Batch, Caller, carries_out, paths_of
from simulator.chain.evm.abi import encoder
from simulator.chain.evm.codec import MAX_UINT256, WORD, selector, word
from simulator.model.pools.uniswap_v3.tick import usable_range
from simulator.world import actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.chain.evm.transport import Transport

_MANAGER = "NonfungiblePositionManager"
_MAX_UINT128 = 2**128 - 1
_MULTICALL = selector("multicall(bytes[])")
#: Of the words of ``positions(tokenId)``.
_LIQUIDITY = 7
#: The manager numbers tokens from 1: of this it says that there is none.
_NO_TOKEN = 0


class ProvidingCalls(Caller):
    """Minting, growing, shrinking and closing positions, and taking their fees."""

    @carries_out(actions.ProvideLiquidity)
    def provide(self, action: actions.ProvideLiquidity) -> Batch:
        """``mint``, or ``increaseLiquidity`` where the actor holds a position of that number."""
        paths = paths_of(action.when)
        amounts = [
            self._all_or_floor(
                np.maximum(whole[paths], 0.0),
                self._decimals[asset],
                [self._balance(path, asset, action.actor) for path in paths],
            )
            for asset, whole in ((1, action.base), (0, action.usdc))
        ]
        spacing = float(self._protocol.pool.tick_spacing)
        encode, calls = encoder(_MANAGER), []
        for place, path in enumerate(paths):
            common = {
                "amount0Desired": amounts[0][place],
                "amount1Desired": amounts[1][place],
                "amount0Min": 0,
                "amount1Min": 0,
                "deadline": MAX_UINT256,
            }
            token = self._token(path, action.actor, action.position)
            if token != _NO_TOKEN:
                calls.append((path, encode("increaseLiquidity", tokenId=token, **common)))
                continue
            lower, upper = usable_range(
                float(action.lower[path]), float(action.upper[path]), spacing
            )
            data = encode(
                "mint",
                token0=self._tokens[1],
                token1=self._tokens[0],
                fee=self._protocol.pool.fee_ppm,
                tickLower=int(lower),
                tickUpper=int(upper),
                recipient=self._agents[action.actor],
                **common,
            )
            calls.append((path, data))

        def decode(_path: int, data: bytes, _transport: Transport) -> tuple[float, float]:
            last = len(data) // WORD - 1  # amounts of token 0 and of token 1 come last in both
            return self._whole(word(data, last - 1), word(data, last))

        return self._batch(action, calls, decode)

    @carries_out(actions.RemoveLiquidity)
    def remove(self, action: actions.RemoveLiquidity) -> Batch:
        """``decreaseLiquidity`` and ``collect`` as one, of all of it ``burn`` besides."""
        from eth_abi import encode as encode_abi

        encode, calls = encoder(_MANAGER), []
        for path in paths_of(action.when):
            token = self._token(path, action.actor, action.position)
            held = self._held(path, token) if token != _NO_TOKEN else 1
            part = float(action.fraction[path]) if token != _NO_TOKEN else 1.0
            wanted = int(np.floor(part * float(held)))
            taken = held if wanted >= float(held) else wanted
            if taken <= 0:
                continue
            parts = [
                encode(
                    "decreaseLiquidity",
                    tokenId=token,
                    liquidity=taken,
                    amount0Min=0,
                    amount1Min=0,
                    deadline=MAX_UINT256,
                ),
                self._collect(action.actor, token),
            ]
            if taken == held:
                parts.append(encode("burn", tokenId=token))
            calls.append((path, _MULTICALL + encode_abi(["bytes[]"], [parts])))

        def decode(_path: int, data: bytes, _transport: Transport) -> tuple[float, float]:
            from eth_abi import decode as decode_abi

            (answers,) = decode_abi(["bytes[]"], data)
            return self._whole(word(answers[1], 0), word(answers[1], 1))

        return self._batch(action, calls, decode)

    @carries_out(actions.CollectFees)
    def collect(self, action: actions.CollectFees) -> Batch:
        """``collect`` of all that is owed."""
        calls = [
            (path, self._collect(action.actor, self._token(path, action.actor, action.position)))
            for path in paths_of(action.when)
        ]

        def decode(_path: int, data: bytes, _transport: Transport) -> tuple[float, float]:
            return self._whole(word(data, 0), word(data, 1))

        return self._batch(action, calls, decode)

    def _collect(self, agent: int, token: int) -> bytes:
        return encoder(_MANAGER)(
            "collect",
            tokenId=token,
            recipient=self._agents[agent],
            amount0Max=_MAX_UINT128,
            amount1Max=_MAX_UINT128,
        )

    def _batch(
        self,
        action: actions.Action,
        calls: list[tuple[int, bytes]],
        decode: Callable[[int, bytes, Transport], tuple[float, float]],
    ) -> Batch:
        function, sender = action.spec.functions[0], self._deployment.agents[action.actor]
        return Batch(_MANAGER, function, sender, self._deployment.manager, calls, decode)

    def _whole(self, base: int, usdc: int) -> tuple[float, float]:
        return base / 10.0 ** self._decimals[1], usdc / 10.0 ** self._decimals[0]

    def _ask_manager(self, path: int, function: str, **arguments: int) -> bytes:
        data = encoder(_MANAGER)(function, **arguments)
        return self._transports[path].call(self._deployment.manager, data)

    def _token(self, path: int, agent: int, number: int) -> int:
        """The token of an agent's position; :data:`_NO_TOKEN`: it holds none of that number."""
        owner = self._agents[agent]
        if number >= word(self._ask_manager(path, "balanceOf", owner=owner), 0):
            return _NO_TOKEN
        return word(self._ask_manager(path, "tokenOfOwnerByIndex", owner=owner, index=number), 0)

    def _held(self, path: int, token: int) -> int:
        """L of a position."""
        return word(self._ask_manager(path, "positions", tokenId=token), _LIQUIDITY)
