# pragma version 0.4.3
"""
@title  Pricing
@license MIT
@notice What a trade against the maker costs (contracts/SPEC.md §3.3): half the spread at the index, and a premium for the
        skew it makes, which the market's premium pool keeps for those who take it back.
"""

from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import perp_math
from contracts.modules import skew_premium

uses: ledger


WAD: constant(uint256) = fixed_point.WAD


@view
@internal
def _skew_bound(market: uint256) -> uint256:
    """
    @notice B: the skew at which the premium rate has grown to half the least maintenance margin, and grows no more.
    """
    return (
        ledger.market[market].skew_scale
        * ledger.parameters.gross_floor
        * ledger.market[market].maintenance_rate
        // (2 * WAD * WAD)
    )


@view
@internal
def _inventory_limit(market: uint256) -> uint256:
    """
    @notice S: the largest skew into which risk may be added.
    """
    return min(ledger.market[market].max_skew, self._skew_bound(market))


@view
@internal
def _half_spread(market: uint256) -> uint256:
    """
    @notice Half the spread of a market, and no less than makes a round trip across one push of its feed a loss.
    """
    return max(
        ledger.market[market].half_spread,
        perp_math.lag_spread(
            staticcall ledger.ORACLE.deviation(ledger.market[market].asset),
            ledger.market[market].taker_fee,
        ),
    )


@view
@internal
def _premium(market: uint256, delta: int256, index: uint256) -> int256:
    """
    @notice USDC that a trade of `delta` would pay into the pool now; negative: out of it. The market is accrued.
    """
    return skew_premium.premium(
        ledger.state[market].skew,
        delta,
        ledger.opening_skew[market],
        ledger.market[market].skew_scale,
        self._skew_bound(market),
        index,
        ledger.premium_pool[market],
        ledger.unpaid_premium[market],
    )


@view
@internal
def _mark_price(market: uint256, index: uint256) -> uint256:
    """
    @notice I (1 + k/K), k clamped to B either way: the premium rate at the skew on the index. A view; nothing settles at it.
    """
    bound: int256 = convert(self._skew_bound(market), int256)
    return perp_math.mark_price(
        index,
        skew_premium.clamp(ledger.state[market].skew, bound),
        ledger.market[market].skew_scale,
    )


@internal
def _pay_premium(account: uint256, market: uint256, premium: int256):
    ledger.cash[account] -= premium
    ledger.premium_pool[market] = convert(
        convert(ledger.premium_pool[market], int256) + premium, uint256
    )


@internal
def _move_unpaid(market: uint256, delta: int256, index: uint256, missing: uint256):
    """
    @notice Bring the unpaid premium to the skew, which has moved by `delta`; of its premium `missing` USDC was not paid.
    """
    unpaid: uint256 = ledger.unpaid_premium[market]
    if unpaid == 0 and missing == 0:
        return
    ledger.unpaid_premium[market] = skew_premium.unpaid_after(
        ledger.state[market].skew - delta,
        delta,
        ledger.market[market].skew_scale,
        self._skew_bound(market),
        index,
        unpaid,
        missing,
    )


@internal
def _sweep_pool(market: uint256):
    """
    @notice Give the maker what the pool holds beyond what closing the skew would earn.
    """
    pool: uint256 = ledger.premium_pool[market]
    claim: uint256 = 0
    skew: int256 = ledger.state[market].skew
    if skew != 0:
        claim = skew_premium.pool_claim(
            skew,
            ledger.market[market].skew_scale,
            self._skew_bound(market),
            ledger._index(market, True),
            ledger.unpaid_premium[market],
        )
    if pool > claim:
        ledger.premium_pool[market] = claim
        ledger.maker_cash[market] += convert(pool - claim, int256)
