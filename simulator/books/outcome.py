"""What a path comes to, read off its last state: no book is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.metric import Chance, Ended, Metric
from simulator.world.absence import outbid_time

if TYPE_CHECKING:
    from simulator.types import Floats


def _worth_of_fees(ended: Ended) -> Floats:
    state = ended.state
    out = np.zeros_like(state.nav)
    return np.divide(state.fee_shares * state.nav, state.shares, out=out, where=state.shares > 0.0)


METRICS = (
    Metric(
        "path",
        "number",
        "number of the path, from 0",
        lambda ended: ended.market.first_path + np.arange(ended.market.paths),
        statistics=(),
    ),
    Metric(
        "weight",
        "ratio",
        "likelihood ratio of importance sampling; 1 in plain Monte Carlo",
        lambda ended: ended.weights,
        statistics=(),
    ),
    Metric(
        "final_nav",
        "USD",
        "net asset value of the vault at the end",
        lambda ended: ended.state.nav,
    ),
    Metric(
        "bad_debt",
        "USDC",
        "loss that no account, maker or insurance covered",
        lambda ended: ended.state.bad_debt,
        title="Bad debt",
        form=",.0f",
        chance=Chance(
            "bad_debt",
            "Left bad debt",
            "part of the paths that left bad debt",
            lambda debt: debt > 0.0,
        ),
    ),
    Metric(
        "vault_fees",
        "USD",
        "worth of the fee receiver's shares at the end",
        _worth_of_fees,
        title="Worth of the fee receiver's shares",
        form=",.0f",
        only_if_any=True,
    ),
    Metric(
        "outbid_time",
        "fraction",
        "part of the steps within `congestion` at which gas cost more than its agents pay; of "
        "several together; 0 without one",
        lambda ended: outbid_time(ended.market, ended.protocol),
    ),
    Metric(
        "queued",
        "shares",
        "shares still waiting to be redeemed at the end",
        lambda ended: ended.state.queued_shares,
    ),
)
