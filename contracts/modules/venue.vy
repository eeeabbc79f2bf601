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
LAST_POLICY: constant(uint256) = 3  # of auto-deleveraging: pro rata of position
MAX_DECIMALS: constant(uint256) = 24
MAX_VOLATILITY: constant(uint256) = 10**8  # 100 % a day, in entries of the covariance factor

# Terms that arrive by a ramp where they become stricter: m is the maintenance rate of market m, and from there on
# the haircuts of collaterals, that of liquidity, phi and kappa.
HAIRCUT_TERM: constant(uint256) = MAX_MARKETS
LIQUIDITY_TERM: constant(uint256) = HAIRCUT_TERM + MAX_COLLATERALS
FLOOR_TERM: constant(uint256) = LIQUIDITY_TERM + 1
RISK_TERM: constant(uint256) = FLOOR_TERM + 1
TERMS_RAMP: constant(uint256) = 86_400  # seconds
# What one call may bring of it at most, seconds: time in which nobody called is not made up for at once.
TERMS_STEP: constant(uint256) = 3_600

# How far one post may move a row: its norm over STEP, the asset's daily volatility, or LEAST_STEP if that is more.
STEP: constant(uint256) = 4
LEAST_STEP: constant(uint256) = 10**6  # 1 % a day


@internal
def _add_market(parameters: IClearingHouse.Market) -> uint256:
    market: uint256 = ledger.market_count
    errors.check(market < MAX_MARKETS, "clearing: too many markets")
    self._check_market_terms(parameters, ledger.parameters)
    ledger.market[market] = parameters
    ledger.deepest[market] = parameters.skew_scale
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
    old: IClearingHouse.Market = ledger.market[market]
    self._require(parameters.asset == old.asset)
    self._check_market_terms(parameters, ledger.parameters)
    new: IClearingHouse.Market = parameters
    new.maintenance_rate = self._begin_ramp(
        market, old.maintenance_rate, parameters.maintenance_rate
    )
    self._check_market_terms(new, ledger.parameters)
    ledger.market[market] = new
    ledger.deepest[market] = new.skew_scale
    log IClearingHouse.MarketSet(market=market, parameters=new)


@internal
def _set_skew_scale(market: uint256, skew_scale: uint256):
    """
    @notice As the risk manager may: by a factor of two at most, and no deeper than the owner said.
    @dev Funding must be accrued up to now, as above.
    """
    old: uint256 = ledger.market[market].skew_scale
    self._require(
        skew_scale >= old - old // 2 and skew_scale <= min(2 * old, ledger.deepest[market])
    )
    ledger.market[market].skew_scale = skew_scale
    log IClearingHouse.MarketSet(market=market, parameters=ledger.market[market])


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
    ledger.collateral[collateral].haircut = haircut  # nobody holds any: no ramp
    self._add_risk_asset(token)
    self._set_collateral(collateral, haircut, cap)
    return collateral


@internal
def _set_collateral(collateral: uint256, haircut: uint256, cap: uint256):
    ledger._check_collateral(collateral)
    old: uint256 = ledger.collateral[collateral].haircut
    ledger.collateral[collateral].haircut = haircut
    ledger.collateral[collateral].cap = cap
    self._check_haircuts(ledger.parameters.liquidation_penalty)
    ledger.collateral[collateral].haircut = self._begin_ramp(
        HAIRCUT_TERM + collateral, old, haircut
    )
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
    ledger.lp_collateral = IClearingHouse.LiquidityTerms(
        manager=manager, pool=pool, haircut=haircut, cap=cap
    )
    self._check_haircuts(ledger.parameters.liquidation_penalty)
    ledger.lp_collateral.haircut = self._begin_ramp(
        LIQUIDITY_TERM, old.haircut if ledger.pledged_liquidity != 0 else haircut, haircut
    )
    self._check_haircuts(ledger.parameters.liquidation_penalty)
    log IClearingHouse.LiquidityTermsSet(parameters=ledger.lp_collateral)


@internal
def _set_parameters(parameters: IClearingHouse.Parameters):
    self._check_parameters(parameters)
    new: IClearingHouse.Parameters = parameters
    new.gross_floor = self._begin_ramp(
        FLOOR_TERM, ledger.parameters.gross_floor, parameters.gross_floor
    )
    # From the gross rule, kappa = 0, it begins at next to nothing: phi G and no less, as it was.
    new.risk_multiple = self._begin_ramp(
        RISK_TERM, max(ledger.parameters.risk_multiple, 1), parameters.risk_multiple
    )
    # Hence no way back to the gross rule, which asks for all of G, before phi has become 1.
    self._check_parameters(new)
    ledger.parameters = new
    log IClearingHouse.ParametersSet(parameters=new)


