"""What is written of a risk manager."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from simulator.config.agents.actor import Actor


class RiskManager(Actor):
    """Estimates hedge ratios from past index returns and posts them."""

    named: ClassVar = {
        "risk_manager": "posts hedge ratios; left out beside a keeper: the first ones, for ever; "
        "null: nobody does, and nothing is hedged",
    }

    window_hours: float = Field(
        default=168.0, gt=0, le=1e5, description="returns used for the estimate, hours"
    )
    every_hours: float = Field(default=24.0, gt=0, le=1e5, description="time between posts, hours")
    estimator: Literal["rolling", "fixed"] = Field(
        default="rolling",
        description="rolling: sample covariance of the window; fixed: the first ratios for ever",
    )
    posts_covariance: bool = Field(
        default=False,
        description="whether it also posts the window's covariance for portfolio margin",
    )
