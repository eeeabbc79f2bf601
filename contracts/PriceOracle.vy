# pragma version 0.4.3
"""
@title  PriceOracle
@license MIT
@notice Pushed USD prices with an age limit per asset (contracts/SPEC.md §2).
"""

from contracts.interfaces import IPriceOracle
from contracts.modules import roles

implements: IPriceOracle
initializes: roles
exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
)


MAX_ASSETS: constant(uint256) = 16
MAX_AGE_BOUND: constant(uint256) = 30 * 86_400  # seconds; an older price says nothing about the market


struct Feed:
    max_age: uint256  # seconds; 0 when there is no feed
    round: IPriceOracle.Round


is_reporter: public(HashMap[address, bool])
_feeds: HashMap[address, Feed]


@deploy
def __init__(owner: address):
    """
    @param owner Adds feeds and names reporters.
    """
    roles.__init__(owner)


@view
@external
def price(asset: address) -> uint256:
    feed: Feed = self._feeds[asset]
    assert feed.max_age != 0, "oracle: no feed"
    assert feed.round.round_id != 0, "oracle: no round"
    assert block.timestamp - feed.round.updated_at <= feed.max_age, "oracle: stale"
    return feed.round.price


@view
@external
def latest(asset: address) -> (uint256, uint256):
    round: IPriceOracle.Round = self._feeds[asset].round
    return round.price, round.updated_at


@view
@external
def feed(asset: address) -> (uint256, IPriceOracle.Round):
    feed: Feed = self._feeds[asset]
    return feed.max_age, feed.round


@external
def add_feed(asset: address, max_age: uint256):
    roles._only_owner()
    assert asset != empty(address), "oracle: zero asset"
    assert 0 < max_age and max_age <= MAX_AGE_BOUND, "oracle: bad max age"
    self._feeds[asset].max_age = max_age
    log IPriceOracle.FeedAdded(asset=asset, max_age=max_age)


@external
def set_reporter(reporter: address, allowed: bool):
    roles._only_owner()
    self.is_reporter[reporter] = allowed
    log IPriceOracle.ReporterSet(reporter=reporter, allowed=allowed)


@external
def report(
    assets: DynArray[address, MAX_ASSETS], prices: DynArray[uint256, MAX_ASSETS], timestamp: uint256
):
    assert self.is_reporter[msg.sender], "oracle: not a reporter"
    assert len(assets) == len(prices), "oracle: length mismatch"
    assert timestamp <= block.timestamp, "oracle: future round"
    for i: uint256 in range(len(assets), bound=MAX_ASSETS):
        asset: address = assets[i]
        last: IPriceOracle.Round = self._feeds[asset].round
        assert self._feeds[asset].max_age != 0, "oracle: no feed"
        assert prices[i] > 0, "oracle: price not positive"
        assert timestamp >= last.updated_at, "oracle: round out of order"
        round_id: uint256 = last.round_id + 1
        self._feeds[asset].round = IPriceOracle.Round(
            price=prices[i], updated_at=timestamp, round_id=round_id
        )
        log IPriceOracle.PriceReported(
            asset=asset, price=prices[i], updated_at=timestamp, round_id=round_id, reporter=msg.sender
        )
