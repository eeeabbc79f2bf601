# pragma version 0.4.3
"""
@title  PriceOracle
@license MIT
@notice One USD price per asset: the median of what reporters push, or what an aggregator answers, with an
        age limit per asset (contracts/SPEC.md §2).
"""

from contracts.interfaces import IAggregatorV3
from contracts.interfaces import IPriceOracle
from contracts.modules import roles

implements: IPriceOracle
initializes: roles
exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
    roles.delay,
    roles.set_delay,
    roles.scheduled_at,
    roles.schedule,
    roles.cancel,
)


MAX_ASSETS: constant(uint256) = 16
MAX_REPORTERS: constant(uint256) = 8
MAX_AGE_BOUND: constant(uint256) = 30 * 86_400  # seconds; an older price says nothing about the market
MAX_DEVIATION: constant(uint256) = 10**17
MAX_GRACE: constant(uint256) = 7 * 86_400
MAX_DECIMALS: constant(uint256) = 36
WAD_DECIMALS: constant(uint256) = 18
WAD: constant(uint256) = 10**18

# A word of `_rounds` holds price << 64 | updated_at << 24 | max_age, so that `price` of a pushed feed
# reads one slot; a word of `_observations` is the same without the age.
PRICE_SHIFT: constant(uint256) = 64
TIME_SHIFT: constant(uint256) = 24
TIME_MASK: constant(uint256) = 2**40 - 1
AGE_MASK: constant(uint256) = 2**24 - 1
MAX_PRICE: constant(uint256) = 2**192 - 1

ROUND_DATA: constant(Bytes[4]) = method_id("latestRoundData()")
ROUND_DATA_BYTES: constant(uint256) = 160


struct Terms:
    aggregator: address  # zero for a pushed feed
    max_age: uint256  # seconds; 0 when there is no feed
    deviation: uint256  # WAD
    decimals: uint256  # of the aggregator


struct Answer:
    round_id: uint80
    answer: int256
    started_at: uint256
    updated_at: uint256
    answered_in_round: uint80


is_reporter: public(HashMap[address, bool])
quorum: public(uint256)
sequencer: public(IAggregatorV3)
grace_period: public(uint256)  # seconds
_reporters: DynArray[address, MAX_REPORTERS]
_rounds: HashMap[address, uint256]  # of pushed feeds
_round_ids: HashMap[address, uint256]
_observations: HashMap[address, HashMap[address, uint256]]  # by asset, reporter
_terms: HashMap[address, Terms]


@deploy
def __init__(owner: address):
    """
    @param owner Adds feeds and names reporters, a majority of whom is enough until `set_quorum`.
    """
    roles.__init__(owner)
    self.quorum = 1


# ------------------------------------------------------------------------------------------- prices


@view
@external
def price(asset: address) -> uint256:
    self._require_sequencer()
    packed: uint256 = self._rounds[asset]
    if packed == 0:
        return self._aggregated(asset)
    assert packed >> PRICE_SHIFT != 0, "oracle: no round"
    updated_at: uint256 = (packed >> TIME_SHIFT) & TIME_MASK
    assert block.timestamp - updated_at <= packed & AGE_MASK, "oracle: stale"
    return packed >> PRICE_SHIFT


@view
@external
def latest(asset: address) -> (uint256, uint256):
    round: IPriceOracle.Round = self._latest(asset)
    return round.price, round.updated_at


@view
@external
def feed(asset: address) -> (uint256, IPriceOracle.Round):
    return self._terms[asset].max_age, self._latest(asset)


@view
@external
def deviation(asset: address) -> uint256:
    return self._terms[asset].deviation


@view
@external
def aggregator(asset: address) -> address:
    return self._terms[asset].aggregator


@view
@external
def observation(asset: address, reporter: address) -> (uint256, uint256):
    seen: uint256 = self._observations[asset][reporter]
    return seen >> PRICE_SHIFT, (seen >> TIME_SHIFT) & TIME_MASK


