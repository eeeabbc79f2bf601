# pragma version 0.4.3
"""
@title  Venue terms
@license MIT
@notice Markets, collaterals, liquidity terms, covariance and global parameters within their bounds
        (contracts/SPEC.md §3.1).
@dev    Functions and events are documented in IClearingHouse; who may call and what accrues first is the caller's.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.interfaces import INonfungiblePositionManager
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import portfolio_math

uses: ledger


interface UniswapV3Factory:
    def getPool(token0: address, token1: address, fee: uint24) -> address: view


WAD: constant(uint256) = fixed_point.WAD
MAX_MARKETS: constant(uint256) = ledger.MAX_MARKETS
MAX_COLLATERALS: constant(uint256) = ledger.MAX_COLLATERALS
MAX_RISK_ASSETS: constant(uint256) = ledger.MAX_RISK_ASSETS
USDC: constant(uint256) = ledger.USDC

# Bounds of the setters. Wide enough for any venue; they stop slips of the pen and overflows.
MAX_FEE: constant(uint256) = WAD // 10
MAX_PENALTY: constant(uint256) = WAD // 4
MAX_INITIAL_MULTIPLE: constant(uint256) = 10 * WAD
MAX_RISK_MULTIPLE: constant(uint256) = 100 * WAD
MAX_VELOCITY: constant(uint256) = 1_000 * WAD
MAX_SIZE: constant(uint256) = 10**18 * WAD
MAX_GATE: constant(uint256) = 7 * 86_400
MAX_DECIMALS: constant(uint256) = 24


@internal
def _add_market(parameters: IClearingHouse.Market) -> uint256:
    market: uint256 = ledger.market_count
    errors.check(market < MAX_MARKETS, "clearing: too many markets")
    self._check_market_terms(parameters, ledger.parameters)
    ledger.market[market] = parameters
    ledger.market_count = market + 1
    ledger.state[market].updated_at = block.timestamp
    self._add_risk_asset(parameters.asset)
    log IClearingHouse.MarketAdded(market=market, parameters=parameters)
    return market


@internal
def _set_market(market: uint256, parameters: IClearingHouse.Market):
    """
    @dev Funding must be accrued up to now: it depends on what is replaced.
    """
    self._require(parameters.asset == ledger.market[market].asset)
    self._check_market_terms(parameters, ledger.parameters)
    ledger.market[market] = parameters
    log IClearingHouse.MarketSet(market=market, parameters=parameters)


@internal
def _add_collateral(token: address, haircut: uint256, cap: uint256) -> uint256:
    collateral: uint256 = ledger.collateral_count
    errors.check(collateral < MAX_COLLATERALS, "clearing: too many collaterals")
    for i: uint256 in range(collateral, bound=MAX_COLLATERALS):
        self._require(ledger.collateral[i].token != token)
    decimals: uint256 = convert(staticcall IERC20Detailed(token).decimals(), uint256)
    self._require(decimals <= MAX_DECIMALS)
    ledger.collateral_count = collateral + 1
    ledger.collateral[collateral].token = token
    ledger.collateral[collateral].unit = 10**decimals
    self._add_risk_asset(token)
    self._set_collateral(collateral, haircut, cap)
    return collateral


@internal
def _set_collateral(collateral: uint256, haircut: uint256, cap: uint256):
    ledger._check_collateral(collateral)
    ledger.collateral[collateral].haircut = haircut
    ledger.collateral[collateral].cap = cap
    self._check_haircuts(ledger.parameters.liquidation_penalty)
    log IClearingHouse.CollateralSet(
        collateral=collateral, parameters=ledger.collateral[collateral]
    )


@internal
def _set_lp_collateral(manager: address, pool: address, haircut: uint256, cap: uint256):
    old: IClearingHouse.LiquidityTerms = ledger.lp_collateral
    if manager != old.manager or pool != old.pool:
        self._require(ledger.pledged_liquidity == 0)
        token: address = staticcall IUniswapV3Pool(pool).token0()
        fee: uint24 = staticcall IUniswapV3Pool(pool).fee()
        factory: address = staticcall INonfungiblePositionManager(manager).factory()
        base: uint256 = 0
        for i: uint256 in range(1, ledger.collateral_count, bound=MAX_COLLATERALS):
            if ledger.collateral[i].token == token:
                base = i
        ratio: uint256 = ledger.collateral[base].unit // ledger.collateral[USDC].unit
        root: uint256 = fixed_point.sqrt_down(ratio)
        self._require(
            base != 0
            and root * root * ledger.collateral[USDC].unit == ledger.collateral[base].unit
            and staticcall UniswapV3Factory(factory).getPool(token, ledger.USDC_TOKEN, fee) == pool
        )
        ledger.lp_base = base
        ledger.lp_fee = fee
        ledger.lp_unit_ratio = root
    terms: IClearingHouse.LiquidityTerms = IClearingHouse.LiquidityTerms(
        manager=manager, pool=pool, haircut=haircut, cap=cap
    )
    ledger.lp_collateral = terms
    self._check_haircuts(ledger.parameters.liquidation_penalty)
    log IClearingHouse.LiquidityTermsSet(parameters=terms)


@internal
def _set_parameters(parameters: IClearingHouse.Parameters):
    self._require(
        WAD <= parameters.initial_multiple
        and parameters.initial_multiple <= MAX_INITIAL_MULTIPLE
        and parameters.liquidation_penalty <= MAX_PENALTY
        and parameters.liquidator_share <= WAD
        and parameters.profit_cap <= WAD
        and 0 < parameters.gross_floor
        and parameters.gross_floor <= WAD
        and parameters.risk_multiple <= MAX_RISK_MULTIPLE
        and (parameters.risk_multiple != 0 or parameters.gross_floor == WAD)
        and parameters.withdrawal_gate <= MAX_GATE,
    )
    for market: uint256 in range(ledger.market_count, bound=MAX_MARKETS):
        self._check_market_terms(ledger.market[market], parameters)
    self._check_haircuts(parameters.liquidation_penalty)
    ledger.parameters = parameters
    log IClearingHouse.ParametersSet(parameters=parameters)


@internal
def _post_covariance(rows: DynArray[int32[8], 8]):
    self._require(len(rows) == ledger.risk_asset_count)
    i: uint256 = 0
    for row: int32[8] in rows:
        ledger.row[ledger.risk_asset[i]] = portfolio_math.pack_row(row)
        i += 1
    log IClearingHouse.CovariancePosted(rows=rows)


@internal
def _add_risk_asset(asset: address):
    count: uint256 = ledger.risk_asset_count
    for i: uint256 in range(count, bound=MAX_RISK_ASSETS):
        if ledger.risk_asset[i] == asset:
            return
    self._require(count < MAX_RISK_ASSETS)
    ledger.risk_asset[count] = asset
    ledger.risk_asset_count = count + 1


@pure
@internal
def _check_market_terms(market: IClearingHouse.Market, terms: IClearingHouse.Parameters):
    # The last line: closing a unit must free more requirement than it costs, or liquidation could not heal.
    self._require(
        0 < market.skew_scale
        and market.skew_scale <= MAX_SIZE
        and market.max_skew <= MAX_SIZE
        and market.half_spread <= MAX_FEE
        and market.taker_fee <= MAX_FEE
        and market.max_funding_velocity <= MAX_VELOCITY
        and market.maintenance_rate <= WAD
        and market.max_open_interest <= MAX_SIZE
        and fixed_point.mul_div_down(
            terms.initial_multiple * market.maintenance_rate, terms.gross_floor, WAD
        )
        > (market.half_spread + terms.liquidation_penalty) * WAD,
    )


@view
@internal
def _check_haircuts(penalty: uint256):
    usdc: uint256 = ledger.collateral[USDC].haircut
    self._require(usdc < WAD)
    # Collateral sold to a liquidator must not cost the account equity.
    kept: uint256 = (WAD - penalty) * (WAD - usdc)
    if ledger.lp_collateral.manager != empty(address):
        self._check_haircut(ledger.lp_collateral.haircut, kept)
    # The constructor comes here before USDC is listed, and a range must not end before it begins.
    for i: uint256 in range(1, max(ledger.collateral_count, 1), bound=MAX_COLLATERALS):
        self._check_haircut(ledger.collateral[i].haircut, kept)


@pure
@internal
def _check_haircut(haircut: uint256, kept: uint256):
    self._require(haircut <= WAD and kept >= (WAD - haircut) * WAD)


@pure
@internal
def _require(ok: bool):
    errors.check(ok, "clearing: bad parameter")
