"""Auto-deleveraging: whose positions are closed, and how much of each, under five policies.

A venue that cannot pay for a bankrupt position closes it against winners of the other side. What is
asked of them is an amount: contracts, of which each winner gives at most its position, or USD, of
which each gives at most its profit. All policies here give that amount, or all there is.

* *Queue*: one winner after the other, by rank, each as far as it goes; only the last is asked for
  less. The rank that perp venues publish is profit × leverage: the profit ratio of the position
  times its effective leverage, as BitMEX's and Binance's documentation of auto-deleveraging has it.
* *Pro rata* of a weight (profit, equity, position): each in proportion, at most all it has; what
  those lack is shared by the others anew. So x_i = min(c_i, λ·w_i), with the λ that gives the
  amount (water-filling). Of position it is in whole lots.
* *Minimum of the largest haircut*, of loss over equity: x_i = min(c_i, λ·E_i / loss of a unit).
  In one market, where a lot is nothing, that is pro rata of equity; in whole lots
  :func:`minimum_haircut` is exact.

That a queue puts the loss on few, and what spreads it, is the subject of Chitra, Autodeleveraging:
Impossibilities and Optimization (arXiv:2512.01112). ``contracts/Deleveraging.vy`` and
``simulator/model/venues/perps/waterfall.py`` do the same in integers and in a path's record
(contracts/SPEC.md §3.5), but that they ask those without weight by seniority, where
:func:`pro_rata` asks them by what they have. What the policies did on 10 October 2025:
docs/deleveraging.md.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import check
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from simulator.types import Floats

#: Lots are counted in float64 where they are given, exactly up to here.
_MOST_LOTS = 2.0**53


def rank(profits: ArrayLike, costs: ArrayLike, notionals: ArrayLike, equities: ArrayLike) -> Floats:
    """Rank of each position in the queue ``[n]``: profit / cost × notional / equity (pure number).

    The highest is taken first: who has no equity or no cost at infinity, who has no profit at 0.

    Args:
        profits: Unrealised profit of the position ``[n]``, USD.
        costs: What was paid for it ``[n]``, USD, 0 or more.
        notionals: What it is worth at the mark ``[n]``, USD, 0 or more.
        equities: What its account is worth ``[n]``, USD.

    Raises:
        InputError: An array is not ``[n]``, or has an entry out of its range.
    """
    profit, cost, notional, equity = _alike(
        profits=check.series("profits", profits),
        costs=_amounts("costs", costs),
        notionals=_amounts("notionals", notionals),
        equities=check.series("equities", equities),
    )
    bare = (equity <= 0.0) | (cost == 0.0)
    ratio = np.maximum(profit, 0.0) / np.where(bare, 1.0, cost)
    return np.where(bare, np.inf, ratio * notional / np.where(bare, 1.0, equity))


def queue(need: float, ranks: ArrayLike, capacities: ArrayLike) -> Floats:
    """What each gives ``[n]``, asked one after the other by rank; of equals, the first given.

    Args:
        need: What is asked for, 0 or more, in the unit of ``capacities``.
        ranks: As :func:`rank` gives them ``[n]``; infinite ones are allowed.
        capacities: Most that each can give ``[n]``, 0 or more.

    Raises:
        InputError: An array is not ``[n]``, or a number is out of its range.
    """
    need = check.number("need", need, least=0.0)
    ranks, held = _alike(
        ranks=check.series("ranks", ranks, infinite=True),
        capacities=_amounts("capacities", capacities),
    )
    turns = np.argsort(-ranks, kind="stable")
    before = _before(held[turns])
    given = np.empty_like(held)
    given[turns] = np.clip(need - before, 0.0, held[turns])
    return given


def pro_rata(need: float, weights: ArrayLike, capacities: ArrayLike) -> Floats:
    """What each gives ``[n]``: min(capacity, λ·weight), with the λ that gives the need.

    Whose weight is 0 gives only what all the others have not, by capacity.

    Args:
        need: What is asked for, 0 or more, in the unit of ``capacities``.
        weights: What parts go by ``[n]``, 0 or more, in any unit.
        capacities: Most that each can give ``[n]``, 0 or more.

    Raises:
        InputError: An array is not ``[n]``, or a number is out of its range.
    """
    need = check.number("need", need, least=0.0)
    weight, held = _alike(
        weights=_amounts("weights", weights),
        capacities=_amounts("capacities", capacities),
    )
    weighty = weight > 0.0
    given = np.zeros_like(held)
    given[weighty] = _filled(need, weight[weighty], held[weighty])
    rest = need - float(held[weighty].sum())
    if rest > 0.0 and not weighty.all():
        given[~weighty] = _filled(rest, held[~weighty], held[~weighty])
    return given


def _before(amounts: Floats) -> Floats:
    """The sum of those before each; not all less its own, which loses what is small beside it."""
    return np.concatenate([np.zeros(min(1, amounts.size)), np.cumsum(amounts)[:-1]])


def _filled(need: float, weight: Floats, held: Floats) -> Floats:
    """Water-filling of positive weights; weights of what holds nothing may be 0."""
    if need >= float(held.sum()):
        return held.copy()
    level = np.divide(held, weight, out=np.zeros_like(held), where=weight > 0.0)
    turns = np.argsort(level, kind="stable")
    # At the level of the k-th in that order the first k give all they have, the others by weight.
    full = _before(held[turns])
    others = np.cumsum(weight[turns][::-1])[::-1]
    reached = full + level[turns] * others >= need
    if not reached.any():  # what rounding leaves of a need that is all there is
        return held.copy()
    k = int(np.argmax(reached))
    return np.minimum(held, weight * ((need - full[k]) / others[k]))


def pro_rata_lots(need: int, lots: ArrayLike) -> NDArray[np.int64]:
    """Whole lots that each gives ``[n]``, pro rata of its position, by the largest remainder.

    need·lots/Σ lots rounded down, and one more to those who lost most by that (of equals, the
    first given): exactly ``need``, or all there is.

    Args:
        need: Lots asked for, a whole number of 0 or more.
        lots: What each holds ``[n]``, whole numbers of 0 or more, up to 2⁵³.

    Raises:
        InputError: Not whole, or out of range.
    """
    need, held = _whole_lots(need, lots)
    total = sum(held)
    if need >= total:
        return np.array(held, np.int64)
    parts = [divmod(need * own, total) for own in held]  # exact: Python's integers have no end
    given = np.array([part for part, _ in parts], np.int64)
    remainders = np.array([left / total for _, left in parts])
    turns = np.argsort(-remainders, kind="stable")
    given[turns[: need - int(given.sum())]] += 1
    return given


def minimum_haircut(
    need: int, lots: ArrayLike, losses: ArrayLike, equities: ArrayLike
) -> NDArray[np.int64]:
    """Whole lots that each gives ``[n]``, so that the largest loss over equity is the least.

    Exactly ``need``, or all there is. Lots are added one by one where the haircut is then least,
    from what the least haircut without lots gives rounded down, which no solution is below.

    Args:
        need: Lots asked for, a whole number of 0 or more.
        lots: What each holds ``[n]``, whole numbers of 0 or more, up to 2⁵³.
        losses: What giving a lot costs each ``[n]``, USD, above 0.
        equities: What its account is worth ``[n]``, USD; 0 or less: asked last.

    Raises:
        InputError: Not whole, or out of range.
    """
    need, held = _whole_lots(need, lots)
    cap, loss, equity = _alike(
        lots=np.array(held, np.float64),
        losses=check.series("losses", check.numbers("losses", losses, above=0.0)),
        equities=check.series("equities", equities),
    )
    given = np.zeros(len(held), np.int64)
    able = equity > 0.0
    worth, most = equity[able] / loss[able], cap[able]
    given[able] = _levelled(min(need, int(most.sum())), worth, most)
    rest = queue(float(need - int(given.sum())), np.zeros(len(held)), np.where(able, 0.0, cap))
    return given + rest.astype(np.int64)


def _levelled(need: int, worth: Floats, most: Floats) -> NDArray[np.int64]:
    """Lots of who has ``worth``, equity over the loss of a lot; together they have ``need``."""
    smooth = pro_rata(float(need), worth, most)
    # Below the real number, whatever rounding has made of it.
    given = np.floor(np.maximum(smooth * (1.0 - 1e-12) - 1e-6, 0.0)).astype(np.int64)
    heap = [((own + 1) / worth[i], i) for i, own in enumerate(given.tolist()) if own < most[i]]
    heapq.heapify(heap)
    for _ in range(need - int(given.sum())):
        _, i = heap[0]
        given[i] += 1
        if given[i] < most[i]:
            heapq.heapreplace(heap, ((int(given[i]) + 1) / worth[i], i))
        else:
            heapq.heappop(heap)
    return given


def _amounts(name: str, given: ArrayLike) -> Floats:
    return check.series(name, check.numbers(name, given, least=0.0))


def _whole_lots(need: int, lots: ArrayLike) -> tuple[int, list[int]]:
    need = int(_whole("need", check.numbers("need", need, least=0.0, most=_MOST_LOTS)))
    held = _whole(
        "lots", check.series("lots", check.numbers("lots", lots, least=0.0, most=_MOST_LOTS))
    )
    return need, [int(own) for own in held]


def _whole(name: str, given: Floats) -> Floats:
    check.wrong(name, given, given == np.floor(given), "a whole number of lots")
    return given


def _alike(**arrays: Floats) -> tuple[Floats, ...]:
    """The arrays, which must have one length."""
    (first, one), *_ = arrays.items()
    for name, array in arrays.items():
        if len(array) != len(one):
            raise InputError(f"{name} {array.shape}: must be as long as {first}, {one.shape}")
    return tuple(arrays.values())