@view
@external
def reporters() -> DynArray[address, MAX_REPORTERS]:
    """
    @notice Those allowed to report, in no order.
    """
    return self._reporters


# ---------------------------------------------------------------------------------------- reporting


@external
def report(
    assets: DynArray[address, MAX_ASSETS], prices: DynArray[uint256, MAX_ASSETS], timestamp: uint256
):
    assert self.is_reporter[msg.sender], "oracle: not a reporter"
    assert len(assets) == len(prices), "oracle: length mismatch"
    assert timestamp <= block.timestamp, "oracle: future round"
    reporters: DynArray[address, MAX_REPORTERS] = self._reporters
    quorum: uint256 = self.quorum
    for i: uint256 in range(len(assets), bound=MAX_ASSETS):
        asset: address = assets[i]
        assert self._rounds[asset] != 0, "oracle: no feed"
        assert prices[i] > 0, "oracle: price not positive"
        assert prices[i] <= MAX_PRICE, "oracle: price too large"
        last: uint256 = (self._observations[asset][msg.sender] >> TIME_SHIFT) & TIME_MASK
        assert timestamp >= last, "oracle: round out of order"
        self._observations[asset][msg.sender] = prices[i] << PRICE_SHIFT | timestamp << TIME_SHIFT
        log IPriceOracle.PriceObserved(
            asset=asset, reporter=msg.sender, price=prices[i], observed_at=timestamp
        )
        self._update(asset, reporters, quorum)


