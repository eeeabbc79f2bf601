# pragma version 0.4.3
"""
@title  Venue parameters
@license MIT
@notice Markets, collaterals and global parameters of the ClearingHouse within their bounds (contracts/SPEC.md §3.1).
@dev    Functions and events are documented in IClearingHouse. What has to accrue funding first (`set_market`) is the
        ClearingHouse's; here it is checked and stored.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import fixed_point
from contracts.modules import roles

initializes: roles
exports: roles.__interface__


WAD: constant(uint256) = fixed_point.WAD
MAX_MARKETS: constant(uint256) = 8
MAX_COLLATERALS: constant(uint256) = 8
USDC: constant(uint256) = 0  # index of the settlement token among the collaterals

# Bounds of the setters. Wide enough for any venue; they stop slips of the pen and overflows.
MAX_FEE: constant(uint256) = WAD // 10
MAX_PENALTY: constant(uint256) = WAD // 4
MAX_INITIAL_MULTIPLE: constant(uint256) = 10 * WAD
MAX_VELOCITY: constant(uint256) = 1_000 * WAD
MAX_SIZE: constant(uint256) = 10**18 * WAD

market_count: public(uint256)
market: public(HashMap[uint256, IClearingHouse.Market])
collateral_count: public(uint256)
collateral: public(HashMap[uint256, IClearingHouse.Collateral])
parameters: public(IClearingHouse.Parameters)


@deploy
def __init__(
    owner: address,
    usdc: address,
    haircut: uint256,
    cap: uint256,
    parameters: IClearingHouse.Parameters,
):
    roles.__init__(owner)
    self._set_parameters(parameters)
    self._add_collateral(usdc, haircut, cap)


@external
@nonreentrant
def add_collateral(token: address, haircut: uint256, cap: uint256) -> uint256:
    roles._only_owner()
    return self._add_collateral(token, haircut, cap)


@external
@nonreentrant
def set_collateral(collateral: uint256, haircut: uint256, cap: uint256):
    roles._only_owner()
    self._check_collateral(collateral)
    self.collateral[collateral].haircut = haircut
    self.collateral[collateral].cap = cap
    self._check_haircuts(self.parameters)
    log IClearingHouse.CollateralSet(collateral=collateral, parameters=self.collateral[collateral])


@external
@nonreentrant
def set_parameters(parameters: IClearingHouse.Parameters):
    roles._only_owner()
    self._set_parameters(parameters)


@internal
def _add_market(parameters: IClearingHouse.Market) -> uint256:
    market: uint256 = self.market_count
    assert market < MAX_MARKETS, "clearing: too many markets"
    self._check_terms(parameters, self.parameters)
    self.market[market] = parameters
    self.market_count = market + 1
    log IClearingHouse.MarketAdded(market=market, parameters=parameters)
    return market


@internal
def _set_market(market: uint256, parameters: IClearingHouse.Market):
    """
    @dev Funding must be accrued up to now: it depends on what is replaced.
    """
    assert parameters.asset == self.market[market].asset, "clearing: bad parameter"
    self._check_terms(parameters, self.parameters)
    self.market[market] = parameters
    log IClearingHouse.MarketSet(market=market, parameters=parameters)


@view
@internal
def _check_market(market: uint256):
    assert market < self.market_count, "clearing: wrong market"


@view
@internal
def _check_collateral(collateral: uint256):
    assert collateral < self.collateral_count, "clearing: no collateral"


@pure
@internal
def _check_terms(market: IClearingHouse.Market, terms: IClearingHouse.Parameters):
    # The last line: closing a unit must free more requirement than it costs, or liquidation could not heal.
    assert (
        0 < market.skew_scale
        and market.skew_scale <= MAX_SIZE
        and market.max_skew <= MAX_SIZE
        and market.half_spread <= MAX_FEE
        and market.taker_fee <= MAX_FEE
        and market.max_funding_velocity <= MAX_VELOCITY
        and market.maintenance_rate <= WAD
        and terms.initial_multiple * market.maintenance_rate
        > (market.half_spread + terms.liquidation_penalty) * WAD
    ), "clearing: bad parameter"


@view
@internal
def _check_haircuts(terms: IClearingHouse.Parameters):
    usdc: uint256 = self.collateral[USDC].haircut
    assert usdc < WAD, "clearing: bad parameter"
    # Collateral sold to a liquidator must not cost the account equity.
    kept: uint256 = (WAD - terms.liquidation_penalty) * (WAD - usdc)
    for i: uint256 in range(self.collateral_count, bound=MAX_COLLATERALS):
        if i == USDC:
            continue
        haircut: uint256 = self.collateral[i].haircut
        assert haircut <= WAD and kept >= (WAD - haircut) * WAD, "clearing: bad parameter"


@internal
def _add_collateral(token: address, haircut: uint256, cap: uint256) -> uint256:
    collateral: uint256 = self.collateral_count
    assert collateral < MAX_COLLATERALS, "clearing: too many collaterals"
    for i: uint256 in range(collateral, bound=MAX_COLLATERALS):
        assert self.collateral[i].token != token, "clearing: bad parameter"
    decimals: uint256 = convert(staticcall IERC20Detailed(token).decimals(), uint256)
    assert decimals <= 18, "clearing: bad parameter"
    self.collateral[collateral] = IClearingHouse.Collateral(
        token=token, haircut=haircut, cap=cap, unit=10**decimals
    )
    self.collateral_count = collateral + 1
    self._check_haircuts(self.parameters)
    log IClearingHouse.CollateralAdded(
        collateral=collateral, parameters=self.collateral[collateral]
    )
    return collateral


@internal
def _set_parameters(parameters: IClearingHouse.Parameters):
    assert (
        WAD <= parameters.initial_multiple
        and parameters.initial_multiple <= MAX_INITIAL_MULTIPLE
        and parameters.liquidation_penalty <= MAX_PENALTY
        and parameters.liquidator_share <= WAD
        and parameters.profit_cap <= WAD
    ), "clearing: bad parameter"
    for market: uint256 in range(self.market_count, bound=MAX_MARKETS):
        self._check_terms(self.market[market], parameters)
    self._check_haircuts(parameters)
    self.parameters = parameters
    log IClearingHouse.ParametersSet(parameters=parameters)
