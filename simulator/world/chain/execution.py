"""Each action as one transaction per path that asks for it: calldata out, amounts back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world import actions
from simulator.world.chain.codec import (
    MAX_UINT256,
    WORD,
    encode_with_arrays,
    selector,
    signed_word,
    word,
    words,
)
from simulator.world.chain.deployment import WAD_DECIMALS
from simulator.world.chain.observation import POSITION_WORDS, WALLET_WORDS
from simulator.world.chain.uniswap import MAX_SQRT_RATIO, MIN_SQRT_RATIO, Q96
from simulator.world.units import factor_words, from_raw, snap, sqrt_price_from_price, to_raw

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats
    from simulator.world.chain.deployment import Deployment
    from simulator.world.chain.observation import Layout, Source
    from simulator.world.chain.transport import Transport
    from simulator.world.protocol import Protocol

# (path, return data, transport) to (amount in, amount out), whole units.
Decode: TypeAlias = Callable[[int, bytes, "Transport"], tuple[float, float]]

_WAD = 10.0**WAD_DECIMALS
_USDC = 10.0**USDC_DECIMALS
_VIRTUAL_SHARES = 10**12  # contracts/SPEC.md §4

_EXACT_INPUT = selector(
    "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
)
_TRADE = selector("trade(uint256,uint256,int256,uint256)")
_DEPOSIT_MARGIN = selector("deposit(address,uint256,uint256,uint256)")
_WITHDRAW_MARGIN = selector("withdraw(uint256,uint256,uint256,address)")
_LIQUIDATE = selector("liquidate(uint256,uint256)")
_LIQUIDATE_COLLATERAL = selector("liquidate_collateral(uint256,uint256,uint256)")
_LIQUIDATE_PLEDGE = selector("liquidate_pledge(uint256,uint256)")
_POST_COVARIANCE = selector("post_covariance(int32[8][])")
_DEPOSIT = selector("deposit(uint256,address)")
_REDEEM = selector("redeem(uint256,address,address)")
_REQUEST_REDEEM = selector("request_redeem(uint256,address)")
_CANCEL_REQUEST = selector("cancel_request()")
_REDEEM_IN_KIND = selector("redeem_in_kind(uint256,address)")
_SETTLE = selector("settle_withdrawals(uint256)")
_TOTAL_SUPPLY = selector("totalSupply()")
_QUEUED_SHARES = selector("queued_shares()")
_TOKEN_ID = selector("token_id()")
_POST_BETAS = selector("post_betas(int256[])")
_BALANCE_OF = selector("balanceOf(address)")
_KEEPER_FUNCTIONS: dict[type[actions.Action], str] = {
    actions.Rebalance: "rebalance",
    actions.Recenter: "recenter",
    actions.TopUp: "top_up",
    actions.Deleverage: "deleverage",
}


class Batch(NamedTuple):
    """The transactions of one action: the same sender and function on every acting path."""

    contract: str
    function: str
    sender: str
    to: str
    calls: list[tuple[int, bytes]]  # path, calldata
    decode: Decode


class Translator:
    """Turns actions into transactions of one deployment."""

    def __init__(
        self,
        protocol: Protocol,
        deployment: Deployment,
        layout: Layout,
        sources: list[Source],
        transports: list[Transport],
    ) -> None:
        self._protocol = protocol
        self._deployment = deployment
        self._layout = layout
        self._sources = sources
        self._transports = transports
        self._agents = [int(address, 16) for address in deployment.agents]
        self._tokens = [int(address, 16) for address in deployment.tokens]
        self._decimals = [asset.decimals for asset in protocol.assets]
        self._handlers: dict[type[actions.Action], Callable[..., Batch]] = {
            actions.Swap: self._swap,
            actions.Trade: self._trade,
            actions.PostMargin: self._post_margin,
            actions.Liquidate: self._liquidate,
            actions.LiquidateCollateral: self._liquidate_collateral,
            actions.LiquidatePledge: self._liquidate_pledge,
            actions.PostCovariance: self._post_covariance,
            actions.Deposit: self._deposit,
            actions.Redeem: self._redeem,
            actions.RequestRedeem: self._request_redeem,
            actions.CancelRequest: self._cancel_request,
            actions.RedeemInKind: self._redeem_in_kind,
            actions.SettleWithdrawals: self._settle_withdrawals,
            actions.PostBetas: self._post_betas,
            **dict.fromkeys(_KEEPER_FUNCTIONS, self._keep),
        }

    def batches(self, action: actions.Action) -> list[Batch]:
        """Transactions an action stands for; TypeError when it is none of :mod:`actions`."""
        handler = self._handlers.get(type(action))
        if handler is None:
            raise TypeError(f"no world carries out {type(action).__name__}")
        if isinstance(action, (actions.Swap, actions.PostMargin)):
            # Buying and selling, paying in and taking out, are two functions or two token orders.
            signs = (action.amount > 0.0, action.amount < 0.0)
            return [handler(action, side, mask) for side, mask in enumerate(signs) if mask.any()]
        return [handler(action)]

    # ---------------------------------------------------------------------------------------- pool

    def _swap(self, action: actions.Swap, side: int, mask: Booleans) -> Batch:
        asset_in, asset_out = (1, 0) if side == 0 else (0, 1)
        paths = _paths(mask)
        amounts = self._all_or_floor(
            np.abs(action.amount[paths]),
            self._decimals[asset_in],
            [self._wallet(path, action.actor, asset_in) for path in paths],
        )
        limits = sqrt_price_from_price(action.price_limit[paths], self._decimals[1]).tolist()
        minimum = to_raw(action.minimum_out[paths], self._decimals[asset_out]).tolist()
        fixed = words(
            self._tokens[asset_in],
            self._tokens[asset_out],
            self._protocol.pool.fee_ppm,
            self._agents[action.actor],
            MAX_UINT256,
        )
        calls = [
            (path, _EXACT_INPUT + fixed + words(amount, int(least), _limit_x96(limit)))
            for path, amount, least, limit in zip(paths, amounts, minimum, limits, strict=True)
            if amount
        ]

        # The router returns the output only; what went in is in the pool's Swap event.
        def decode(path: int, data: bytes, transport: Transport) -> tuple[float, float]:
            event = transport.last_log(self._deployment.pool)
            return (
                signed_word(event, 0 if asset_in == 1 else 1) / 10.0 ** self._decimals[asset_in],
                word(data, 0) / 10.0 ** self._decimals[asset_out],
            )

        return self._batch("SwapRouter", "exactInputSingle", action, calls, decode)

    # ------------------------------------------------------------------------------ clearing house

    def _trade(self, action: actions.Trade) -> Batch:
        paths = _paths(action.size)
        account = self._protocol.account_of(action.actor)
        place = POSITION_WORDS * (self._layout.markets * account + action.market)
        sizes = self._all_or_floor(
            action.size[paths],
            WAD_DECIMALS,
            [-self._sources[path].read("positions")[place] for path in paths],
        )
        limits = to_raw(action.price_limit[paths], WAD_DECIMALS).tolist()
        calls = [
            (path, _TRADE + words(0, action.market, size, int(limit)))
            for path, size, limit in zip(paths, sizes, limits, strict=True)
            if size
        ]
        whole = dict(zip(paths, sizes, strict=True))
        return self._batch(
            "ClearingHouse",
            "trade",
            action,
            calls,
            lambda path, data, _: (whole[path] / _WAD, word(data, 0) / _WAD),
        )

    def _post_margin(self, action: actions.PostMargin, side: int, mask: Booleans) -> Batch:
        paths = _paths(mask)
        asset = self._protocol.clearing.collaterals[action.collateral].asset
        amounts = np.abs(action.amount[paths])
        agent, index = self._agents[action.actor], action.collateral
        if side == 0:
            held = [self._balance(path, asset, action.actor) for path in paths]
            raws = self._all_or_floor(amounts, self._decimals[asset], held)
            calls = [
                (path, _DEPOSIT_MARGIN + words(agent, 0, index, raw))
                for path, raw in zip(paths, raws, strict=True)
                if raw
            ]
        else:
            if index == 0:  # cash is counted finer than USDC's units
                raws = [int(raw) for raw in to_raw(amounts, self._decimals[asset]).tolist()]
            else:
                account = self._protocol.account_of(action.actor)
                place = self._layout.others * account + index - 1
                held = [self._sources[path].read("collateral")[place] for path in paths]
                raws = self._all_or_floor(amounts, self._decimals[asset], held)
            calls = [
                (path, _WITHDRAW_MARGIN + words(0, index, raw, agent))
                for path, raw in zip(paths, raws, strict=True)
                if raw
            ]
        sign = 1.0 if side == 0 else -1.0
        moved = dict(zip(paths, raws, strict=True))
        return self._batch(
            "ClearingHouse",
            "deposit" if side == 0 else "withdraw",
            action,
            calls,
            lambda path, _data, _: (sign * moved[path] / 10.0 ** self._decimals[asset], 0.0),
        )

    def _liquidate(self, action: actions.Liquidate) -> Batch:
        data = _LIQUIDATE + words(self._layout.accounts[action.account], action.market)
        return self._batch(
            "ClearingHouse",
            "liquidate",
            action,
            [(path, data) for path in _paths(action.when)],
            lambda _path, data, _: (word(data, 0) / _WAD, word(data, 1) / _WAD),
        )

    def _liquidate_collateral(self, action: actions.LiquidateCollateral) -> Batch:
        paths = _paths(action.amount)
        decimals = self._decimals[self._protocol.clearing.collaterals[action.collateral].asset]
        account = self._layout.accounts[action.account]
        raws = to_raw(action.amount[paths], decimals).tolist()
        calls = [
            (path, _LIQUIDATE_COLLATERAL + words(account, action.collateral, int(raw)))
            for path, raw in zip(paths, raws, strict=True)
            if raw
        ]
        return self._batch(
            "ClearingHouse",
            "liquidate_collateral",
            action,
            calls,
            lambda _path, data, _: (word(data, 1) / _WAD, word(data, 0) / 10.0**decimals),
        )

    def _liquidate_pledge(self, action: actions.LiquidatePledge) -> Batch:
        """Of the vault's position: the only one pledged here. Any other account backs nothing."""
        account = self._layout.accounts[action.account]
        calls = [
            (path, _LIQUIDATE_PLEDGE + words(account, self._ask(path, "vault", _TOKEN_ID)))
            for path in _paths(action.when)
        ]
        return self._batch(
            "ClearingHouse",
            "liquidate_pledge",
            action,
            calls,
            lambda _path, data, _: (word(data, 1) / _WAD, word(data, 0) / _WAD),
        )

    def _post_covariance(self, action: actions.PostCovariance) -> Batch:
        paths = _paths(action.when)
        factor = factor_words(action.factor[:, :, paths]).astype(np.int64)
        calls = [
            (
                path,
                _POST_COVARIANCE + words(WORD, len(factor), *factor[:, :, index].ravel().tolist()),
            )
            for index, path in enumerate(paths)
        ]
        batch = self._batch(
            "ClearingHouse", "post_covariance", action, calls, lambda *_: (0.0, 0.0)
        )
        return batch._replace(sender=self._deployment.roles.venue)

    # --------------------------------------------------------------------------------------- vault

    def _deposit(self, action: actions.Deposit) -> Batch:
        paths = _paths(action.assets)
        held = [self._wallet(path, action.actor, 0) for path in paths]
        raws = self._all_or_floor(action.assets[paths], USDC_DECIMALS, held)
        agent = self._agents[action.actor]
        paid = {path: raw for path, raw in zip(paths, raws, strict=True) if raw}
        calls = [(path, _DEPOSIT + words(raw, agent)) for path, raw in paid.items()]
        return self._batch(
            "HedgeVault",
            "deposit",
            action,
            calls,
            lambda path, data, _: (paid[path] / _USDC, word(data, 0) / _WAD),
        )

    def _redeem(self, action: actions.Redeem) -> Batch:
        burnt = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, _REDEEM + words(raw, agent, agent)) for path, raw in burnt.items()]
        return self._batch(
            "HedgeVault",
            "redeem",
            action,
            calls,
            lambda path, data, _: (burnt[path] / _WAD, word(data, 0) / _USDC),
        )

    def _request_redeem(self, action: actions.RequestRedeem) -> Batch:
        asked = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, _REQUEST_REDEEM + words(raw, agent)) for path, raw in asked.items()]
        return self._batch(
            "HedgeVault",
            "request_redeem",
            action,
            calls,
            lambda path, _data, _: (asked[path] / _WAD, 0.0),
        )

    def _cancel_request(self, action: actions.CancelRequest) -> Batch:
        """What it gives back is the amount of the vault's last event, RequestCancelled."""
        return self._batch(
            "HedgeVault",
            "cancel_request",
            action,
            [(path, _CANCEL_REQUEST) for path in _paths(action.when)],
            lambda _path, _data, transport: (
                word(transport.last_log(self._deployment.vault), 0) / _WAD,
                0.0,
            ),
        )

    def _redeem_in_kind(self, action: actions.RedeemInKind) -> Batch:
        burnt = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, _REDEEM_IN_KIND + words(raw, agent)) for path, raw in burnt.items()]

        # The fraction is of the supply with the management fee taken on the way.
        def decode(path: int, _data: bytes, _: Transport) -> tuple[float, float]:
            supply = self._ask(path, "vault", _TOTAL_SUPPLY) + burnt[path] + _VIRTUAL_SHARES
            return burnt[path] / _WAD, burnt[path] / supply

        return self._batch("HedgeVault", "redeem_in_kind", action, calls, decode)

    def _settle_withdrawals(self, action: actions.SettleWithdrawals) -> Batch:
        paths = _paths(action.when)
        fractions = to_raw(np.clip(action.fraction[paths], 0.0, 1.0), WAD_DECIMALS).tolist()
        waiting = {path: self._ask(path, "vault", _QUEUED_SHARES) for path in paths}
        calls = [
            (path, _SETTLE + words(int(fraction)))
            for path, fraction in zip(paths, fractions, strict=True)
        ]

        def decode(path: int, data: bytes, _: Transport) -> tuple[float, float]:
            burnt = waiting[path] - self._ask(path, "vault", _QUEUED_SHARES)
            return burnt / _WAD, word(data, 0) / _USDC

        return self._batch("HedgeVault", "settle_withdrawals", action, calls, decode)

    def _keep(
        self,
        action: actions.Rebalance | actions.Recenter | actions.TopUp | actions.Deleverage,
    ) -> Batch:
        function = _KEEPER_FUNCTIONS[type(action)]
        data = selector(f"{function}()")
        return self._batch(
            "HedgeVault",
            function,
            action,
            [(path, data) for path in _paths(action.when)],
            lambda _path, data, _: (0.0, word(data, 0) / _USDC),
        )

    def _post_betas(self, action: actions.PostBetas) -> Batch:
        paths = _paths(action.when)
        # Rounded, not floored: a beta is no amount anybody could be short of.
        betas = np.rint(action.betas[:, paths] * _WAD).T.tolist()
        calls = [
            (path, _POST_BETAS + encode_with_arrays([], [map(int, row)], []))
            for path, row in zip(paths, betas, strict=True)
        ]
        batch = self._batch("HedgeVault", "post_betas", action, calls, lambda *_: (0.0, 0.0))
        # One address holds the risk role, whichever agent decides for it.
        return batch._replace(sender=self._deployment.roles.risk_manager)

    # ------------------------------------------------------------------------------------- helpers

    def _batch(
        self,
        contract: str,
        function: str,
        action: actions.Action,
        calls: list[tuple[int, bytes]],
        decode: Decode,
    ) -> Batch:
        address = {
            "SwapRouter": self._deployment.router,
            "ClearingHouse": self._deployment.clearing,
            "HedgeVault": self._deployment.vault,
        }[contract]
        sender = self._deployment.agents[action.actor]
        return Batch(contract, function, sender, address, calls, decode)

    def _wallet(self, path: int, agent: int, kind: int) -> int:
        """Raw USDC (0), base (1) or shares (2) of an agent."""
        return self._sources[path].read("wallets")[WALLET_WORDS * agent + kind]

    def _shares(
        self, action: actions.Redeem | actions.RequestRedeem | actions.RedeemInKind
    ) -> dict[int, int]:
        """Raw shares an exit asks for, by path; none where it asks for less than a unit."""
        paths = _paths(action.shares)
        held = [self._wallet(path, action.actor, 2) for path in paths]
        raws = self._all_or_floor(action.shares[paths], WAD_DECIMALS, held)
        return {path: raw for path, raw in zip(paths, raws, strict=True) if raw}

    def _ask(self, path: int, contract: str, data: bytes) -> int:
        """The number a view of a contract answers with."""
        return word(self._transports[path].call(getattr(self._deployment, contract), data), 0)

    def _balance(self, path: int, asset: int, agent: int) -> int:
        """Raw tokens in an agent's wallet; the Lens shows USDC and base only."""
        if asset <= 1:
            return self._wallet(path, agent, asset)
        data = _BALANCE_OF + words(self._agents[agent])
        return word(self._transports[path].call(self._deployment.tokens[asset], data), 0)

    @staticmethod
    def _all_or_floor(amounts: Floats, decimals: int, whole: list[int]) -> list[int]:
        """Raw amounts: exactly ``whole`` where one means all of it, else rounded toward zero."""
        everything = from_raw(np.array(whole, np.float64), decimals)
        rounded = np.copysign(to_raw(np.abs(amounts), decimals), amounts).tolist()
        means_all = (snap(amounts, everything) == everything).tolist()
        return [
            exact if all_ else int(raw)
            for exact, all_, raw in zip(whole, means_all, rounded, strict=True)
        ]


def _paths(wanted: Floats | Booleans) -> list[int]:
    """Paths on which an amount is not zero or a condition holds."""
    return np.flatnonzero(wanted).tolist()


def _limit_x96(sqrt_price: float) -> int:
    """A swap's limit in Q64.96: 0 stays "none", anything else is kept within what a pool allows."""
    if sqrt_price == 0.0:
        return 0
    return min(max(int(sqrt_price * Q96), MIN_SQRT_RATIO + 1), MAX_SQRT_RATIO - 1)
