"""What the PriceOracle must answer, from the reports alone (contracts/SPEC.md §2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference.integers import WAD


@dataclass
class Feed:
    """``seen``: last (price, timestamp) of each reporter; ``deviation``: WAD."""

    max_age: int
    deviation: int
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    price: int = 0
    updated_at: int = 0


@dataclass
class OracleBook:
    """Median of the reporters' fresh observations when there are ``quorum`` of them.

    Of an even number only when the two in the middle are not further apart than the deviation.
    """

    feeds: dict[int, Feed]
    quorum: int

    def report(self, reporter: int, prices: dict[int, int], timestamp: int, now: int) -> str:
        """The refusal, if any; nothing is kept of a refused report."""
        if timestamp > now:
            return "oracle: future round"
        for asset, price in prices.items():
            if price <= 0:
                return "oracle: price not positive"
            if price >= 2**192:
                return "oracle: price too large"
            last = self.feeds[asset].seen.get(reporter, (0, 0))[1]
            if timestamp < last:
                return "oracle: round out of order"
        for asset, price in prices.items():
            feed = self.feeds[asset]
            feed.seen[reporter] = (price, timestamp)
            self._update(feed, now)
        return ""

    def _update(self, feed: Feed, now: int) -> None:
        fresh = [o for o in feed.seen.values() if now - o[1] <= feed.max_age]
        if len(fresh) < self.quorum:
            return
        prices = sorted(price for price, _ in fresh)
        middle = len(prices) // 2
        low, high = prices[(len(prices) - 1) // 2], prices[middle]
        price = (low + high) // 2
        if (high - low) * WAD > price * feed.deviation:
            return
        feed.price = price
        newest = sorted((time for _, time in fresh), reverse=True)
        feed.updated_at = max(feed.updated_at, newest[self.quorum - 1])

    def last_prices(self) -> dict[int, int]:
        """The rounds of all feeds that have one, however old."""
        return {asset: feed.price for asset, feed in self.feeds.items() if feed.price}

    def silent(self, now: int) -> frozenset[int]:
        """Assets whose round is too old to be answered."""
        return frozenset(a for a, f in self.feeds.items() if now - f.updated_at > f.max_age)
