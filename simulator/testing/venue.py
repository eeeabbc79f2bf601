"""What every hedge venue must do: laws of :class:`~simulator.model.venues.interface.HedgeVenue`.

All of them at prices that stand still, but where it is said.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from simulator.testing.expect import at_most, near, same
from simulator.types import USDC_DECIMALS, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.testing.stage import VenueStage

_DIGITS = 1e-9  # relative, of values that are sums of larger ones
_UNIT = 10.0**-USDC_DECIMALS  # USD that a raw unit of USDC is worth, about


class VenueSuite(ABC):
    """Subclass it, named ``Test…``, with ``open``, ``most`` and ``size_unit``.

    Attributes:
        most: base units of the largest short to be tried; ``margin`` suffices for three times it.
        size_unit: base units, the least by which a position can change.
        margin: raw USDC posted behind it; the stage has twice as much idle.
        cost: part of its notional that trading the largest short may cost at most, all in.
        tight: whether all that could leave may leave; otherwise ``withdrawable`` may be less.
        examples: drawn for each law.
    """

    most: float
    size_unit: float
    tight = True
    margin = 1e12
    cost = 0.02
    examples = 30

    @abstractmethod
    def open(self) -> VenueStage:
        """The venue just deployed, its account empty."""

    def test_an_account_begins_with_nothing(self) -> None:
        """Worth nothing, flat, nothing to withdraw; and looking at it changes nothing."""
        stage = self.open()
        before = stage.image()
        seen = stage.look()
        same((seen.flat, seen.size, seen.settled), (True, 0.0, 0.0), "flat, size, settled")
        same((seen.value, seen.equity, seen.maintenance), (0.0, 0.0, 0.0), "value, equity, M")
        same(seen.withdrawable, 0.0, "withdrawable from an empty account")
        self._hedged(stage, 1.0)
        held = stage.image()
        assert held != before, "a hedge left no trace in the path"
        stage.look()
        same(stage.image(), held, "the path after looking")

    def test_margin_in_and_out_is_neutral(self) -> None:
        """To a raw unit; equity counts each USDC at ``usdc_worth``; no position minds."""

        def law(part: float, share: float) -> None:
            stage = self.open()
            self._hedged(stage, part)
            raw = math.floor(self.margin * share)
            before, idle = stage.look(), stage.idle
            same(stage.add_margin(raw), Status.OK, "status of more margin")
            more = stage.look()
            same(stage.idle, idle - raw, "idle USDC after margin was added")
            near(more.settled, before.settled + raw, 1.0, "settled USDC after margin was added")
            slack = 2.0 * _UNIT + _DIGITS * more.value
            usdc = raw * _UNIT
            near(more.value, before.value + usdc * stage.usdc_price, slack, "value with it")
            near(more.equity, before.equity + usdc * before.usdc_worth, slack, "equity with it")
            if self.tight:
                gained = more.withdrawable - before.withdrawable
                near(gained, raw, 2.0, "of it, what may leave")
            stage.take_margin(raw)
            after = stage.look()
            same(stage.idle, idle, "idle USDC when it was taken out again")
            near(after.value, before.value, slack, "value when it was taken out again")
            same(after.size, before.size, "size of the position")

        self._hold(law, "part share")

    def test_a_hedge_reaches_its_target_to_a_unit(self) -> None:
        """Opened, raised or cut: the size is the sum of what was traded."""

        def law(part: float, share: float) -> None:
            stage = self.open()
            self._hedged(stage, part)
            for delta in (-share * self.most, 0.5 * share * self.most):
                before = stage.look().size
                status = stage.hedge(delta)
                if delta > 0.0 and before + delta > 0.0:
                    continue
                same(status, Status.OK, f"status of a hedge of {delta}")
                slack = self.size_unit + _DIGITS * 1e-3 * abs(before + delta)
                near(stage.look().size, before + delta, slack, "size of the position")

        self._hold(law, "part share")

    def test_a_hedge_changes_value_by_its_cost_only(self) -> None:
        """Which is no gain, and at most ``cost`` of the notional; idle USDC is not touched."""

        def law(part: float) -> None:
            stage = self._funded()
            idle, before = stage.idle, stage.look().value
            same(stage.hedge(-part * self.most), Status.OK, "status of a hedge")
            notional = part * self.most * stage.price
            paid = before - stage.look().value
            at_most(-_UNIT - _DIGITS * before, paid, "cost of a hedge: zero")
            at_most(paid, self.cost * notional + 2.0 * _UNIT, "cost of a hedge")
            same(stage.idle, idle, "idle USDC after a hedge")

        self._hold(law, "part")

    def test_unwinding_leaves_no_position_and_a_round_trip_gains_nothing(self) -> None:
        """All that is left can leave, and the account is worth nothing then."""

        def law(part: float) -> None:
            stage = self._funded()
            before = stage.look().value
            self._hedged(stage, part, margin=0.0)
            same(stage.hedge(-stage.look().size), Status.OK, "status of unwinding")
            seen = stage.look()
            same((seen.flat, seen.size), (True, 0.0), "flat, size after unwinding")
            same(seen.maintenance, 0.0, "maintenance after unwinding")
            at_most(seen.value, before + _UNIT + _DIGITS * before, "value after a round trip")
            near(seen.withdrawable, seen.settled, 1.0, "withdrawable without a position")
            stage.take_margin(seen.withdrawable)
            at_most(stage.look().value, 2.0 * _UNIT, "value left when all was withdrawn")

        self._hold(law, "part")

    def test_what_may_leave_leaves_the_margin_target(self) -> None:
        """Taken out, equity is at least the vault's target of maintenance; no more may leave.

        After a move of the price too.
        """

        def law(part: float, share: float) -> None:
            stage = self.open()
            self._hedged(stage, part)
            stage.move(0.8 + 0.4 * share)
            seen = stage.look()
            assert seen.may_leave, "prices just reported are not fresh"
            stage.take_margin(seen.withdrawable)
            after = stage.look()
            target = stage.protocol.vault.margin_target * after.maintenance
            at_most(target, after.equity + 2.0 * _UNIT + _DIGITS * seen.value, "margin target")
            if self.tight:
                at_most(after.withdrawable, 2.0, "raw USDC that may leave once it all has")

        self._hold(law, "part share")

    def test_an_account_below_the_target_gives_nothing_out(self) -> None:
        """However much of what is in it is settled USDC."""
        stage = self.open()
        self._hedged(stage, 1.0)
        stage.take_margin(stage.look().withdrawable)
        stage.move(1.05)
        seen = stage.look()
        at_most(seen.equity, stage.protocol.vault.margin_target * seen.maintenance, "equity")
        same(seen.withdrawable, 0.0, "withdrawable below the target")

    def test_value_moves_with_the_price_by_the_size(self) -> None:
        """A short gains what the price falls by, times its size."""

        def law(part: float, share: float) -> None:
            stage = self.open()
            self._hedged(stage, part)
            before, price = stage.look(), stage.price
            stage.move(0.8 + 0.4 * share)
            after = stage.look()
            gained = before.size * (stage.price - price)
            slack = 2.0 * _UNIT + _DIGITS * max(abs(before.value), abs(gained))
            near(after.value, before.value + gained, slack, "value after a move of the price")
            same(after.size, before.size, "size after a move of the price")
            assert after.maintenance > 0.0, "a position needs no margin"

        self._hold(law, "part share")

    def test_old_prices_refuse_trades(self) -> None:
        """And an account with a position is not fresh."""
        stage = self.open()
        self._hedged(stage, 0.5)
        assert stage.look().fresh, "prices just reported are not fresh"
        stage.wait(10.0 * max(feed.max_age for feed in stage.protocol.feeds), reported=False)
        before, seen = stage.image(), stage.look()
        assert not seen.fresh, "a position is valued as fresh at prices too old"
        assert not seen.may_leave or seen.withdrawable == 0.0, "margin leaves at prices too old"
        same(stage.hedge(-0.1 * self.most), Status.STALE_ORACLE, "status of a hedge")
        same(stage.image(), before, "the path after a refusal")

    def test_refusals_leave_the_path_bit_for_bit(self) -> None:
        """Too large or without margin behind it; a cut goes through afterwards."""
        stage = self.open()
        self._hedged(stage, 0.5)
        refused = 0
        for factor in (1e3, 1e6, 1e9, -1e3, -1e6, -1e9, 0.0):
            before = stage.image()
            if stage.hedge(factor * self.most) not in (Status.OK, Status.NONE):
                refused += 1
                same(stage.image(), before, f"the path after a refused hedge of {factor} times")
        at_most(4, refused, "refused of seven hedges that are too large")
        stage.take_margin(stage.look().withdrawable)
        before = stage.image()
        for factor in (10.0, 30.0):
            if stage.hedge(-factor * self.most) == Status.OK:
                raise AssertionError("a hedge without margin behind it was not refused")
            same(stage.image(), before, "the path after a hedge refused for want of margin")
        same(stage.hedge(0.5 * -stage.look().size), Status.OK, "status of a cut after refusals")

    def test_whatever_happens_refusals_change_nothing_and_flat_is_flat(self) -> None:
        """A walk of hedges, margin, prices and time."""

        def law(walk: list[tuple[str, float]]) -> None:
            stage = self._funded()
            for what, share in walk:
                before = stage.image()
                status = self._step(stage, what, share)
                if status not in (Status.OK, Status.NONE):
                    same(stage.image(), before, f"the path after a refused {what}")
                seen = stage.look()
                same(seen.flat, seen.size == 0.0, "flat, of an account without a position")
                at_most(0.0, seen.withdrawable, "withdrawable: nothing")
                at_most(seen.withdrawable, max(seen.settled, 0.0) + 1.0, "withdrawable")

        self._hold(law, "walk")

    # ------------------------------------------------------------------------------------- helpers

    def _funded(self) -> VenueStage:
        stage = self.open()
        same(stage.add_margin(self.margin), Status.OK, "status of the first margin")
        return stage

    def _hedged(self, stage: VenueStage, part: float, margin: float | None = None) -> None:
        """Post margin and go short ``part`` of the most."""
        raw = self.margin if margin is None else margin
        if raw > 0.0:
            same(stage.add_margin(raw), Status.OK, "status of the first margin")
        same(stage.hedge(-part * self.most), Status.OK, "status of the first hedge")

    def _step(self, stage: VenueStage, what: str, share: float) -> Status:
        if what == "hedge":
            return stage.hedge((2.0 * share - 1.2) * self.most)
        if what == "unwind":
            size = stage.look().size
            return stage.hedge(-size) if size != 0.0 else Status.NONE
        if what == "add":
            return stage.add_margin(min(math.floor(0.2 * share * self.margin), stage.idle))
        if what == "take":
            stage.take_margin(math.floor(share * stage.look().withdrawable))
        elif what == "move":
            stage.move(0.9 + 0.2 * share)
        else:
            stage.wait(86_400.0 * share)
        return Status.NONE

    def _hold(self, law: Callable[..., None], names: str) -> None:
        """Demand a law for all that is drawn: numbers between 0 and 1, or walks."""
        from hypothesis import given, settings
        from hypothesis import strategies as st

        fraction = st.floats(0.01, 1.0)
        steps = st.sampled_from(["hedge", "unwind", "add", "take", "move", "wait"])
        walks = st.lists(st.tuples(steps, fraction), min_size=4, max_size=12)
        drawn: dict[str, Any] = {
            name: walks if name == "walk" else fraction for name in names.split()
        }
        settings(max_examples=self.examples, deadline=None)(given(**drawn)(law))()
