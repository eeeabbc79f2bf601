"""The market sections of a configuration by themselves: would a run take them?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from simulator.config import correlation, errors, process_checks
from simulator.config.market import Asset, Correlation
from simulator.config.models import Config
from simulator.config.process import AnyProcess
from simulator.config.section import Section, Symbol
from simulator.types import USDC, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Market(Section):
    assets: dict[Symbol, Asset]
    correlation: Correlation
    process: AnyProcess = Field()


def validate(data: Mapping[str, Any], step_minutes: int) -> None:
    """Check ``assets``, ``correlation`` and ``process`` as a scenario that holds them is checked.

    Raises:
        InputError: one line per problem, as :func:`simulator.config.load` words them.
    """
    try:
        market = _Market.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(errors.lines(error, data))) from None
    first = next(symbol for symbol in (*market.assets, USDC) if symbol != USDC)
    config = Config.model_construct(
        assets=market.assets,
        correlation=market.correlation,
        process=market.process,
        pool=SimpleNamespace(base=first),
        step_minutes=step_minutes,
    )
    found = list(process_checks.problems(config))
    matrix = correlation.initial(config)
    if not correlation.is_positive_semidefinite(matrix):
        found.append(correlation.impossible("correlation", config.drawn, matrix))
    if found:
        raise InputError("\n".join(found))
