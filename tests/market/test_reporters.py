"""What a faulty reporter does to the price: the market paths against the contract's median."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.chain.deploy.artifacts import load
from simulator.chain.evm.codec import Contract, encode_constructor
from simulator.chain.evm.revm import RevmTransport
from simulator.config.market import Feed, Oracle
from simulator.config.random import random_config
from simulator.config.rounds import median_outlier, splits_the_reporters, stops_the_rounds
from simulator.market.draw import draw

START, MAX_AGE, WAD = 1_700_000_000, 3_600, 10**18
TRUE = 2_000 * WAD


DEVIATION = 0.01


def contract_price(reporters: int, faulty: int, wrong: int | None) -> tuple[int, int]:
    """(price, updated_at) after a second round in which ``faulty`` report ``wrong``, or nothing."""
    chain = RevmTransport()
    chain.set_time(START)
    owner = chain.account("owner")
    artifact = load("PriceOracle")
    oracle = Contract(artifact, chain.deploy(owner, encode_constructor(artifact, owner)), chain)
    asset = chain.account("asset")
    oracle.transact(owner, "add_feed", asset, MAX_AGE, int(DEVIATION * WAD))
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


@pytest.mark.parametrize("factor", [0.5, 0.9961, 1.0078125, 1.015625, 3.0])
@pytest.mark.parametrize("reporters", range(1, 9))
def test_a_wrong_price_moves_the_median_as_the_contract_says(reporters: int, factor: float) -> None:
    oracle, feed = Oracle(reporters=reporters), Feed(deviation=DEVIATION)
    for wrong in range(1, reporters + 1):
        moved = median_outlier(oracle, factor, wrong) or 1.0
        stays = splits_the_reporters(oracle, feed, factor, wrong)
        price, updated_at = contract_price(reporters, wrong, int(factor * TRUE))
        assert price == (TRUE if stays else pytest.approx(int(moved * TRUE), rel=1e-15))
        assert updated_at == (START if stays else START + 60)


@pytest.mark.parametrize("reporters", range(1, 9))
def test_silent_reporters_stop_the_rounds_as_the_contract_says(reporters: int) -> None:
    for silent in range(1, reporters + 1):
        updated_at = contract_price(reporters, silent, None)[1]
        stopped = stops_the_rounds(Oracle(reporters=reporters), silent)
        assert updated_at == (START if stopped else START + 60)


def test_a_quorum_is_a_majority() -> None:
    config = random_config(5, 0).model_dump()
    for reporters, quorum in ((2, 1), (3, 1), (4, 2)):
        oracle = config["oracle"] | {"reporters": reporters, "quorum": quorum}
        with pytest.raises(ValueError, match="must be more than half"):
            type(random_config(5, 0)).model_validate(config | {"oracle": oracle})


def test_half_of_the_reporters_wrong_leaves_the_round_of_a_path_as_it_was() -> None:
    calm = random_config(5, 0).model_dump()
    symbol, hours = calm["pool"]["base"], calm["horizon_hours"] / 2
    calm |= {"oracle": calm["oracle"] | {"reporters": 4, "quorum": None}, "shocks": ()}
    config = type(random_config(5, 0))
    quiet = draw(config.model_validate(calm).market, 0, 2)
    for factor, wrong, moved in ((0.5, 2, False), (0.5, 3, True)):
        fault = {"kind": "oracle_outlier", "asset": symbol, "factor": factor, "at_hours": hours}
        shocks = (fault | {"reporters": wrong},)
        faulty = draw(config.model_validate(calm | {"shocks": shocks}).market, 0, 2)
        ratio = faulty.oracle_price / quiet.oracle_price
        assert bool(ratio.min() < 0.6) is moved


def test_one_faulty_reporter_of_three_changes_nothing_on_a_path() -> None:
    calm = random_config(5, 0).model_dump()
    hours = calm["horizon_hours"]
    symbol = calm["pool"]["base"]
    calm |= {"oracle": calm["oracle"] | {"reporters": 3}, "shocks": ()}
    faults = [
        {"kind": "oracle_outlier", "asset": symbol, "factor": 0.5, "at_hours": hours / 2},
        {"kind": "oracle_freeze", "assets": [symbol], "at_hours": 1, "duration_hours": hours / 2},
    ]
    config = type(random_config(5, 0))
    quiet = draw(config.model_validate(calm).market, 0, 2)
    for count, same in ((1, True), (2, False)):
        shocks = tuple(fault | {"reporters": count} for fault in faults)
        faulty = draw(config.model_validate(calm | {"shocks": shocks}).market, 0, 2)
        assert np.array_equal(quiet.oracle_price, faulty.oracle_price) is same