@internal
def _update(asset: address, reporters: DynArray[address, MAX_REPORTERS], quorum: uint256):
    """
    @notice A new round from the observations young enough to be served, if they are a quorum.
    @dev Odd number of them: the middle one. Even: the mean of the middle two, and no round while these
         are further apart than `deviation`. What follows, whatever the others say and when:
         * the honest among them are the more: the price is within what the honest observed;
         * they are half: it is off from that by half of `deviation` at most, or the round stays;
         * liars fewer than half of those allowed: they never make a round alone, the quorum being
           a majority.
         So one liar of two or more moves no price further than the feed may lag, be the others
         silent or not; fewer than half of those allowed lying or silent together move none out of
         what the honest say. Of two that disagree nothing tells which one lies: a price that grows
         old is refused, one held at the last by a liar would be served.
    """
    packed: uint256 = self._rounds[asset]
    max_age: uint256 = packed & AGE_MASK
    prices: DynArray[uint256, MAX_REPORTERS] = []
    times: DynArray[uint256, MAX_REPORTERS] = []
    for reporter: address in reporters:
        seen: uint256 = self._observations[asset][reporter]
        observed_at: uint256 = (seen >> TIME_SHIFT) & TIME_MASK
        if block.timestamp - observed_at <= max_age:
            prices.append(seen >> PRICE_SHIFT)
            times.append(observed_at)
    count: uint256 = len(prices)
    if count < quorum:
        return
    prices = self._sorted(prices)
    times = self._sorted(times)
    price: uint256 = (prices[(count - 1) // 2] + prices[count // 2]) // 2
    spread: uint256 = prices[count // 2] - prices[(count - 1) // 2]
    if spread != 0 and spread * WAD > price * self._terms[asset].deviation:
        return
    updated_at: uint256 = max(times[count - quorum], (packed >> TIME_SHIFT) & TIME_MASK)
    round_id: uint256 = self._round_ids[asset] + 1
    self._round_ids[asset] = round_id
    self._rounds[asset] = price << PRICE_SHIFT | updated_at << TIME_SHIFT | max_age
    log IPriceOracle.PriceUpdated(
        asset=asset, price=price, updated_at=updated_at, round_id=round_id
    )


@internal
@pure
def _sorted(values: DynArray[uint256, MAX_REPORTERS]) -> DynArray[uint256, MAX_REPORTERS]:
    """
    @notice Ascending, by insertion.
    """
    ordered: DynArray[uint256, MAX_REPORTERS] = values
    for i: uint256 in range(1, len(values), bound=MAX_REPORTERS):
        place: uint256 = i
        for _: uint256 in range(MAX_REPORTERS):
            if place == 0 or ordered[place - 1] <= values[i]:
                break
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = values[i]
    return ordered


# ------------------------------------------------------------------------------------------- owner


@external
def add_feed(asset: address, max_age: uint256, deviation: uint256):
    self._only_owner_of_feed(asset)
    self._set_terms(
        asset,
        Terms(aggregator=empty(address), max_age=max_age, deviation=deviation, decimals=0),
    )
    self._rounds[asset] = (self._rounds[asset] & ~AGE_MASK) | max_age


@external
def add_aggregator(asset: address, aggregator: address, max_age: uint256, deviation: uint256):
    self._only_owner_of_feed(asset)
    decimals: uint256 = convert(staticcall IAggregatorV3(aggregator).decimals(), uint256)
    assert decimals <= MAX_DECIMALS, "oracle: bad decimals"
    served: IPriceOracle.Round = self._latest(asset)
    old: Terms = self._terms[asset]
    self._set_terms(
        asset,
        Terms(aggregator=aggregator, max_age=max_age, deviation=deviation, decimals=decimals),
    )
    self._rounds[asset] = 0
    # A price that is served goes on: another source takes over where it says the same.
    if (
        served.price != 0
        and served.updated_at <= block.timestamp
        and block.timestamp - served.updated_at <= old.max_age
    ):
        price: uint256 = self._aggregated(asset)
        apart: uint256 = max(price, served.price) - min(price, served.price)
        assert apart * WAD <= (old.deviation + deviation) * served.price, "oracle: deviates"


@internal
def _only_owner_of_feed(asset: address):
    """
    @notice A first feed of an asset is added at once, nobody having relied on it; another is delayed.
    """
    if self._terms[asset].max_age == 0:
        roles._only_owner()
    else:
        roles._only_owner_delayed()


@internal
def _set_terms(asset: address, terms: Terms):
    assert asset != empty(address), "oracle: zero asset"
    assert 0 < terms.max_age and terms.max_age <= MAX_AGE_BOUND, "oracle: bad max age"
    assert terms.deviation <= MAX_DEVIATION, "oracle: bad deviation"
    self._terms[asset] = terms
    log IPriceOracle.FeedAdded(
        asset=asset,
        aggregator=terms.aggregator,
        max_age=terms.max_age,
        deviation=terms.deviation,
    )


@external
def set_reporter(reporter: address, allowed: bool):
    roles._only_owner_delayed()
    if allowed != self.is_reporter[reporter]:
        self.is_reporter[reporter] = allowed
        if allowed:
            assert len(self._reporters) < MAX_REPORTERS, "oracle: too many reporters"
            self._reporters.append(reporter)
        else:
            self._remove(reporter)
        self._fit_quorum()
    log IPriceOracle.ReporterSet(reporter=reporter, allowed=allowed)


@internal
def _remove(reporter: address):
    last: address = self._reporters.pop()
    count: uint256 = len(self._reporters)
    for i: uint256 in range(count, bound=MAX_REPORTERS):
        if self._reporters[i] == reporter:
            self._reporters[i] = last
            break


@internal
def _fit_quorum():
    """
    @notice As it was where it still can be, else the nearest majority that the reporters can reach.
    """
    count: uint256 = len(self._reporters)
    quorum: uint256 = min(max(self.quorum, self._majority()), max(count, 1))
    if quorum != self.quorum:
        self.quorum = quorum
        log IPriceOracle.QuorumSet(quorum=quorum)


@external
def set_quorum(quorum: uint256):
    roles._only_owner_delayed()
    most: uint256 = max(len(self._reporters), 1)
    assert self._majority() <= quorum and quorum <= most, "oracle: bad quorum"
    self.quorum = quorum
    log IPriceOracle.QuorumSet(quorum=quorum)


@external
def set_sequencer(aggregator: address, grace_period: uint256):
    roles._only_owner_delayed()
    assert grace_period <= MAX_GRACE, "oracle: bad grace period"
    self.sequencer = IAggregatorV3(aggregator)
    self.grace_period = grace_period
    log IPriceOracle.SequencerSet(aggregator=aggregator, grace_period=grace_period)


# ------------------------------------------------------------------------------------------ guards


@internal
@view
def _majority() -> uint256:
    """
    @notice The fewest reporters that are more than half of those allowed.
    """
    return len(self._reporters) // 2 + 1


@internal
@view
def _require_sequencer():
    if self.sequencer.address == empty(address):
        return
    status: Answer = empty(Answer)
    (
        status.round_id,
        status.answer,
        status.started_at,
        status.updated_at,
        status.answered_in_round,
    ) = staticcall self.sequencer.latestRoundData()
    assert status.answer == 0, "oracle: sequencer down"
    # startedAt 0: the sequencer's state has not been reported yet
    up_since: uint256 = status.started_at
    assert up_since != 0 and block.timestamp > up_since + self.grace_period, "oracle: grace period"


# ------------------------------------------------------------------------------------- aggregators


@internal
@view
def _aggregated(asset: address) -> uint256:
    """
    @notice The guarded price of an asset that has no pushed feed.
    """
    terms: Terms = self._terms[asset]
    assert terms.max_age != 0, "oracle: no feed"
    round: Answer = empty(Answer)
    (
        round.round_id, round.answer, round.started_at, round.updated_at, round.answered_in_round
    ) = staticcall IAggregatorV3(terms.aggregator).latestRoundData()
    assert (
        round.updated_at != 0 and round.answered_in_round >= round.round_id
    ), "oracle: incomplete round"
    assert round.updated_at <= block.timestamp, "oracle: future round"
    assert block.timestamp - round.updated_at <= terms.max_age, "oracle: stale"
    price: uint256 = self._scaled(round.answer, terms.decimals)
    assert price != 0, "oracle: price not positive"
    assert price <= MAX_PRICE, "oracle: price too large"
    return price


@internal
@view
def _latest(asset: address) -> IPriceOracle.Round:
    """
    @notice The round as it is, of either kind; empty where there is none that could be served.
    """
    packed: uint256 = self._rounds[asset]
    if packed != 0:
        return IPriceOracle.Round(
            price=packed >> PRICE_SHIFT,
            updated_at=(packed >> TIME_SHIFT) & TIME_MASK,
            round_id=self._round_ids[asset],
        )
    terms: Terms = self._terms[asset]
    if terms.aggregator == empty(address):
        return empty(IPriceOracle.Round)
    success: bool = False
    data: Bytes[ROUND_DATA_BYTES] = b""
    success, data = raw_call(
        terms.aggregator,
        ROUND_DATA,
        max_outsize=ROUND_DATA_BYTES,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(data) != ROUND_DATA_BYTES:
        return empty(IPriceOracle.Round)
    # words, not types: a decoding that refuses a value would revert
    price: uint256 = self._scaled(extract32(data, 32, output_type=int256), terms.decimals)
    if price == 0 or price > MAX_PRICE:
        return empty(IPriceOracle.Round)
    return IPriceOracle.Round(
        price=price,
        updated_at=extract32(data, 96, output_type=uint256),
        round_id=extract32(data, 0, output_type=uint256),
    )


@internal
@pure
def _scaled(answer: int256, decimals: uint256) -> uint256:
    """
    @notice An answer as WAD, floor: 0 for one that is not positive, 2**256 - 1 for one out of range.
    """
    if answer <= 0:
        return 0
    amount: uint256 = convert(answer, uint256)
    if decimals >= WAD_DECIMALS:
        return amount // 10 ** (decimals - WAD_DECIMALS)
    if amount > MAX_PRICE:
        return max_value(uint256)
    return amount * 10 ** (WAD_DECIMALS - decimals)
