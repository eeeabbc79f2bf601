"""Statuses are declared once: the model, the contracts and the columns know no others."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from simulator.chain.deploy.artifacts import CONTRACTS
from simulator.model.kernel import codes
from simulator.protocol.statuses import REFUSALS, STATUS_OF_REVERT, Status, meaning

OURS = re.compile(r"(clearing|vault|oracle|token): ")


def test_codes_follow_each_other_and_every_status_has_a_sentence() -> None:
    assert [int(status) for status in Status] == list(range(len(Status)))
    assert all(status.sentence for status in Status)
    assert tuple(Status)[2:] == REFUSALS


def test_a_refusal_stands_for_a_revert_and_no_revert_for_two() -> None:
    assert all(status.reverts for status in REFUSALS)
    assert not Status.NONE.reverts
    assert not Status.OK.reverts
    texts = list(chain.from_iterable(status.reverts for status in Status))
    assert len(texts) == len(set(texts)) == len(STATUS_OF_REVERT)


def test_every_revert_of_our_own_stands_in_a_contract() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in CONTRACTS.rglob("*.vy"))
    ours = [text for text in STATUS_OF_REVERT if OURS.match(text)]
    assert len(ours) > len(REFUSALS)
    assert not [text for text in ours if f'"{text}"' not in sources]


def test_the_kernels_codes_are_those_of_the_statuses() -> None:
    named = {name: value for name, value in vars(codes).items() if name.isupper()}
    assert len(named) > 2
    assert named.items() <= {status.name: int(status) for status in Status}.items()


@pytest.mark.parametrize("status", Status)
def test_a_sentence_is_found_by_code_and_by_name(status: Status) -> None:
    assert meaning(int(status)) == meaning(status.label) == meaning(status.name) == status.sentence
