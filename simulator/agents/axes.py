"""Which indices there are of what agents ask for, and how one that is not there is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.model.kernel.record import counts_of
from simulator.world.actions import ACTIONS

if TYPE_CHECKING:
    from simulator.world.protocol import Protocol

#: What indices are of, by the number that compiled code has for it.
AXES = (
    *("", "asset", "account", "market", "collateral", "leg", "kind", "borrower", "listing"),
    "position",
)
ASSET, ACCOUNT, MARKET, COLLATERAL, LEG, KIND, BORROWER, LISTING, POSITION = range(1, len(AXES))
#: What a ``do`` shows of something with an index, by the same.
INDEX, ORACLE, GAS_COST, NOISE_TRADE, LEG_PRICE, LEG_LIQUIDITY, WALLET_LEG = range(1, 8)
SIZE, CASH, COLLATERAL_OF, SKEW, SKEW_SCALE, PREMIUM_POOL, UNPAID_PREMIUM = range(8, 15)
FUNDING, MARGIN_OF, DEBT, BETA, REWARD, OUTSIDE = range(15, 21)
BORROWER_OF, SUPPLIED_BY, OWED_BY, WALLET_LISTED, POSITION_OF = range(21, 26)
SIGHTS = (
    *("", "index", "oracle", "gas_cost", "noise_trade", "leg_price", "leg_liquidity", "wallet_leg"),
    *("size", "cash", "collateral", "skew", "skew_scale", "premium_pool", "unpaid_premium"),
    *("funding", "margin_of", "debt", "beta", "reward", "moved_by"),
    *("borrower", "supplied_by", "owed_by", "wallet_listed", "position"),
)
#: What an index is.
A_NUMBER = "a whole number, as it is int"
#: Kinds of action: 0 is none.
FIRST_KIND, KINDS = 1, len(ACTIONS) + 1


#: What an index of an action is of, where it is called otherwise.
_ALSO = {"seized": "listing", "repaid": "listing"}


def there_are(axis: str, protocol: Protocol, who: str = "") -> range:
    """The indices of an axis; of positions in the pool those that an agent may hold."""
    if axis == "position" and who:
        return range(next(slot.positions for slot in protocol.agents if slot.name == who))
    if axis == "kind":
        return range(FIRST_KIND, KINDS)
    return range(getattr(counts_of(protocol), f"{_ALSO.get(axis, axis)}s"))


def beside(what: str, axis: str, index: int, known: range) -> str:
    """That an index is of nothing there is, in the words of an error."""
    allowed = f"{known[0]} to {known[-1]}" if known else "none, there is none"
    return f"{what}: {axis} = {index}; allowed: {allowed}"


def unseen(sight: str, who: str, axis: str, index: int, protocol: Protocol) -> str:
    """That an agent looked at what is not there, in the words of an error."""
    return beside(f"do.{sight} of {who}", axis, index, there_are(axis, protocol, who))
