"""How a parameter of the protocol is declared: once, on the field that holds its number.

``Annotated[float, Term(...)]`` on a field of a dataclass says its unit, bounds, default and what it
is; how a configuration gives it; and how the contracts take it. Made of that: the field of the
configuration with its JSON Schema and reference (:mod:`simulator.config.declared`), the number
resolved from it (:func:`resolved`), structs of the deployment by component name
(:mod:`simulator.chain.deploy.terms`), what kernels read (:mod:`simulator.model.parameters`),
and the tables of contracts/SPEC.md (``scripts/spec_tables.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from simulator.protocol.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE, USDC_DECIMALS

if TYPE_CHECKING:
    from collections.abc import Mapping

_AAVE_DIGITS = 4  # behind the point of a fraction at Aave, which counts in ten thousandths


class Scale(Enum):
    """What a contract stores for a number."""

    WAD = "WAD"  # 18 decimals
    USDC = "raw USDC"  # whole USDC, 6 decimals, floored
    INTEGER = "integer"
    TOKEN = "raw"  # by the token's decimals
    PERCENT = "1e-4"  # Aave's percentages have two decimals
    RAY = "RAY"  # Aave's rates: 27 decimals
    NONE = "–"  # no contract stores it


class Given(Enum):
    """How a configuration gives a number."""

    PLAIN = "as it is"
    HOURS = "in hours: seconds, rounded"
    MINUTES = "in minutes: seconds, rounded"
    USD = "by its worth at the initial price of its asset: base units"
    RAW_USD = "in USD: raw USDC, rounded"
    WORD = "by a word: its place among the words"
    MADE = "not by a key of its own: code resolves it"

    @property
    def unit(self) -> str:
        """The unit it is given in, with which the key ends; "": the number's own."""
        units = {Given.HOURS: "hours", Given.MINUTES: "minutes"}
        return (units | {Given.USD: "USD", Given.RAW_USD: "USD"}).get(self, "")


@dataclass(frozen=True)
class Term:
    """Declaration of a parameter. Bounds and default are those of the configuration's key.

    Attributes:
        sentence: What it is, as the reference says it.
        unit: As :mod:`simulator.config.reference` names units.
        default: None: a configuration must give it.
        optional: Whether it may be null all the same, its default: code resolves it then.
        choices: The integers it may be, if they are few.
        words: What a configuration calls 0, 1, … where it is given by a word.
        gt, ge, lt, le: Bounds; None: there is none on that side.
        scale: How the contracts store it.
        struct: The contracts' struct it is a component of; "": none.
        component: Its name there; "": its own.
        given: How a configuration gives it.
    """

    sentence: str
    unit: str
    default: float | None = None
    optional: bool = False
    choices: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    scale: Scale = Scale.WAD
    struct: str = ""
    component: str = ""
    given: Given = Given.PLAIN

    def key(self, name: str) -> str:
        """The configuration's key for the field ``name``."""
        unit = self.given.unit
        return f"{name}_{unit.lower()}" if unit else name

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds there are, by pydantic's names for them."""
        every = {"gt": self.gt, "ge": self.ge, "lt": self.lt, "le": self.le}
        return {name: bound for name, bound in every.items() if bound is not None}


def terms_of(parameters: type) -> Mapping[str, Term]:
    """The declared parameters of a dataclass, by field, in order."""
    kind: Any = parameters
    return _declared(kind)


@cache
def _declared(parameters: type) -> Mapping[str, Term]:
    hints = get_type_hints(parameters, include_extras=True)
    found: dict[str, Term] = {}
    for name, hint in hints.items():
        for one in getattr(hint, "__metadata__", ()):
            if isinstance(one, Term):
                found[name] = one
    return found


def resolved(parameters: type, section: object, price: float = 1.0) -> dict[str, Any]:
    """Values of the fields that a section of a configuration gives, by name; None where it is null.

    ``price``: USD per base unit, of what is given by its worth.
    """
    found: dict[str, Any] = {}
    for name, term in terms_of(parameters).items():
        if term.optional and getattr(section, term.key(name)) is None:
            found[name] = None
        elif term.given is Given.WORD:
            found[name] = term.words.index(getattr(section, term.key(name)))
        elif term.given is not Given.MADE:
            value = _resolve(term.given, getattr(section, term.key(name)), price)
            found[name] = round(value, _AAVE_DIGITS) if term.scale is Scale.PERCENT else value
    return found


def _resolve(given: Given, value: float, price: float) -> float | int:
    match given:
        case Given.HOURS:
            return round(value * SECONDS_PER_HOUR)
        case Given.MINUTES:
            return round(value * SECONDS_PER_MINUTE)
        case Given.USD:
            return value / price
        case Given.RAW_USD:
            return round(value * 10**USDC_DECIMALS)
        case _:
            return value
