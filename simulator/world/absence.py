"""Who cannot act at a step: who is down, or bids too little for gas, or all: the chain halts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.market.paths import MarketPaths
    from simulator.types import Booleans, Floats
    from simulator.world.protocol import Congestion, Protocol

#: Agents that an integer has a bit for: those beyond are never absent.
BITS = 63


def absent(market: MarketPaths, protocol: Protocol) -> NDArray[np.int64]:
    """A bit for each agent that does nothing ``[T + 1, P]``.

    ``[T + 1, 1]`` where nobody is ever outbid, ``[0, 0]`` where nobody is ever down either.

    Raises:
        InputError: somebody is absent among more agents than there are bits.
    """
    halts = [halt for halt in protocol.halts if halt.venue == "chain"]
    if not protocol.outages and not protocol.congestions and not halts:
        return np.zeros((0, 0), np.int64)
    paths = market.paths if protocol.congestions else 1
    found = np.zeros((market.steps + 1, paths), np.int64)
    for name, first, end in protocol.outages:
        found[first:end] |= _bit(protocol, name)
    for halt in halts:
        found[halt.first : halt.end] |= _everybody(protocol)
    for one in protocol.congestions:
        steps = slice(one.first, one.end)
        found[steps] |= np.where(_outbid(market, one)[steps], _bit(protocol, one.agent), 0)
    return found


def of_agent(bits: NDArray[np.int64], agent: int) -> Booleans:
    """Where one does nothing, of :func:`absent`: ``[T + 1, P]``, or fewer that stand for all."""
    if not bits.size or agent >= BITS:
        return np.zeros((1, 1), np.bool_)
    return (bits >> agent) & 1 == 1


def outbid_time(market: MarketPaths, protocol: Protocol) -> Floats:
    """Part of the steps within congestions at which somebody's bid was too low ``[P]``."""
    found, steps = np.zeros(market.paths), 0
    for one in protocol.congestions:
        found += _outbid(market, one)[one.first : one.end].sum(axis=0)
        steps += one.end - one.first
    return found / max(steps, 1)


def _bit(protocol: Protocol, name: str) -> int:
    """Of the agents of a name."""
    found = 0
    for agent, slot in enumerate(protocol.agents):
        if slot.is_called(name):
            if agent >= BITS:
                raise InputError(
                    f"shocks: of {name}, agent {agent}; allowed: of the first {BITS} agents"
                )
            found |= 1 << agent
    return found


def _everybody(protocol: Protocol) -> int:
    count = len(protocol.agents)
    if count > BITS:
        raise InputError(
            f"shocks (venue_outage).venue = chain: {count} agents; allowed: at most {BITS}"
        )
    return (1 << count) - 1


def _outbid(market: MarketPaths, one: Congestion) -> Booleans:
    """Where gas costs more than an agent pays ``[T + 1, P]``."""
    native = 1.0 if one.native is None else market.index[one.native]
    return market.gas_usd > one.bid * native
