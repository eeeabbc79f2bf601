"""Actions at the HedgeVault as calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world import actions
from simulator.world.chain.calls import USDC_UNIT, WAD, Caller, paths_of
from simulator.world.chain.codec import encode_with_arrays, selector, word, words
from simulator.world.chain.terms import WAD_DECIMALS
from simulator.world.units import to_raw

if TYPE_CHECKING:
    from simulator.world.chain.calls import Batch
    from simulator.world.chain.transport import Transport

_VIRTUAL_SHARES = 10**12  # contracts/SPEC.md §4

_DEPOSIT = selector("deposit(uint256,address)")
_REDEEM = selector("redeem(uint256,address,address)")
_REQUEST_REDEEM = selector("request_redeem(uint256,address)")
_CANCEL_REQUEST = selector("cancel_request()")
_REDEEM_IN_KIND = selector("redeem_in_kind(uint256,address)")
_SETTLE = selector("settle_withdrawals(uint256)")
_TOTAL_SUPPLY = selector("totalSupply()")
_QUEUED_SHARES = selector("queued_shares()")
_POST_BETAS = selector("post_betas(int256[])")
KEEPER_FUNCTIONS: dict[type[actions.Action], str] = {
    actions.Rebalance: "rebalance",
    actions.Recenter: "recenter",
    actions.TopUp: "top_up",
    actions.Deleverage: "deleverage",
}


class VaultCalls(Caller):
    """Shares, the queue, exits in kind, keepers, and the risk manager's betas."""

    def deposit(self, action: actions.Deposit) -> Batch:
        """``deposit``."""
        paths = paths_of(action.assets)
        held = [self._wallet(path, action.actor, 0) for path in paths]
        raws = self._all_or_floor(action.assets[paths], USDC_DECIMALS, held)
        agent = self._agents[action.actor]
        paid = {path: raw for path, raw in zip(paths, raws, strict=True) if raw}
        calls = [(path, _DEPOSIT + words(raw, agent)) for path, raw in paid.items()]
        return self.batch(
            "HedgeVault",
            "deposit",
            action,
            calls,
            lambda path, data, _: (paid[path] / USDC_UNIT, word(data, 0) / WAD),
        )

    def redeem(self, action: actions.Redeem) -> Batch:
        """``redeem``."""
        burnt = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, _REDEEM + words(raw, agent, agent)) for path, raw in burnt.items()]
        return self.batch(
            "HedgeVault",
            "redeem",
            action,
            calls,
            lambda path, data, _: (burnt[path] / WAD, word(data, 0) / USDC_UNIT),
        )

    def request_redeem(self, action: actions.RequestRedeem) -> Batch:
        """``request_redeem``."""
        asked = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, _REQUEST_REDEEM + words(raw, agent)) for path, raw in asked.items()]
        return self.batch(
            "HedgeVault",
            "request_redeem",
            action,
            calls,
            lambda path, _data, _: (asked[path] / WAD, 0.0),
        )

    def cancel_request(self, action: actions.CancelRequest) -> Batch:
        """What it gives back is the amount of the vault's last event, RequestCancelled."""
        return self.batch(
            "HedgeVault",
            "cancel_request",
            action,
            [(path, _CANCEL_REQUEST) for path in paths_of(action.when)],
            lambda _path, _data, transport: (
                word(transport.last_log(self._deployment.vault), 0) / WAD,
                0.0,
            ),
        )

    def redeem_in_kind(self, action: actions.RedeemInKind) -> Batch:
        """``redeem_in_kind`` to the agent itself."""
        burnt = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, _REDEEM_IN_KIND + words(raw, agent)) for path, raw in burnt.items()]

        kept = self._protocol.vault.exit_fee

        # The fraction is of the supply with the management fee taken on the way; the exit fee
        # stays.
        def decode(path: int, _data: bytes, _: Transport) -> tuple[float, float]:
            supply = self._ask(path, "vault", _TOTAL_SUPPLY) + burnt[path] + _VIRTUAL_SHARES
            return burnt[path] / WAD, burnt[path] * (1.0 - kept) / supply

        return self.batch("HedgeVault", "redeem_in_kind", action, calls, decode)

    def settle_withdrawals(self, action: actions.SettleWithdrawals) -> Batch:
        """``settle_withdrawals``; the shares burnt are what the queue got shorter by."""
        paths = paths_of(action.when)
        fractions = to_raw(np.clip(action.fraction[paths], 0.0, 1.0), WAD_DECIMALS).tolist()
        waiting = {path: self._ask(path, "vault", _QUEUED_SHARES) for path in paths}
        calls = [
            (path, _SETTLE + words(int(fraction)))
            for path, fraction in zip(paths, fractions, strict=True)
        ]

        def decode(path: int, data: bytes, _: Transport) -> tuple[float, float]:
            burnt = waiting[path] - self._ask(path, "vault", _QUEUED_SHARES)
            return burnt / WAD, word(data, 0) / USDC_UNIT

        return self.batch("HedgeVault", "settle_withdrawals", action, calls, decode)

    def keep(
        self,
        action: actions.Rebalance | actions.Recenter | actions.TopUp | actions.Deleverage,
    ) -> Batch:
        """A keeper function, which answers the reward."""
        function = KEEPER_FUNCTIONS[type(action)]
        data = selector(f"{function}()")
        return self.batch(
            "HedgeVault",
            function,
            action,
            [(path, data) for path in paths_of(action.when)],
            lambda _path, data, _: (0.0, word(data, 0) / USDC_UNIT),
        )

    def post_betas(self, action: actions.PostBetas) -> Batch:
        """``post_betas``, as the risk manager whichever agent decides."""
        paths = paths_of(action.when)
        # Rounded, not floored: a beta is no amount anybody could be short of.
        betas = np.rint(action.betas[:, paths] * WAD).T.tolist()
        calls = [
            (path, _POST_BETAS + encode_with_arrays([], [map(int, row)], []))
            for path, row in zip(paths, betas, strict=True)
        ]
        batch = self.batch("HedgeVault", "post_betas", action, calls, lambda *_: (0.0, 0.0))
        # One address holds the risk role, whichever agent decides for it.
        return batch._replace(sender=self._deployment.roles.risk_manager)

    def _shares(
        self, action: actions.Redeem | actions.RequestRedeem | actions.RedeemInKind
    ) -> dict[int, int]:
        """Raw shares an exit asks for, by path; none where it asks for less than a unit."""
        paths = paths_of(action.shares)
        held = [self._wallet(path, action.actor, 2) for path in paths]
        raws = self._all_or_floor(action.shares[paths], WAD_DECIMALS, held)
        return {path: raw for path, raw in zip(paths, raws, strict=True) if raw}
