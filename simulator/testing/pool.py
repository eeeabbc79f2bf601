"""What every pool must do: the laws behind :class:`~simulator.model.pools.interface.Pool`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from simulator.testing.expect import at_most, near, same

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.testing.records import RecordPool

_DIGITS = 1e-12  # relative: what float64 loses over the steps of a swap
# Raw units that the roundings of one swap, a unit a step, may add up to.
_UNITS = 40.0


class PoolSuite(ABC):
    """Subclass it, named ``Test…``, with ``open`` and ``most``.

    Attributes:
        most: raw (token0, token1) of the largest swaps to be tried; less than the pool holds.
        liquidity: of the position, when it has some.
        path_independent: whether two swaps fetch what one of both fetches, save rounding; otherwise
            they must not fetch more.
        fee_kept: greatest part of what is traded that stays in the pool as a fee, where positions
            are shares of a pool and no fees are owed apart; 0 where they are owed apart.
        examples: drawn for each law.
    """

    most: tuple[float, float]
    liquidity = 1e17
    path_independent = True
    fee_kept = 0.0
    examples = 40

    @abstractmethod
    def open(self) -> RecordPool:
        """A pool as it opens, its position placed around the price and empty."""

    def test_a_swap_never_passes_its_limit_and_takes_no_more_than_asked(self) -> None:
        """It ends at the limit or has used all; exact output likewise."""

        def law(down: bool, part: float, share: float, exact_input: bool) -> None:
            pool = self._provided()
            start, given = pool.spot, self._side(down, exact_input)
            limit = start * (1.0 - share) if down else start * (1.0 + share)
            amount = self._amount(given, part)
            made = pool.swap(down, exact_input, amount, limit)
            ahead = -1.0 if down else 1.0
            at_most(ahead * made.sqrt_price, ahead * limit, "√P against its limit, along the swap")
            at_most(ahead * start, ahead * made.sqrt_price, "√P before, along the swap")
            same(pool.spot, made.sqrt_price, "√P after settling")
            moved = made.amount_in if exact_input else made.amount_out
            at_most(moved, amount, "what moved, of what was asked")
            if made.sqrt_price != limit:
                same(moved, amount, "what moved where the limit was not reached")
            for value in made[:2]:
                same(value, math.floor(value), "an amount in raw units")
                at_most(0.0, value, "nothing")

        self._hold(law, "down part share exact_input")

    def test_a_limit_behind_the_price_is_passed(self) -> None:
        """And so is one at the price; one ahead is not."""
        pool = self._provided()
        for down in (True, False):
            behind, ahead = pool.spot * (1.01 if down else 0.99), self._ahead(pool, down)
            assert pool.limit_passed(down, behind), "a limit behind the price is not passed"
            assert pool.limit_passed(down, pool.spot), "a limit at the price is not passed"
            assert not pool.limit_passed(down, ahead), "a limit ahead of the price is passed"

    def test_a_quote_is_what_the_swap_does_and_writes_nothing(self) -> None:
        """Bit for bit."""

        def law(down: bool, part: float, exact_input: bool) -> None:
            pool = self._provided()
            before = pool.image()
            asked = self._amount(self._side(down, exact_input), part), self._ahead(pool, down)
            quoted = pool.quote(down, exact_input, *asked)
            same(pool.image(), before, "pool and position after a quote")
            same(pool.swap(down, exact_input, *asked), quoted, "the swap against its quote")

        self._hold(law, "down part exact_input")

    def test_a_round_trip_gains_nothing(self) -> None:
        """What came out put in again fetches no more than went in."""

        def law(down: bool, part: float) -> None:
            pool = self._provided()
            there = self._in(pool, down, self._amount(self._side(down, True), part))
            if there.amount_out > 0.0:
                back = self._in(pool, not down, there.amount_out)
                at_most(back.amount_out, there.amount_in * (1.0 + _DIGITS), "back from a trip")

        self._hold(law, "down part")

    def test_a_swap_in_two_parts_fetches_no_more_than_the_whole(self) -> None:
        """And no less, nor another price, where the path does not matter.

        But for the fee of the first part, where the second trades against it.
        """

        def law(down: bool, part: float, share: float) -> None:
            whole, halves = self._provided(), self._provided()
            amount = self._amount(self._side(down, True), part)
            first = math.floor(amount * share)
            if not 0.0 < first < amount:
                return
            once = self._in(whole, down, amount)
            a, b = self._in(halves, down, first), self._in(halves, down, amount - first)
            slack = self._slack(once.amount_out, once.amount_in)
            found = a.amount_out + b.amount_out
            kept = self.fee_kept * a.amount_out
            at_most(found, once.amount_out + slack + kept, "fetched by two swaps")
            if self.path_independent:
                near(found, once.amount_out, slack, "fetched by two swaps")
                near(b.sqrt_price, once.sqrt_price, 1e-11 * once.sqrt_price, "√P after them")

        self._hold(law, "down part share")

    def test_exact_output_costs_what_exact_input_then_fetches(self) -> None:
        """To the unit of what is paid that a rounding up wastes."""

        def law(down: bool, part: float) -> None:
            wanted = self._amount(self._side(down, False), part)
            pool = self._provided()
            bought = pool.swap(down, False, wanted, self._ahead(pool, down))
            if bought.amount_out < wanted:
                return
            sold = self._in(self._provided(), down, bought.amount_in)
            slack = self._slack(wanted, bought.amount_in)
            near(sold.amount_out, wanted, slack, "fetched by what exact output cost")

        self._hold(law, "down part")

    def test_minting_and_burning_loses_at_most_a_unit_of_each_token(self) -> None:
        """And gains none; what is left is a position of nothing.

        Beyond 2⁵³ raw units, but for some last digits of what float64 holds.
        """

        def law(down: bool, part: float, share: float) -> None:
            pool = self.open()
            self._in(pool, down, self._amount(self._side(down, True), part))
            liquidity = math.floor(self.liquidity * share)
            due = pool.mint(liquidity)
            same(pool.liquidity, liquidity, "liquidity of the position")
            paid = pool.burn(liquidity)
            same(paid[2:], (0.0, 0.0), "fees of a position that never traded")
            for token in (0, 1):
                digits = 4.0 * math.ulp(due[token]) if due[token] >= 2.0**53 else 0.0
                at_most(paid[token], due[token] + digits, f"token{token} back from burning")
                lost = due[token] - paid[token]
                at_most(lost, max(1.0, digits), f"token{token} lost by minting and burning")
            same(pool.liquidity, 0.0, "liquidity after burning all")

        self._hold(law, "down part share")

    def test_what_a_position_holds_is_worth_no_more_than_its_tokens_kept(self) -> None:
        """But for fees that stay in it; it has more of the token that fell, less of the other."""

        def law(down: bool, part: float) -> None:
            pool = self._provided()
            before = self._held(pool)
            made = self._in(pool, down, self._amount(self._side(down, True), part))
            after, price = self._held(pool), pool.spot**2
            fell, rose = (0, 1) if down else (1, 0)
            at_most(before[fell], after[fell] + 1.0, f"token{fell} held before it fell")
            at_most(after[rose], before[rose] + 1.0, f"token{rose} held after it rose")
            kept = before[0] * price + before[1]
            worth = after[0] * price + after[1]
            fee = self.fee_kept * made.amount_out * (1.0 if down else price)
            # Floors: a unit of each.
            at_most(worth, kept + 1.0 + price + _DIGITS * kept + fee, "worth of the position")

        self._hold(law, "down part")

    def test_fees_only_grow_in_the_token_put_in_and_by_less_than_was_put_in(self) -> None:
        """A position without liquidity earns nothing."""

        def law(down: bool, part: float) -> None:
            pool, empty = self._provided(), self.open()
            token, other = (0, 1) if down else (1, 0)
            for _ in range(2):
                before = pool.fees
                made = self._in(pool, down, self._amount(self._side(down, True), part))
                same(pool.fees[other], before[other], f"fees in token{other}")
                at_most(before[token], pool.fees[token], f"fees in token{token} before")
                at_most(pool.fees[token] - before[token], made.amount_in, "fees of a swap")
            self._in(empty, down, self._amount(self._side(down, True), part))
            same(empty.fees, (0.0, 0.0), "fees of an empty position")

        self._hold(law, "down part")

    def test_collecting_pays_the_whole_units_owed_once(self) -> None:
        """All of them with all of the liquidity, a part with a part; what is left stays owed."""

        def law(down: bool, part: float, share: float) -> None:
            pool, other = self._traded(part), self._traded(part)
            owed = pool.fees
            *_, fees0, fees1 = pool.burn(math.floor(self.liquidity * share))
            same((fees0, fees1), tuple(math.floor(x) for x in owed), "fees collected")
            at_most(max(pool.fees), 1.0, "fees left after collecting")
            whole = other.burn_part(0.0, share)
            for token in (0, 1):
                left = math.floor(owed[token]) - whole[token]
                same(whole[token], math.floor(math.floor(owed[token]) * share), "part of the fees")
                same(math.floor(other.fees[token]), left, "fees left after a part")

        self._hold(law, "down part share")

    def test_depth_leaves_price_and_position_and_comes_back(self) -> None:
        """A deeper pool gives no less for the same."""

        def law(down: bool, part: float, share: float) -> None:
            pool, thin = self._provided(), self._provided()
            before, price, position = pool.image(), pool.spot, pool.positions.tobytes()
            thin.set_depth(share)
            same(thin.spot, price, "√P after a change of depth")
            same(thin.positions.tobytes(), position, "the position after a change of depth")
            at_most(thin.active_liquidity(), pool.active_liquidity(), "liquidity where depth fell")
            amount = self._amount(self._side(down, True), part)
            less, more = (p.quote(down, True, amount, self._ahead(p, down)) for p in (thin, pool))
            slack = self._slack(more.amount_out, more.amount_in)
            at_most(less.amount_out, more.amount_out + slack, "fetched where depth fell")
            thin.set_depth(1.0)
            same(thin.image(), before, "pool and position when depth has come back")

        self._hold(law, "down part share")

    # ------------------------------------------------------------------------------------- helpers

    def _provided(self) -> RecordPool:
        """Opened, with liquidity in the position."""
        pool = self.open()
        pool.mint(self.liquidity)
        return pool

    def _traded(self, part: float) -> RecordPool:
        """With fees in both tokens."""
        pool = self._provided()
        for down in (True, False):
            self._in(pool, down, self._amount(self._side(down, True), part))
        return pool

    def _held(self, pool: RecordPool) -> tuple[float, float]:
        """What the position would pay, fees apart; the pool stays as it is."""
        pools, positions = pool.pools.copy(), pool.positions.copy()
        paid = pool.burn(pool.liquidity)
        pool.pools[:], pool.positions[:] = pools, positions
        return paid[0], paid[1]

    def _in(self, pool: RecordPool, down: bool, amount: float) -> Any:
        """Swap all of ``amount`` of the token that goes in."""
        return pool.swap(down, True, amount, self._ahead(pool, down))

    @staticmethod
    def _ahead(pool: RecordPool, down: bool) -> float:
        """A limit that is far away."""
        return pool.spot * (1e-3 if down else 1e3)

    @staticmethod
    def _side(down: bool, exact_input: bool) -> int:
        """Token that an amount is of."""
        return 0 if down == exact_input else 1

    def _amount(self, token: int, part: float) -> float:
        """Whole raw units; parts are spread over six orders of magnitude."""
        return max(1.0, float(math.floor(self.most[token] * 10.0 ** (-6.0 * part))))

    @staticmethod
    def _slack(amount_out: float, amount_in: float) -> float:
        """Of an amount that comes out: a unit of either token at each step, and last digits."""
        worth = amount_out / amount_in if amount_in > 0.0 else 0.0
        return _UNITS * max(1.0, worth) + _DIGITS * amount_out

    def _hold(self, law: Callable[..., None], names: str) -> None:
        """Demand a law for all that is drawn: flags, and numbers between 0 and 1."""
        from hypothesis import given, settings
        from hypothesis import strategies as st

        flags, fraction = st.booleans(), st.floats(0.001, 0.999)
        drawn: dict[str, Any] = {
            name: flags if name in ("down", "exact_input") else fraction for name in names.split()
        }
        settings(max_examples=self.examples, deadline=None)(given(**drawn)(law))()
