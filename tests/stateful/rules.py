"""All rules by name: how the arguments of an operation are drawn, and how it is done."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from tests.stateful import (
    rules_attack,
    rules_governance,
    rules_keeping,
    rules_liquidation,
    rules_market,
    rules_shares,
    rules_theft,
    rules_trading,
)
from tests.stateful.draws import Draw
from tests.stateful.world import World

MODULES = (
    *(rules_trading, rules_liquidation, rules_governance, rules_shares, rules_keeping),
    *(rules_market, rules_attack, rules_theft),
)
# Relative frequency where it is not 2.
WEIGHTS = {
    "deposit_margin": 4,
    "open": 10,
    "trade": 5,
    "liquidate": 7,
    "liquidate_pledge": 3,
    "mint_liquidity": 3,
    "pledge": 3,
    "liquidate_collateral": 3,
    "deposit": 5,
    "keep": 8,
    "arbitrage": 8,
    "advance": 7,
    "shock": 7,
    "post_betas": 3,
    "silence": 1,
    "depth": 1,
    "pause_venue": 1,
    "pause_vault": 1,
    "maker_withdrawal": 1,
    "fund_venue": 1,
    "cancel_request": 1,
    "post_covariance": 1,
    "stolen_risk_key": 1,
    "stolen_owner_key": 1,
}


class Rule(NamedTuple):
    """``propose``: JSON-able arguments; ``run``: the operation, with its own checks."""

    propose: Callable[[World, Draw], list[int | str]]
    run: Callable[..., None]


def _rules(module: ModuleType) -> dict[str, Rule]:
    names = vars(module)
    return {
        name.removeprefix("propose_"): Rule(value, names[name.replace("propose_", "run_", 1)])
        for name, value in names.items()
        if name.startswith("propose_") and value.__module__ == module.__name__
    }


RULES: dict[str, Rule] = {name: rule for module in MODULES for name, rule in _rules(module).items()}
WEIGHTED = [name for name in RULES for _ in range(WEIGHTS.get(name, 2))]


def step(world: World, name: str, arguments: list[Any]) -> None:
    """One operation, recorded first, so that what fails is in the history."""
    world.history.append((name, arguments))
    world.last = []
    RULES[name].run(world, *arguments)
