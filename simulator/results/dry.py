"""Liquidators and arbitrageurs whose money ran out, from the per-path frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.results.finding import Finding
from simulator.results.reasons import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from simulator.config import Config
    from simulator.results.diagnosis_text import Cases

#: Liquidators, and the debt that stays where one does not act.
_LEAVES = {"liquidator": "bad_debt", "borrower_liquidator": "bad_loans"}
#: Arbitrageurs, and what they did not do to its end.
_BRINGS = {
    "amm_arbitrageur": "bring the pool to the index",
    "leg_arbitrageur": "bring the pools of borrowed assets to the index",
    "perp_arbitrageur": "take the perps' skew back",
}
#: Part of the paths from which it is no accident of a few.
_SOME = 0.01


def dry(config: Config, cases: Cases, paths: pd.DataFrame) -> Iterator[Finding]:
    """Of each liquidator that has missed a liquidation for want of money, where it counts."""
    for name, left in _LEAVES.items():
        if f"{name}_missed" not in paths.columns:
            continue
        missed = cases[f"{name}_missed"] > 0.0
        if not missed.any():
            continue
        share, capital = cases.share(missed), getattr(config.agents, name).capital_usd
        has = "what it has in its wallet" if capital is None else f"{capital:,.0f} USD of capital"
        elsewhere = cases.mean(left, ~missed)
        other = "" if np.isnan(elsewhere) else f", {elsewhere:,.0f} USD on the others"
        text = (
            f"{name.replace('_', ' ').capitalize()}s ran out of money on {percent(share)} of the "
            f"paths: with {has}, {cases.mean(f'{name}_missed', missed):,.0f} times a path one "
            "that would have paid was not made, or not in full (again at every step that it was "
            "there), for want of up to "
            f"{cases.mean(f'{name}_short_usd', missed):,.0f} USD at once. Debts without backing "
            f"come to {cases.mean(left, missed):,.0f} USD there{other}."
        )
        field = f"agents.{name}.capital_usd"
        yield Finding("liquidators_dry", "warning", text, share, field, capital)
    yield from _arbitrageurs(config, cases, paths)


def _arbitrageurs(config: Config, cases: Cases, paths: pd.DataFrame) -> Iterator[Finding]:
    """Of each that has stopped short of where it would have gained, with what it had."""
    for name, what in _BRINGS.items():
        if f"{name}_missed" not in paths.columns:
            continue
        missed = cases[f"{name}_missed"] > 0.0
        if not missed.any():
            continue
        share, usdc = cases.share(missed), getattr(config.agents, name).usdc
        text = (
            f"{name.split('_')[0].capitalize()} arbitrageurs ran out of money on {percent(share)} "
            f"of the paths: beginning with {usdc:,.0f} USDC and what else agents.{name} has, "
            f"{cases.mean(f'{name}_missed', missed):,.0f} times a path they did not {what} as far "
            "as it would have paid, so that prices stayed apart for want of their money, not of "
            "anybody's reason."
        )
        severity = "warning" if share >= _SOME else "note"
        yield Finding("arbitrageurs_dry", severity, text, share, f"agents.{name}.usdc", usdc)
