# pragma version 0.4.3
"""
@title  Aggregator
@license MIT
@notice An AggregatorV3 that answers whatever round it was given, impossible ones included; test only.
"""

decimals: public(immutable(uint8))

_round_id: uint80
_answer: int256
_started_at: uint256
_updated_at: uint256
_answered_in: uint80
_broken: bool


@deploy
def __init__(decimals_: uint8):
    decimals = decimals_


@external
def set_round(round_id: uint80, answer: int256, started_at: uint256, updated_at: uint256, answered_in: uint80):
    self._round_id = round_id
    self._answer = answer
    self._started_at = started_at
    self._updated_at = updated_at
    self._answered_in = answered_in


@external
def set_broken(broken: bool):
    self._broken = broken


@view
@external
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    assert not self._broken, "No data present"
    return self._round_id, self._answer, self._started_at, self._updated_at, self._answered_in
