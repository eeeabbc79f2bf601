"""Which of the stored words an action, or the passing of time, can have changed.

What is not named stays as it was read. ``tests/chain/test_observation.py`` holds everything that is
shown against the Lens after every action of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from simulator.protocol.state.table import of_storage
from simulator.world.actions import (
    Action,
    CollectFees,
    Deleverage,
    Deposit,
    PostMargin,
    ProvideLiquidity,
    Rebalance,
    Recenter,
    RemoveLiquidity,
    Swap,
    TopUp,
    Trade,
)

if TYPE_CHECKING:
    from simulator.chain.reading.layout import Layout

#: Groups that must be read again, each with the part of its words that can have changed.
Touched: TypeAlias = tuple[tuple[str, slice], ...]

#: The whole of a group.
ALL = slice(None)
#: What an action that is not one of the frequent ones may touch: everything.
GROUPS = (*of_storage(), *("range", "nft"))
#: Groups in which an action at one market changes no other's words.
BY_MARKET = ("market", "backstop")
#: The provider of liquidity around the vault's range was told another depth.
BY_DEPTH: Touched = (("pool", ALL), ("stable", ALL), ("fees", ALL))
#: A skew scale was set, which accrues a market and sweeps its pool to the maker.
BY_SCALE: Touched = tuple((name, ALL) for name in ("market", "accrual", "backstop", "venue"))
#: Actions that touch no account and no wallet but the vault's and the actor's.
OF_VAULT = (Deposit, Rebalance, Recenter, TopUp, Deleverage)
_VAULT_GROUPS = (
    *("venue", "vault", "market", "accrual", "backstop", "shares"),
    *("range", "nft", "place", "pool", "stable", "fees", "lending"),
)
#: Actions that touch the pool, the actor's wallet and its positions.
PROVIDING = (ProvideLiquidity, RemoveLiquidity, CollectFees)
#: Of those, and a trader's own: what may close against positions of insolvent accounts.
CLOSING = (Trade, Rebalance, Deleverage)
EVERYTHING: Touched = tuple((name, ALL) for name in GROUPS)


def touched(action: Action, layout: Layout) -> Touched:
    """What an action that went through can have changed, on any path."""
    protocol, part = layout.protocol, layout.part
    if isinstance(action, Swap):
        wallet = part("wallets", action.actor)
        lent = () if action.leg is None else (("lending", ALL), *_others(layout))
        return (*BY_DEPTH, ("wallets", wallet), *_provided(layout), *lent)
    if isinstance(action, Trade):
        account = protocol.account_of(action.actor)
        return (
            ("accrual", ALL),  # of whichever markets the account holds: margin is checked
            *((name, part(name, action.market)) for name in BY_MARKET),
            ("venue", ALL),
            ("cash", part("cash", account)),
            ("positions", part("positions", account, action.market)),
        )
    if isinstance(action, OF_VAULT):
        # Whatever it trades, pledges or pays is the vault's, whose accounts come first.
        return (
            *((name, ALL) for name in _VAULT_GROUPS),
            *((name, slice(part(name, layout.markets).stop)) for name in ("cash", "positions")),
            ("wallets", part("wallets", action.actor)),
            *_provided(layout),
        )
    if isinstance(action, PROVIDING):
        wallet = part("wallets", action.actor)
        return (("pool", ALL), ("fees", ALL), ("wallets", wallet), *_provided(layout))
    if isinstance(action, PostMargin):
        account = protocol.account_of(action.actor)
        return (
            ("cash", part("cash", account)),
            ("collateral", part("collateral", account)),
            ("accrual", ALL),  # as above
            ("wallets", part("wallets", action.actor)),
            *_others(layout),
        )
    return EVERYTHING


def _others(layout: Layout) -> Touched:
    """Where wallets of tokens other than USDC and the base are shown with the lending market."""
    return (("borrowers", ALL),) if layout.others else ()


def _provided(layout: Layout) -> Touched:
    """Agents' positions, where they may hold any."""
    return (("providers", ALL),) if layout.lengths["positions"] else ()


def by_time(layout: Layout) -> Touched:
    """What goes on by itself: the ramp of a covariance, interest on a loan."""
    names = [
        *(["covariance"] if layout.protocol.clearing.risk_multiple > 0.0 else []),
        *(["lending"] if layout.legs else []),
        *(["borrowers"] if layout.listed else []),
    ]
    return tuple((name, ALL) for name in names)
