"""How flows move the market outside: terms of its price impact, which no contract knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from simulator.protocol.terms import Given, Scale, Term

#: Volume below which impact is linear in it, as a part of the depth: at nothing a pure power has
#: an infinite slope. Measured crossovers lie between a thousandth and a hundredth of the volume of
#: a day (Bucci, Benzaquen, Lillo and Bouchaud 2019, Phys. Rev. Lett. 122, 108302).
CROSSOVER = 0.01
#: Log price that a depth is measured by.
PERCENT = 0.01


def felt(exponent: float, volume: Any) -> Any:
    """Hundredths of the log price by which a net volume, in depths, moves it; of each of them."""
    return volume * ((1.0 + CROSSOVER) / (abs(volume) + CROSSOVER)) ** (1.0 - exponent)


def felt_by_each(exponent: float, volume: Any) -> Any:
    """The same per depth of it: what each part of the volume is charged.

    Of a function of a sum alone this is the Aumann and Shapley (1974) value of each part, the mean
    of its marginal effect as all parts grow together; the parts' effects sum to the whole.
    """
    return ((1.0 + CROSSOVER) / (abs(volume) + CROSSOVER)) ** (1.0 - exponent)


def felt_on_average(exponent: float, volume: Any) -> Any:
    """The same on average over the way there from 0: what a volume > 0 pays in one trade."""
    far, power = volume + CROSSOVER, exponent
    area = far ** (power + 1.0) / (power + 1.0) - CROSSOVER * far**power / power
    area -= CROSSOVER ** (power + 1.0) * (1.0 / (power + 1.0) - 1.0 / power)
    return (1.0 + CROSSOVER) ** (1.0 - power) * area / volume


@dataclass(frozen=True)
class ImpactTerms:
    """Price impact with resilience (Alfonsi, Fruth and Schied 2010, Quant. Finance 10, 143).

    The log price is off its drawn path by a hundredth of :func:`felt` (u): u is the net volume
    bought outside in tokens, each trade over the depth at its moment (a depth in USD is so many
    tokens at the price of the start), of which a part stays and the rest decays; f(u) =
    u·((1 + c)/(|u| + c))^(1 − exponent), c being :data:`CROSSOVER`, so that the depth moves the
    price by 1 % whatever the exponent. As it follows from u alone, no round trip pays as long as
    nothing decays.
    """

    exponent: Annotated[
        float,
        Term(
            "how impact grows with volume: 1 linear, 0.5 by its square root (number)",
            unit="number", default=0.5, ge=0.3, le=1, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    half_life: Annotated[
        float,
        Term(
            "time in which half of the volume that decays is forgotten, minutes",
            unit="seconds", default=60.0, gt=0, le=1e6, scale=Scale.NONE, given=Given.MINUTES,
        ),
    ]  # fmt: skip
    lasting: Annotated[
        float,
        Term(
            "part of the volume that is never forgotten (permanent impact), fraction",
            unit="fraction", default=0.3, ge=0, le=1, scale=Scale.NONE,
        ),
    ]  # fmt: skip
