"""What a faulty reporter does to the price: the market paths against the contract's median."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.config.market import Oracle
from simulator.config.random import random_config
from simulator.market.draw import draw, median_outlier, stops_the_rounds
from simulator.world.chain.artifacts import load
from simulator.world.chain.codec import Contract, encode_constructor
from simulator.world.chain.revm import RevmTransport

START, MAX_AGE, WAD = 1_700_000_000, 3_600, 10**18
TRUE = 2_000 * WAD


def contract_price(reporters: int, faulty: int, wrong: int | None) -> tuple[int, int]:
    """(price, updated_at) after a second round in which ``faulty`` report ``wrong``, or nothing."""
    chain = RevmTransport()
    chain.set_time(START)
    owner = chain.account("owner")
    artifact = load("PriceOracle")
    oracle = Contract(artifact, chain.deploy(owner, encode_constructor(artifact, owner)), chain)
    asset = chain.account("asset")
    oracle.transact(owner, "add_feed", asset, MAX_AGE, WAD // 100)
    names = [chain.account(f"reporter {number}") for number in range(reporters)]
    for reporter in names:
        oracle.transact(owner, "set_reporter", reporter, True)
    oracle.transact(owner, "set_quorum", Oracle(reporters=reporters).needed)
    for reporter in names:
        oracle.transact(reporter, "report", [asset], [TRUE], START)
    chain.set_time(START + 60)
    for number, reporter in enumerate(names):
        price = wrong if number < faulty else TRUE
        if price is not None:
            oracle.transact(reporter, "report", [asset], [price], START + 60)
    return oracle.call("latest", asset)


@pytest.mark.parametrize("reporters", range(1, 9))
def test_a_wrong_price_moves_the_median_as_the_contract_says(reporters):
    for wrong in range(1, reporters + 1):
        factor = median_outlier(Oracle(reporters=reporters), 3.0, wrong) or 1.0
        assert contract_price(reporters, wrong, 3 * TRUE)[0] == int(factor * TRUE)


@pytest.mark.parametrize("reporters", range(1, 9))
def test_silent_reporters_stop_the_rounds_as_the_contract_says(reporters):
    for silent in range(1, reporters + 1):
        updated_at = contract_price(reporters, silent, None)[1]
        stopped = stops_the_rounds(Oracle(reporters=reporters), silent)
        assert updated_at == (START if stopped else START + 60)


def test_one_faulty_reporter_of_three_changes_nothing_on_a_path():
    calm = random_config(5, 0).model_dump()
    hours = calm["horizon_hours"]
    symbol = calm["pool"]["base"]
    calm |= {"oracle": calm["oracle"] | {"reporters": 3}, "shocks": ()}
    faults = [
        {"kind": "oracle_outlier", "asset": symbol, "factor": 0.5, "at_hours": hours / 2},
        {"kind": "oracle_freeze", "assets": [symbol], "at_hours": 1, "duration_hours": hours / 2},
    ]
    config = type(random_config(5, 0))
    quiet = draw(config.model_validate(calm), 0, 2)
    for count, same in ((1, True), (2, False)):
        shocks = tuple(fault | {"reporters": count} for fault in faults)
        faulty = draw(config.model_validate(calm | {"shocks": shocks}), 0, 2)
        assert np.array_equal(quiet.oracle_price, faulty.oracle_price) is same
