"""Faults: who is away, what stops, what is posted wrong. They stand among `shocks`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.config.shock import WindowShock


class Absence(WindowShock):
    """Base of what keeps agents away, by name. Nothing drawn depends on it."""

    agents: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1, description="who is away, by name as in `agents` or `agents.custom`"
    )


class Outage(Absence):
    """Agents do nothing: a keeper's server is down, a liquidator's node is behind.

    What they sent before with latency waits until they are back.
    """

    kind: Literal["outage"]


class Congestion(Absence):
    """Agents whose bid for gas is below its price are in no block.

    They look and decide anew at each step, and act when gas costs what they pay; what is drawn for
    a step (orders of noise traders, flows of depositors) is gone with it. The gas price is that of
    the market paths, so nothing drawn depends on it.
    """

    kind: Literal["congestion"]
    highest_gwei: float = Field(gt=0, le=1e6, description="what they pay at most, gwei")


class VenueOutage(WindowShock):
    """A venue stops, as far as it can be stopped; then everybody acts on the price there is.

    The chain halts as a whole (a sequencer that is down): nobody calls anything, no round is
    posted, while the index moves on. ``perps`` is the guardian's pause of the ClearingHouse, which
    refuses whatever adds to a position or to what is pledged, and nothing else; ``aave`` that of
    every reserve borrowers have there, whom nobody can liquidate meanwhile.
    """

    kind: Literal["venue_outage"]
    venue: Literal["chain", "perps", "aave"] = Field(
        description="chain: all of it halts; perps: no position grows at the ClearingHouse; aave: "
        "no borrower of `lending` is liquidated"
    )


class Misposted(WindowShock):
    """What the risk manager posts in the window is wrong by a factor, within the contracts' limits.

    Its posts come when they would have come, and go no further at once than any: betas by
    vault.beta_max_change, the covariance by a quarter of each row, over six hours. The first post
    after the window is right again.
    """

    kind: Literal["misposted"]
    what: Literal["betas", "covariance"] = Field(description="what is wrong")
    factor: float = Field(
        gt=0,
        le=100,
        description="what is posted over what is right (pure number); of a covariance all its "
        "entries, so volatilities are wrong by its root",
    )
