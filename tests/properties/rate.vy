# pragma version 0.4.3
"""
@title  Rate
@license MIT
@notice A provider of rates that is told them.
"""

rate: public(uint256)


@deploy
def __init__(rate: uint256):
    self.rate = rate


@external
def set_rate(rate: uint256):
    self.rate = rate
