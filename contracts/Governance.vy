# pragma version 0.4.3
# pragma optimize codesize
"""
@title  Governance
@license MIT
@notice What the venue's owner, risk manager and guardian do (contracts/SPEC.md §3.5): code of the ClearingHouse that runs on its
        storage by delegatecall and refuses to be called directly.
@dev    Functions, events and scales are documented in IClearingHouse. The ClearingHouse's reentrancy lock is held
        throughout. Its own storage is never used.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import maker
from contracts.modules import pricing
from contracts.modules import roles
from contracts.modules import venue

initializes: ledger
initializes: maker[ledger := ledger]
initializes: pricing[ledger := ledger]
initializes: venue[ledger := ledger]
uses: roles
exports: (ledger.ORACLE, ledger.USDC_TOKEN)


USDC: constant(uint256) = ledger.USDC
SCALE_INTERVAL: constant(uint256) = 3_600  # seconds between two changes of a market's skew scale


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )


@external
def withdraw_maker(market: uint256, raw: uint256, to: address):
    ledger._check_delegated()
    roles._only_owner_delayed()
    ledger._check_market(market)
    index: uint256 = 0
    # Behind a market that nobody holds nothing has to be priced.
    if maker._larger_side(market) != 0:
        ledger._check_not_settled(market)  # it stands behind the debts that settling the rest leaves
        ledger._accrue(market)
        index = ledger._index(market, True)
    pricing._sweep_pool(market)
    ledger.maker_cash[market] -= convert(raw * ledger.CASH_UNIT, int256)
    maker._check_reserve(market, index)
    log IClearingHouse.MakerWithdrawn(market=market, receiver=to, raw=raw)
    ledger._push(USDC, raw, to)


@external
def add_market(parameters: IClearingHouse.Market) -> uint256:
    ledger._check_delegated()
    roles._only_owner_delayed()
    return venue._add_market(parameters)


@external
def set_market(market: uint256, parameters: IClearingHouse.Market):
    ledger._check_delegated()
    roles._only_owner_delayed()
    ledger._check_market(market)
    ledger._check_not_settled(market)
    ledger._accrue(market)
    pricing._sweep_pool(market)
    venue._set_market(market, parameters)


@external
def set_skew_scale(market: uint256, skew_scale: uint256):
    ledger._check_delegated()
    roles._only_risk_manager()
    ledger._check_market(market)
    before: uint256 = ledger.market[market].skew_scale
    if skew_scale == before:
        return
    errors.check(
        block.timestamp >= ledger.scaled_at[market] + SCALE_INTERVAL, "clearing: too soon"
    )
    ledger._accrue(market)
    pricing._sweep_pool(market)
    venue._set_skew_scale(market, skew_scale)
    ledger.scaled_at[market] = block.timestamp
    if skew_scale < before:
        # What is open was let in at the old scale: it must not be what the new one would refuse, nor too much to close.
        limit: uint256 = pricing._inventory_limit(market)
        errors.check(
            fixed_point.magnitude(ledger.state[market].skew) <= limit
            and maker._larger_side(market) <= ledger.SIDES * limit,
            "clearing: inventory limit",
        )


@external
def add_collateral(token: address, haircut: uint256, cap: uint256) -> uint256:
    ledger._check_delegated()
    roles._only_owner_delayed()
    return venue._add_collateral(token, haircut, cap)


@external
def set_collateral(collateral: uint256, haircut: uint256, cap: uint256):
    ledger._check_delegated()
    roles._only_owner_delayed()
    venue._set_collateral(collateral, haircut, cap)


@external
def set_lp_collateral(manager: address, pool: address, haircut: uint256, cap: uint256):
    ledger._check_delegated()
    roles._only_owner_delayed()
    venue._set_lp_collateral(manager, pool, haircut, cap)


@external
def set_parameters(parameters: IClearingHouse.Parameters):
    ledger._check_delegated()
    roles._only_owner_delayed()
    if parameters.gross_floor != ledger.parameters.gross_floor:
        self._sweep_pools()
    venue._set_parameters(parameters)


@external
def tighten(term: uint256) -> uint256:
    ledger._check_delegated()
    if term < ledger.market_count:
        self._sweep_if_heard(term)
    elif term == venue.FLOOR_TERM:
        self._sweep_pools()
    return venue._tighten(term)


@external
def post_covariance(rows: DynArray[int32[8], 8]) -> uint256:
    ledger._check_delegated()
    roles._only_risk_manager()
    return venue._post_covariance(rows)


@external
def pause():
    ledger._check_delegated()
    roles._only_guardian()
    self._set_paused(True)


@external
def unpause():
    ledger._check_delegated()
    roles._only_owner()
    self._set_paused(False)


@internal
def _set_paused(paused: bool):
    ledger.paused = paused
    log IClearingHouse.Paused(paused=paused)


# ---------------------------------------------------------------------------------------- premium pools


@internal
def _sweep_pools():
    """
    @notice Before phi moves every market's B, and with it what closing its skew would earn: the maker gets what it has
            earned at the old B.
    """
    for market: uint256 in range(ledger.market_count, bound=ledger.MAX_MARKETS):
        self._sweep_if_heard(market)


@internal
def _sweep_if_heard(market: uint256):
    """
    @notice Sweep a pool at the index of now, which hangs on no accrual. A market whose feed has stopped keeps its surplus for
            who takes the skew back, and holds up no change of others.
    """
    heard: bool = False
    price: uint256 = 0
    heard, price = ledger._heard(ledger.market[market].asset)
    if heard:
        pricing._sweep_pool(market)
