"""What the chain world shows of its state, read group by group as fields are asked for.

The order and meaning of the words are those of ``Lens.observe`` (contracts/Lens.vy), which is where
a node is read from in one call; in process :mod:`simulator.chain.reading.storage` gives the same
words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chain.evm.codec import WORD, signed_word
from simulator.chain.reading.layout import FIRST_WORD
from simulator.chain.reading.readings import Source
from simulator.chain.reading.touched import ALL
from simulator.world.base import Observation

if TYPE_CHECKING:
    from simulator.chain.deploy.addresses import Deployment
    from simulator.chain.evm.transport import Transport
    from simulator.chain.reading.layout import Layout
    from simulator.chain.reading.mirror import Mirror, View
    from simulator.chain.reading.readings import Readings
    from simulator.chain.reading.touched import Touched
    from simulator.protocol.state.variable import Shown
    from simulator.types import Floats
    from simulator.world.actions import Action


class LensSource(Source):
    """Everything in one ``Lens.observe`` call: for nodes, where each call is a round trip."""

    def __init__(self, transport: Transport, deployment: Deployment, layout: Layout) -> None:
        self._transport = transport
        self._lens = deployment.lens
        self._layout = layout
        self._words: list[int] | None = None
        self._apart: dict[str, list[int]] = {}
        self._everything = tuple((name, ALL) for name in (*layout.groups, *layout.apart))

    def read(self, group: str) -> list[int]:
        """See :meth:`Source.read`."""
        calldata = self._layout.apart.get(group)
        if calldata is not None:
            if group not in self._apart:
                self._apart[group] = self._ask(calldata) if calldata else []
            return self._apart[group]
        if self._words is None:
            self._words = self._ask(self._layout.calldata)
            if len(self._words) != self._layout.words:
                raise ValueError(
                    f"Lens returned {len(self._words)} words, expected {self._layout.words}"
                )
        words = self._words
        return [words[index] for index in self._layout.groups[group]]

    def touched(self, action: Action) -> Touched:
        """See :meth:`Source.touched`: one call gives everything anew."""
        return self._everything

    def moved(self, *, depth: bool, scale: bool) -> Touched:
        """See :meth:`Source.moved`: as above."""
        return self._everything

    def changed(self, touched: Touched) -> None:
        """See :meth:`Source.changed`: everything."""
        self._words = None
        self._apart.clear()

    def _ask(self, calldata: bytes) -> list[int]:
        data = self._transport.call(self._lens, calldata)
        return [signed_word(data, i) for i in range(FIRST_WORD, len(data) // WORD)]


class ChainObservation(Observation):
    """An observation whose fields are read when first looked at, until the world changes."""

    _layout: Layout
    _readings: Readings
    _view: View | None
    _expired: bool

    def __init__(self, layout: Layout, readings: Readings, mirror: Mirror | None = None) -> None:
        """``mirror`` derives what is not stored; None: the sources know everything."""
        # Past __setattr__, which refuses.
        view = None if mirror is None else mirror.view(readings.group)
        self.__dict__.update(_layout=layout, _readings=readings, _view=view, _expired=False)

    def expire(self) -> None:
        """The world changed: what was read stays as it was, nothing more can be."""
        self.__dict__["_expired"] = True

    def _read(self, variable: Shown) -> Floats:
        """RuntimeError when the world has changed since this observation was made."""
        name = variable.name
        if self._expired:
            raise RuntimeError(f"{name} was not read before the world changed: observe again")
        if self._view is None:
            place = self._layout.lens[name]
        elif variable.stored is None:
            return self._view.derive(name)
        else:
            place = self._layout.stored[name]
        return self._readings.part(place.group, name, place.take)
