"""Our encoding of static words is the ABI's, and every revert means what the tables say."""

from __future__ import annotations

import numpy as np
import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from simulator.chain.evm.codec import (
    Reverted,
    encode_error,
    encode_with_arrays,
    reason,
    selector,
    signed_word,
    signed_words,
    status_of,
    word,
    words,
)
from simulator.protocol.statuses import STATUS_OF_REVERT
from simulator.types import Status, UnknownRevertError

uint256 = st.integers(0, 2**256 - 1)
int256 = st.integers(-(2**255), 2**255 - 1)


def error_string(text: str) -> bytes:
    return bytes.fromhex("08c379a0") + encode(["string"], [text])


@given(st.text(max_size=70))
def test_an_error_string_survives_encoding(text: str) -> None:
    assert encode_error(text) == error_string(text)
    assert reason(encode_error(text)) == text


@given(uint256, int256)
def test_words_are_the_abi_encoding_of_static_arguments(unsigned: int, signed: int) -> None:
    data = words(unsigned, signed)
    assert data == encode(["uint256", "int256"], [unsigned, signed])
    assert (word(data, 0), signed_word(data, 1)) == (unsigned, signed)


@given(st.lists(uint256, max_size=5), st.lists(int256, max_size=5), uint256, uint256)
def test_arrays_between_words_are_encoded_as_the_abi_does(
    first: list[int], second: list[int], before: int, after: int
) -> None:
    types = ["uint256", "uint256[]", "int256[]", "uint256"]
    ours = encode_with_arrays([before], [first, second], [after])
    assert ours == encode(types, [before, first, second, after])


@given(st.lists(int256, min_size=1, max_size=6))
def test_signed_words_round_within_one_unit_in_the_last_place(numbers: list[int]) -> None:
    table = signed_words([words(7, *numbers), words(7, *reversed(numbers))], 1)
    expected = np.array([numbers, numbers[::-1]], dtype=object).T.astype(np.float64)
    assert table.shape == (len(numbers), 2)
    assert (np.abs(table - expected) <= np.spacing(np.abs(expected))).all()


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=6))
def test_signed_words_are_exact_where_float64_is(numbers: list[int]) -> None:
    assert signed_words([words(*numbers)], 0)[:, 0].tolist() == numbers


def test_selectors_are_the_published_ones() -> None:
    assert selector("transfer(address,uint256)").hex() == "a9059cbb"
    assert (
        selector(
            "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
        ).hex()
        == "414bf389"
    )


@pytest.mark.parametrize(("text", "status"), STATUS_OF_REVERT.items())
def test_every_known_revert_string_maps_to_its_status(text: str, status: Status) -> None:
    assert status_of(Reverted(error_string(text)), "ClearingHouse", "trade") is status
    assert status not in (Status.NONE, Status.OK)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (error_string("clearing: never heard of"), "clearing: never heard of"),
        (bytes.fromhex("4e487b71") + words(0x11), "panic 0x11"),
        (b"", "no reason given"),
        (b"\x12\x34\x56\x78", "0x12345678"),
    ],
)
def test_an_unknown_revert_names_contract_function_and_reason(data: bytes, text: str) -> None:
    assert reason(data) == text
    with pytest.raises(UnknownRevertError, match=r"ClearingHouse\.trade") as raised:
        status_of(Reverted(data), "ClearingHouse", "trade")
    assert text in str(raised.value)
