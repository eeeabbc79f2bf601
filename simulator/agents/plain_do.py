"""What an agent sees of one path of a world and what it may do there, in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.plain_sights import Sights
from simulator.world import actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.types import Booleans, Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World


class PlainDo(Sights):
    """The ``do`` of one agent on one path of any world.

    It is what the chain runs, and the model where an agent is to be debugged: the same names as
    compiled agents find (:mod:`simulator.agents.do`). Whoever runs the agent calls :meth:`begin`
    at each step. An amount of zero is no action. Each verb gives back a status; with ``quote`` it
    is only tried: what would come of it, or why it would be refused.

    Attributes:
        amount_in, amount_out: of the last action of this turn, as
            :class:`~simulator.world.actions.Fill` says.
    """

    def __init__(
        self,
        world: World,
        agent: int,
        path: int = 0,
        execute: Callable[[Action], Fill] | None = None,
    ) -> None:
        """``execute`` carries actions out, if the world is not to be asked directly."""
        super().__init__(world, agent, path)
        self.amount_in = self.amount_out = 0.0
        self._execute = execute or world.execute

    def begin(self, step: int) -> None:
        """Its turn of ``step`` begins: nothing came of anything yet."""
        super().begin(step)
        self.amount_in = self.amount_out = 0.0

    def swap(
        self,
        amount: float,
        limit: float = 0.0,
        minimum: float = 0.0,
        leg: int = -1,
        quote: bool = False,
    ) -> int:
        """Exact-input swap: status; see :class:`~simulator.world.actions.Swap`."""
        pool = None if leg < 0 else leg
        given = self._here(amount), self._here(limit), self._here(minimum)
        return self._ask(amount, actions.Swap(self.agent, *given, pool), quote)

    def trade(self, market: int, size: float, limit: float, quote: bool = False) -> int:
        """Perp order: status."""
        given = self._here(size), self._here(limit)
        return self._ask(size, actions.Trade(self.agent, market, *given), quote)

    def post_margin(self, collateral: int, amount: float, quote: bool = False) -> int:
        """Deposit or (< 0) withdraw collateral: status."""
        given = self._here(amount)
        return self._ask(amount, actions.PostMargin(self.agent, collateral, given), quote)

    def provide(
        self,
        position: int,
        lower: float,
        upper: float,
        base: float,
        usdc: float,
        quote: bool = False,
    ) -> int:
        """Liquidity between two ticks: status; see :class:`~actions.ProvideLiquidity`."""
        given = self._here(lower), self._here(upper), self._here(base), self._here(usdc)
        action = actions.ProvideLiquidity(self.agent, position, *given, self._only())
        return self._ask(1.0, action, quote)

    def withdraw(self, position: int, fraction: float = 1.0, quote: bool = False) -> int:
        """Take a fraction of a position out, and its fees: status."""
        given = self._here(fraction), self._only()
        return self._ask(1.0, actions.RemoveLiquidity(self.agent, position, *given), quote)

    def collect(self, position: int, quote: bool = False) -> int:
        """Take the fees of a position: status."""
        return self._ask(1.0, actions.CollectFees(self.agent, position, self._only()), quote)

    def liquidate(self, account: int, market: int, quote: bool = False) -> int:
        """Liquidate a position: status."""
        return self._ask(1.0, actions.Liquidate(self.agent, account, market, self._only()), quote)

    def liquidate_collateral(
        self, account: int, collateral: int, amount: float, quote: bool = False
    ) -> int:
        """Buy collateral for an account's debt: status."""
        given = self._here(amount)
        action = actions.LiquidateCollateral(self.agent, account, collateral, given)
        return self._ask(amount, action, quote)

    def liquidate_pledge(self, account: int, quote: bool = False) -> int:
        """Liquidate pledged liquidity: status."""
        return self._ask(1.0, actions.LiquidatePledge(self.agent, account, self._only()), quote)

    def liquidate_loan(self, leg: int, amount: float, quote: bool = False) -> int:
        """Aave's liquidationCall: status."""
        return self._ask(amount, actions.LiquidateLoan(self.agent, leg, self._here(amount)), quote)

    def liquidate_borrower(
        self, borrower: int, seized: int, repaid: int, amount: float, quote: bool = False
    ) -> int:
        """Aave's liquidationCall of a borrower: status; of listings, what is taken and paid."""
        given = borrower, seized, repaid, self._here(amount)
        return self._ask(amount, actions.LiquidateBorrower(self.agent, *given), quote)

    def deposit(self, amount: float, quote: bool = False) -> int:
        """ERC-4626 deposit of whole USDC: status."""
        return self._ask(amount, actions.Deposit(self.agent, self._here(amount)), quote)

    def redeem(self, amount: float, quote: bool = False) -> int:
        """ERC-4626 redeem of whole shares: status."""
        return self._ask(amount, actions.Redeem(self.agent, self._here(amount)), quote)

    def request_redeem(self, amount: float, quote: bool = False) -> int:
        """The last place in the queue: status."""
        return self._ask(amount, actions.RequestRedeem(self.agent, self._here(amount)), quote)

    def cancel_request(self, quote: bool = False) -> int:
        """Take a request back: status."""
        return self._ask(1.0, actions.CancelRequest(self.agent, self._only()), quote)

    def redeem_in_kind(self, amount: float, quote: bool = False) -> int:
        """Tokens, and a slice of the margin account: status."""
        return self._ask(amount, actions.RedeemInKind(self.agent, self._here(amount)), quote)

    def settle_withdrawals(self, amount: float, quote: bool = False) -> int:
        """Settle the queue, unwinding at most that part of both legs: status."""
        given = self._here(amount), self._only()
        return self._ask(1.0, actions.SettleWithdrawals(self.agent, *given), quote)

    def rebalance(self, quote: bool = False) -> int:
        """Status."""
        return self._ask(1.0, actions.Rebalance(self.agent, self._only()), quote)

    def recenter(self, quote: bool = False) -> int:
        """Status."""
        return self._ask(1.0, actions.Recenter(self.agent, self._only()), quote)

    def top_up(self, quote: bool = False) -> int:
        """Status."""
        return self._ask(1.0, actions.TopUp(self.agent, self._only()), quote)

    def deleverage(self, quote: bool = False) -> int:
        """Status."""
        return self._ask(1.0, actions.Deleverage(self.agent, self._only()), quote)

    def _here(self, value: float) -> Floats:
        """The value on its path, nothing on the others."""
        array = np.zeros(self._world.market.paths)
        array[self._path] = value
        return array

    def _only(self) -> Booleans:
        return np.arange(self._world.market.paths) == self._path

    def _ask(self, amount: float, action: Action, quote: bool) -> int:
        """Status of an action, done (or only tried) unless its amount is nothing."""
        self.amount_in = self.amount_out = 0.0
        if amount == 0.0:
            return 0
        fill = self._world.quote(action) if quote else self._execute(action)
        self.amount_in, self.amount_out = fill.amount_in[self._path], fill.amount_out[self._path]
        return int(fill.status[self._path])
