"""Actions at the HedgeVault as calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.chain.calls.batch import USDC_UNIT, WAD, Caller, carries_out, paths_of
from simulator.chain.deploy.terms import WAD_DECIMALS
from simulator.chain.evm.codec import word
from simulator.types import USDC_DECIMALS
from simulator.world import actions
from simulator.world.units import to_raw

if TYPE_CHECKING:
    from simulator.chain.calls.batch import Batch
    from simulator.chain.evm.transport import Transport

_VIRTUAL_SHARES = 10**12  # contracts/SPEC.md §4


class VaultCalls(Caller):
    """Shares, the queue, exits in kind, keepers, and the risk manager's betas."""

    @carries_out(actions.Deposit)
    def deposit(self, action: actions.Deposit) -> Batch:
        """``deposit``."""
        paths = paths_of(action.assets)
        held = [self._word(path, "wallet_usdc", action.actor) for path in paths]
        raws = self._all_or_floor(action.assets[paths], USDC_DECIMALS, held)
        agent = self._agents[action.actor]
        paid = {path: raw for path, raw in zip(paths, raws, strict=True) if raw}
        calls = [(path, {"assets": raw, "receiver": agent}) for path, raw in paid.items()]
        return self.batch(
            action,
            calls,
            lambda path, data, _: (paid[path] / USDC_UNIT, word(data, 0) / WAD),
        )

    @carries_out(actions.Redeem)
    def redeem(self, action: actions.Redeem) -> Batch:
        """``redeem``."""
        burnt = self._shares(action)
        agent = self._agents[action.actor]
        calls = [
            (path, {"shares": raw, "receiver": agent, "owner": agent})
            for path, raw in burnt.items()
        ]
        return self.batch(
            action,
            calls,
            lambda path, data, _: (burnt[path] / WAD, word(data, 0) / USDC_UNIT),
        )

    @carries_out(actions.RequestRedeem)
    def request_redeem(self, action: actions.RequestRedeem) -> Batch:
        """``request_redeem``."""
        asked = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, {"shares": raw, "receiver": agent}) for path, raw in asked.items()]
        return self.batch(
            action,
            calls,
            lambda path, _data, _: (asked[path] / WAD, 0.0),
        )

    @carries_out(actions.CancelRequest)
    def cancel_request(self, action: actions.CancelRequest) -> Batch:
        """What it gives back is the amount of the vault's last event, RequestCancelled."""
        return self.batch(
            action,
            [(path, {}) for path in paths_of(action.when)],
            lambda _path, _data, transport: (
                word(transport.last_log(self._deployment.vault), 0) / WAD,
                0.0,
            ),
        )

    @carries_out(actions.RedeemInKind)
    def redeem_in_kind(self, action: actions.RedeemInKind) -> Batch:
        """``redeem_in_kind`` to the agent itself."""
        burnt = self._shares(action)
        agent = self._agents[action.actor]
        calls = [(path, {"shares": raw, "receiver": agent}) for path, raw in burnt.items()]

        kept = self._protocol.vault.exit_fee

        # The fraction is of the supply with the management fee taken on the way; the exit fee
        # stays.
        def decode(path: int, _data: bytes, _: Transport) -> tuple[float, float]:
            supply = self._ask(path, "totalSupply") + burnt[path] + _VIRTUAL_SHARES
            return burnt[path] / WAD, burnt[path] * (1.0 - kept) / supply

        return self.batch(action, calls, decode)

    @carries_out(actions.SettleWithdrawals)
    def settle_withdrawals(self, action: actions.SettleWithdrawals) -> Batch:
        """``settle_withdrawals``; the shares burnt are what the queue got shorter by."""
        paths = paths_of(action.when)
        fractions = to_raw(np.clip(action.fraction[paths], 0.0, 1.0), WAD_DECIMALS).tolist()
        waiting = {path: self._ask(path, "queued_shares") for path in paths}
        calls = [
            (path, {"fraction": int(fraction)})
            for path, fraction in zip(paths, fractions, strict=True)
        ]

        def decode(path: int, data: bytes, _: Transport) -> tuple[float, float]:
            burnt = waiting[path] - self._ask(path, "queued_shares")
            return burnt / WAD, word(data, 0) / USDC_UNIT

        return self.batch(action, calls, decode)

    @carries_out(*actions.KEEPER_FUNCTIONS)
    def keep(
        self,
        action: actions.Rebalance | actions.Recenter | actions.TopUp | actions.Deleverage,
    ) -> Batch:
        """A keeper function, which answers the reward."""
        return self.batch(
            action,
            [(path, {}) for path in paths_of(action.when)],
            lambda _path, data, _: (0.0, word(data, 0) / USDC_UNIT),
        )

    @carries_out(actions.PostBetas)
    def post_betas(self, action: actions.PostBetas) -> Batch:
        """``post_betas``, as the risk manager whichever agent decides."""
        paths = paths_of(action.when)
        # Rounded, not floored: a beta is no amount anybody could be short of.
        betas = np.rint(action.betas[:, paths] * WAD).T.tolist()
        calls = [
            (path, {"betas": list(map(int, row))}) for path, row in zip(paths, betas, strict=True)
        ]
        return self.batch(action, calls, lambda *_: (0.0, 0.0))

    def _shares(
        self, action: actions.Redeem | actions.RequestRedeem | actions.RedeemInKind
    ) -> dict[int, int]:
        """Raw shares an exit asks for, by path; none where it asks for less than a unit."""
        paths = paths_of(action.shares)
        held = [self._word(path, "wallet_shares", action.actor) for path in paths]
        raws = self._all_or_floor(action.shares[paths], WAD_DECIMALS, held)
        return {path: raw for path, raw in zip(paths, raws, strict=True) if raw}
