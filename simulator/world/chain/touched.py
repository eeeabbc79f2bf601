"""Which of the stored words an action, or the passing of time, can have changed.

What is not named stays as it was read. ``tests/chain/test_observation.py`` holds everything that is
shown against the Lens after every action of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from simulator.world.actions import Action, PostMargin, Swap, Trade
from simulator.world.chain.layout import POSITION_WORDS, WALLET_WORDS

if TYPE_CHECKING:
    from simulator.world.chain.layout import Layout

#: Groups that must be read again, each with the part of its words that can have changed; None: all.
Touched: TypeAlias = tuple[tuple[str, slice | None], ...]

#: Words of a market in groups where an action at one market changes no other's.
MARKET_WORDS = {"market": 2, "backstop": 8}
#: What an action that is not one of the frequent ones may touch: everything.
GROUPS = (
    *(
        "venue",
        "vault",
        "market",
        "accrual",
        "backstop",
        "shares",
        "betas",
        "cash",
        "collateral",
        "positions",
    ),
    *("wallets", "range", "nft", "place", "pool", "fees", "covariance", "lending"),
)
#: The provider of liquidity around the vault's range was told another depth.
BY_DEPTH: Touched = (("pool", None), ("fees", None))
#: A skew scale was set, which accrues a market and sweeps its pool to the maker.
BY_SCALE: Touched = tuple((name, None) for name in ("market", "accrual", "backstop", "venue"))
#: Interest and a covariance's ramp go on by themselves.
BY_TIME: Touched = (("covariance", None), ("lending", None))

EVERYTHING: Touched = tuple((name, None) for name in GROUPS)


def touched(action: Action, layout: Layout) -> Touched:
    """What an action that went through can have changed, on any path."""
    protocol = layout.protocol
    if isinstance(action, Swap):
        wallet = _row(action.actor, WALLET_WORDS)
        lent: Touched = () if action.leg is None else (("lending", None),)
        return (("pool", None), ("fees", None), ("wallets", wallet), *lent)
    if isinstance(action, Trade):
        account = protocol.account_of(action.actor)
        return (
            ("accrual", None),  # of whichever markets the account holds: margin is checked
            *((name, _row(action.market, width)) for name, width in MARKET_WORDS.items()),
            ("venue", None),
            ("cash", _row(account, 1)),
            ("positions", _row(account * layout.markets + action.market, POSITION_WORDS)),
        )
    if isinstance(action, PostMargin):
        account = protocol.account_of(action.actor)
        return (
            ("cash", _row(account, 1)),
            ("collateral", _row(account, layout.others)),
            ("accrual", None),  # as above
            ("wallets", _row(action.actor, WALLET_WORDS)),
        )
    return EVERYTHING


def _row(row: int, width: int) -> slice:
    return slice(row * width, (row + 1) * width)
