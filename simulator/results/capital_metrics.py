"""Metrics of the margin a hedge ties up (:mod:`simulator.results.capital`)."""

from __future__ import annotations

from simulator.books.metric import Metric, observed

METRICS = (
    Metric(
        "capital_efficiency",
        "ratio",
        "USD hedged per USD of initial margin required, mean over time",
        observed("capital_efficiency"),
    ),
    Metric(
        "margin_to_nav",
        "fraction",
        "initial margin over net asset value while hedged, mean over time",
        observed("margin_to_nav"),
    ),
)
