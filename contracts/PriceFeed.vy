# pragma version 0.4.3
"""
@title  PriceFeed
@license MIT
@notice The PriceOracle's price of one asset behind Chainlink's AggregatorV3Interface, for contracts that read
        one (Aave v3). It answers the last round however old; its age is for the reader to judge.
"""

from contracts.interfaces import IAggregatorV3
from contracts.interfaces import IPriceOracle

implements: IAggregatorV3


WAD_DECIMALS: constant(uint256) = 18
MAX_DECIMALS: constant(uint256) = 36

oracle: public(immutable(IPriceOracle))
asset: public(immutable(address))
decimals: public(immutable(uint8))
description: public(String[64])


@deploy
def __init__(oracle_: IPriceOracle, asset_: address, decimals_: uint8, description_: String[64]):
    """
    @param decimals_ Of the answers, at most 36.
    """
    assert convert(decimals_, uint256) <= MAX_DECIMALS, "feed: bad decimals"
    oracle = oracle_
    asset = asset_
    decimals = decimals_
    self.description = description_


@view
@external
def version() -> uint256:
    return 1


@view
@external
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    return self._round_data()


@view
@external
def getRoundData(round_id: uint80) -> (uint80, int256, uint256, uint256, uint80):
    """
    @notice Only the latest round is kept.
    """
    round: IPriceOracle.Round = self._round()
    assert round_id != 0 and convert(round_id, uint256) == round.round_id, "No data present"
    return self._round_data()


@view
@external
def latestAnswer() -> int256:
    """
    @notice The price times 10**decimals, floor; 0 when there is none, which readers refuse.
    """
    return self._answer(self._round().price)


@view
@external
def latestTimestamp() -> uint256:
    """
    @notice Time of the last round, seconds.
    """
    return self._round().updated_at


@view
@external
def latestRound() -> uint256:
    """
    @notice Number of the last round.
    """
    return self._round().round_id


@internal
@view
def _round_data() -> (uint80, int256, uint256, uint256, uint80):
    round: IPriceOracle.Round = self._round()
    assert round.round_id != 0, "No data present"
    round_id: uint80 = convert(round.round_id, uint80)
    answer: int256 = self._answer(round.price)
    return round_id, answer, round.updated_at, round.updated_at, round_id


@internal
@view
def _round() -> IPriceOracle.Round:
    max_age: uint256 = 0
    round: IPriceOracle.Round = empty(IPriceOracle.Round)
    max_age, round = staticcall oracle.feed(asset)
    return round


@internal
@view
def _answer(price: uint256) -> int256:
    digits: uint256 = convert(decimals, uint256)
    if digits >= WAD_DECIMALS:
        return convert(price * 10 ** (digits - WAD_DECIMALS), int256)
    return convert(price // 10 ** (WAD_DECIMALS - digits), int256)