@internal
def _begin_ramp(term: uint256, current: uint256, asked: uint256) -> uint256:
    """
    @notice What a term is from now on: what was asked for where that is no stricter, or nobody holds a position; else
            what it was, and a ramp begins.
    """
    if asked <= current or ledger._is_flat():
        ledger.ramp[term] = empty(IClearingHouse.Ramp)
        return asked
    ledger.ramp[term] = IClearingHouse.Ramp(
        begin=current, end=asked, gone=0, counted_at=block.timestamp
    )
    return current


@internal
def _tighten(term: uint256) -> uint256:
    """
    @notice Bring a term along its ramp by the time since the last call, an hour at most.
    """
    ramp: IClearingHouse.Ramp = ledger.ramp[term]
    self._require(ramp.counted_at != 0)
    ramp.gone = min(
        ramp.gone + min(block.timestamp - ramp.counted_at, TERMS_STEP), TERMS_RAMP
    )
    ramp.counted_at = block.timestamp
    value: uint256 = ramp.begin + (ramp.end - ramp.begin) * ramp.gone // TERMS_RAMP
    if ramp.gone == TERMS_RAMP:
        ramp = empty(IClearingHouse.Ramp)
    ledger.ramp[term] = ramp
    if term < HAIRCUT_TERM:
        ledger.market[term].maintenance_rate = value
        log IClearingHouse.MarketSet(market=term, parameters=ledger.market[term])
    elif term < LIQUIDITY_TERM:
        collateral: uint256 = term - HAIRCUT_TERM
        ledger.collateral[collateral].haircut = value
        log IClearingHouse.CollateralSet(
            collateral=collateral, parameters=ledger.collateral[collateral]
        )
    elif term == LIQUIDITY_TERM:
        ledger.lp_collateral.haircut = value
        log IClearingHouse.LiquidityTermsSet(parameters=ledger.lp_collateral)
    else:
        if term == FLOOR_TERM:
            ledger.parameters.gross_floor = value
        else:
            ledger.parameters.risk_multiple = value
        log IClearingHouse.ParametersSet(parameters=ledger.parameters)
    # A haircut of USDC that rises must not pass those of others, which may have fallen since.
    self._check_haircuts(ledger.parameters.liquidation_penalty)
    return value


@view
@internal
def _check_parameters(parameters: IClearingHouse.Parameters):
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
        and parameters.withdrawal_gate <= MAX_GATE
        and parameters.deleveraging <= LAST_POLICY,
    )
    for market: uint256 in range(ledger.market_count, bound=MAX_MARKETS):
        self._check_market_terms(ledger.market[market], parameters)
    self._check_haircuts(parameters.liquidation_penalty)


@internal
def _post_covariance(rows: DynArray[int32[8], 8]) -> uint256:
    """
    @dev One part of the way for all rows: a factor on the straight line to the one asked for. The ramp of the last post
         is over when the next may come, so `row` is where each is.
    """
    self._require(len(rows) == ledger.risk_asset_count)
    flat: bool = ledger._is_flat()
    errors.check(
        flat or block.timestamp >= ledger.covariance_posted_at + ledger.COVARIANCE_RAMP,
        "clearing: too soon",
    )
    asked: DynArray[uint256, MAX_RISK_ASSETS] = []
    way: uint256 = portfolio_math.MILLION
    for row: int32[8] in rows:
        entries: int256[8] = empty(int256[8])
        for j: uint256 in range(8):
            entries[j] = convert(row[j], int256)
        self._require(portfolio_math.norm_up(entries) <= MAX_VOLATILITY)
        word: uint256 = portfolio_math.pack_row(entries)
        if not flat:
            before: uint256 = ledger.row[ledger.risk_asset[len(asked)]]
            way = min(way, portfolio_math.reach(before, word, STEP, LEAST_STEP))
        asked.append(word)
    i: uint256 = 0
    for word: uint256 in asked:
        asset: address = ledger.risk_asset[i]
        before: uint256 = ledger.row[asset]
        ledger.row_before[asset] = before
        ledger.row[asset] = portfolio_math.between(before, word, way, portfolio_math.MILLION)
        i += 1
    ledger.covariance_posted_at = 0 if flat else block.timestamp
    log IClearingHouse.CovariancePosted(rows=rows, way=way)
    return way


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
    # The last line: closing a unit must free more requirement than the market's own spread and the penalty cost, or
    # liquidation could not heal. Where the charged spread and the premium cost more, it closes all.
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
