"""The table of state variables: each once, each word of the Lens once, and what is made of it."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.model import observe
from simulator.model.kernel.record import Counts
from simulator.model.state import STATE
from simulator.protocol.state.table import (
    SHOWN,
    SUBJECTS,
    Read,
    kept,
    of_lens,
    of_storage,
    shown,
)
from simulator.protocol.state.variable import Computed, Derived
from simulator.world.base import Observation

#: Groups that are the answers of a call of the Lens each, along axes of their own.
APART = {"lending", "borrowers", "providers"}


def test_no_two_subjects_declare_a_variable_of_one_name() -> None:
    every = Counter(name for subject in SUBJECTS.values() for name in vars(subject))
    twice = {name for name, times in every.items() if times > 1 and name in SHOWN}
    assert not twice


def test_an_observation_is_made_of_the_subjects_and_nothing_else() -> None:
    assert set(Observation.__bases__) == set(SUBJECTS.values())
    assert {name for name in vars(Observation) if not name.startswith("__")} == set()


def test_words_of_the_lens_follow_one_another_along_all_axes() -> None:
    words: dict[tuple[str, ...], list[int]] = {}
    for row in SHOWN.values():
        words.setdefault(row.axes, []).append(row.word.number)
    for axes, numbers in words.items():
        first = 2 if axes == () else 0  # 0 and 1 count markets and collaterals
        assert sorted(numbers) == list(range(first, first + len(numbers))), axes


@pytest.mark.parametrize("groups", [of_lens(), of_storage()], ids=["lens", "storage"])
def test_what_is_read_together_lies_along_the_same_axes(groups: dict[str, list[Read]]) -> None:
    for name, reads in groups.items():
        assert name in APART or len({read.axes for read in reads}) == 1, name


def test_a_group_that_both_sources_have_is_the_same_words() -> None:
    lens, storage = of_lens(), of_storage()
    both = lens.keys() & storage.keys()
    assert {"market", "positions", "wallets", "pool", *APART} <= both
    for name in both:
        ours, theirs = ([(r.name, r.axes, r.scale) for r in g[name]] for g in (lens, storage))
        assert ours == theirs, name
        numbers = [SHOWN[read.name].word.number for read in lens[name]]
        if name not in APART:
            assert numbers == sorted(numbers), name


def test_groups_are_stored_or_computed_whole() -> None:
    for name, reads in of_storage().items():
        assert len({isinstance(read.stored, Computed) for read in reads}) == 1, name


def test_what_is_derived_is_said_how_and_nothing_else() -> None:
    derived = {name for name, row in SHOWN.items() if isinstance(row, Derived)}
    assert set(observe._DERIVED) == derived
    assert set(observe._HOW) == set(SHOWN)


def test_the_record_has_every_number_once_with_axes_that_are_counted() -> None:
    counts = Counts(*range(2, 2 + len(Counts.__dataclass_fields__)))
    for member in STATE:
        assert not isinstance(member.kind, str)
        names = [inside.name for inside in member.kind]
        assert len(names) == len(set(names))
        assert set(kept(SUBJECTS[member.name])) <= set(names)
        for inside in member.kind:
            assert all(counts.along(axis) > 0 for axis in inside.axes), inside.name


def test_comparisons_name_variables_that_can_be_measured_against() -> None:
    parts = {row.compared.part_of: row for row in SHOWN.values() if row.compared.part_of}
    assert parts
    for whole, row in parts.items():
        assert SHOWN[whole].axes == row.axes
    for row in SHOWN.values():
        assert row.compared.dust > 0.0
        if row.compared.of_size:
            assert row.axes == SHOWN["size"].axes


def test_every_variable_says_what_it_is() -> None:
    rows = [row for subject in SUBJECTS.values() for row in shown(subject).values()]
    numbers = [row for subject in SUBJECTS.values() for row in kept(subject).values()]
    assert all(row.unit and row.what for row in rows)
    assert all(number.unit and number.what for number in numbers)
