"""How a state variable is declared: once, as an attribute of its subject.

``Shown(...)``, ``Derived(...)``: what agents and ``hedgesim verify`` see, attributes of every
observation. ``Kept(...)``: a number of the model's record that nobody is shown.

Made of these rows: the record (:mod:`simulator.model.state`) and its start, the Observation
of both worlds, the words of the Lens (:mod:`simulator.chain.reading.layout`), storage slots
(:mod:`simulator.chain.reading.storage`) and their mirror in the model's record, what ``verify``
compares with which tolerance, and the table of the Lens in contracts/SPEC.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from typing import Never, Self

    import numpy as np
    from numpy.typing import NDArray


class Scale(Enum):
    """How many of what is stored are one of what is shown."""

    WHOLE = "as it is"
    WAD = "WAD"  # 18 decimals
    WAD_SQUARED = "WAD²"
    OWED = "−WAD"  # what is owed, stored as a negative holding
    USDC = "raw USDC"
    BASE = "raw base"
    COLLATERAL = "raw"  # by the collateral's decimals
    LEG = "raw asset"  # by the decimals of the leg's asset
    COIN = "raw coin"  # by the decimals of the pool's coin
    LISTING = "raw of the listing"  # by the decimals of the listed asset
    OTHER = "raw of the other"  # likewise, of those that are neither USDC nor the base asset
    X96 = "X96"
    TIME = "seconds since 1970, 0 = never"  # shown: since the start; never: the value at the start
    FACTOR = "1e-8"  # entries of the covariance factor


@dataclass(frozen=True)
class Slot:
    """Where a contract stores a variable: a word of its own along each of the variable's axes.

    Attributes:
        contract: HedgeVault, ClearingHouse, or the token: USDC, base.
        variable: Its name there; a mapping by the variable's axes.
        member: Of the struct that is stored; "": it is none.
        like: The view that returns such a struct; "": the variable's own getter.
        role: Whose element it is, a role of the deployment; "": there is one for all.
    """

    contract: str
    variable: str
    member: str = ""
    like: str = ""
    role: str = ""

    def at(self, member: str) -> Slot:
        """A member of the struct."""
        return replace(self, member=member)


@dataclass(frozen=True)
class Computed:
    """In process it follows from several words, as :mod:`simulator.chain.reading.storage` says.

    ``group``: which it is read with there; "": that of its word of the Lens.
    """

    group: str = ""


@dataclass(frozen=True)
class Word:
    """Which word of the Lens: its number among those along the same axes, and its scale.

    Variables of a ``group`` are read together, and again together when one can have changed.
    """

    group: str
    number: int
    scale: Scale = Scale.WAD


@dataclass(frozen=True)
class Compared:
    """Against what magnitude the error of a variable is measured, if its own is not more.

    Attributes:
        dust: Of one raw USDC unit in whole tokens, where nothing else is said.
        part_of: The variable that it is left over from, and cannot be more exact in float64 than.
        power: Of that variable.
        of_size: A memory of an open position: zero where ``size`` is below this.
        floored: To multiples of so much, from a number that float64 may have a hair below the next.
    """

    dust: float = 1e-6
    part_of: str = ""
    power: int = 1
    of_size: float = 0.0
    floored: float = 0.0


@dataclass(frozen=True)
class Kept:
    """A number of the model's record, float64, along axes by what is counted (``Counts``).

    Attributes:
        unit, what: Of the record's number.
        raw: How many of the record's units are one of what is shown, or of the whole words below.
        start: At deployment, where code does not set another (``model/genesis.py``).
        group, scale, stored: Where a chain in process has it; group "": it is not read there.
        name: In the record; "": that of the attribute it is declared by.
    """

    axes: str
    unit: str
    what: str
    raw: Scale = Scale.WHOLE
    start: float = 0.0
    group: str = ""
    scale: Scale = Scale.WAD
    stored: Slot | Computed = Computed()
    name: str = ""


class Subject:
    """Variables of one subject: attributes of an observation.

    A value is read when it is first looked at and stays with the observation, which takes no other.
    """

    def _read(self, variable: Shown) -> NDArray[np.float64]:
        """The value of a variable now, its axes and then ``[P]``; each world has its own way."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: an observation is not written to")


class Shown:
    """A state variable that is shown, and stands in the model's record.

    Attributes:
        axes: What is counted along them; the path follows. Of ``collaterals`` the Lens and the
            contracts leave out the first, USDC, which is cash.
        unit, what: Of what is shown.
        word: Of the Lens.
        stored: Where a chain in process reads it; None: there the model's formulas derive it from
            what is stored.
        kept: In the record.
        compared: By ``verify``.
    """

    name: str
    kept: Kept | None

    def __init__(
        self,
        axes: str,
        unit: str,
        what: str,
        word: Word,
        stored: Slot | Computed | None = None,
        *,
        compared: Compared = Compared(),
        raw: Scale = Scale.WHOLE,
        start: float = 0.0,
        named: str = "",
    ) -> None:
        """``raw``, ``start``, ``named``: of what is kept, see :class:`Kept`."""
        self.axes = tuple(axes.split())
        self.unit, self.what = unit, what
        self.word, self.stored = word, stored
        self.compared = compared
        self.kept = Kept(axes, unit if raw is Scale.WHOLE else "raw", what, raw, start, name=named)

    def __set_name__(self, owner: type[Subject], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type[Subject]) -> Self: ...

    @overload
    def __get__(self, instance: Subject, owner: type[Subject]) -> NDArray[np.float64]: ...

    def __get__(self, instance: Subject | None, owner: type[Subject]) -> Self | NDArray[np.float64]:
        """On first sight: afterwards it is an attribute like any other."""
        if instance is None:
            return self
        value = instance.__dict__[self.name] = instance._read(self)
        return value

    if TYPE_CHECKING:  # at run time there is none: what an instance has comes before what is here

        def __set__(self, instance: Subject, value: Never) -> None:
            """Nothing can be written."""


class Derived(Shown):
    """A state variable that is shown and that the model derives (``model/observe.py``).

    ``kept``: what stands in the record behind it, filled in from the chain's words; None: nothing
    of its own.
    """

    def __init__(
        self,
        axes: str,
        unit: str,
        what: str,
        word: Word,
        stored: Slot | Computed | None = None,
        *,
        compared: Compared = Compared(),
        kept: Kept | None = None,
    ) -> None:
        super().__init__(axes, unit, what, word, stored, compared=compared)
        self.kept = kept
