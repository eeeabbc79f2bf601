# pragma version 0.4.3
# pragma optimize gas
"""
@title  Lens
@license MIT
@notice Every state variable of the vault, the clearing house and the pool in one static call
        (contracts/SPEC.md §5). Never reverts on a stale price: whatever needs one uses the last.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC4626

from contracts.interfaces import IAavePool
from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVault
from contracts.interfaces import IHedgeVenue
from contracts.interfaces import INonfungiblePositionManager
from contracts.interfaces import IStableSwap
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import liquidity_math


MAX_ACCOUNTS: constant(uint256) = 80
MAX_WALLETS: constant(uint256) = 80
MAX_MARKETS: constant(uint256) = 8
MAX_COLLATERALS: constant(uint256) = 8

HEADER_WORDS: public(constant(uint256)) = 21
MARKET_WORDS: public(constant(uint256)) = 13
ACCOUNT_WORDS: public(constant(uint256)) = 4  # and one per collateral >= 1, four per market
WALLET_WORDS: public(constant(uint256)) = 3

MAX_LEGS: constant(uint256) = 8
MAX_LENDING_WORDS: constant(uint256) = 667  # 3 + 8 * 3 + 80 * 8
MAX_WORDS: constant(uint256) = 3805  # 21 + 8 * 13 + 80 * (4 + 7 + 8 * 4) + 80 * 3


MAX_HELD: constant(uint256) = 8  # positions that are shown of one wallet
POSITION_WORDS: constant(uint256) = 5
MAX_POSITION_WORDS: constant(uint256) = 3200  # 80 * 8 * 5

STABLE_WORDS: constant(uint256) = 2

MAX_LISTINGS: constant(uint256) = 8
MAX_BORROWERS: constant(uint256) = 64
MAX_BORROWER_WORDS: constant(uint256) = 2448  # 8 * 2 + 64 * (4 + 8 * 3) + 80 * 8
WAD: constant(uint256) = 10**18
MAX_HEALTH: constant(uint256) = 10**6 * WAD  # what a health factor is shown as at most


struct Listing:
    asset: address       # of a lending market
    a_token: address     # what is supplied
    debt_token: address  # what is owed, at the variable rate


struct LoanLeg:
    asset: address        # hedge asset, in the order of the venue's markets
    pool: IUniswapV3Pool  # where it is sold for USDC: its token 0
    a_token: address      # of Aave, which holds what can still be borrowed


@external
@view
def observe(
    vault: IHedgeVault,
    clearing: IClearingHouse,
    pool: IUniswapV3Pool,
    oracle: address,
    accounts: DynArray[uint256, MAX_ACCOUNTS],
    wallets: DynArray[address, MAX_WALLETS],
) -> DynArray[int256, MAX_WORDS]:
    """
    @notice The state as a flat sequence of signed 256-bit words. The ABI puts two words before them
            (offset 32, count), so word i is return_data[64 + 32 i : 96 + 32 i], big-endian.
            Which is which is the table of contracts/SPEC.md §5: a header; the words of each market; of each
            account its own, those of each collateral >= 1, those of its position in each market; those of
            each wallet.
    @param accounts Margin accounts, owner << 8 | sub.
    """
    words: DynArray[int256, MAX_WORDS] = []
    market_count: uint256 = staticcall clearing.market_count()
    collateral_count: uint256 = staticcall clearing.collateral_count()
    position: IHedgeVault.PositionState = staticcall vault.position_state()

    words.append(convert(market_count, int256))
    words.append(convert(collateral_count, int256))
    stable: IStableSwap = IStableSwap(pool.address)
    if staticcall vault.STABLE():
        words.append(convert(staticcall stable.sqrt_price(), int256))
        words.append(convert(staticcall stable.totalSupply(), int256))
    else:
        words.append(convert((staticcall pool.slot0()).sqrt_price, int256))
        words.append(convert(staticcall pool.liquidity(), int256))
    words.append(convert(staticcall clearing.insurance_fund(), int256))
    words.append(convert(staticcall clearing.bad_debt(), int256))
    words.append(convert(staticcall vault.last_nav(), int256))
    words.append(convert(staticcall IERC20(vault.address).totalSupply(), int256))
    words.append(convert(staticcall vault.idle_usdc(), int256))
    words.append(convert(staticcall vault.idle_base(), int256))
    words.append(convert(position.liquidity, int256))
    words.append(position.tick_lower)
    words.append(position.tick_upper)
    words.append(convert(position.lp_base, int256))
    words.append(convert(position.lp_usdc, int256))
    words.append(convert(position.fees_base, int256))
    words.append(convert(position.fees_usdc, int256))
    words.append(convert(staticcall vault.betas_posted_at(), int256))
    words.append(convert(self._fee_shares(vault), int256))
    words.append(convert(staticcall vault.queued_shares(), int256))
    words.append(convert(staticcall vault.high_water_mark(), int256))

    for market: uint256 in range(market_count, bound=MAX_MARKETS):
        state: IClearingHouse.MarketState = staticcall clearing.last_market_state(market)
        words.append(state.skew)
        words.append(convert((staticcall clearing.market(market)).skew_scale, int256))
        words.append(state.funding_rate)
        words.append(state.funding_index)
        words.append(staticcall vault.beta(market))
        words.append(convert(staticcall clearing.long_interest(market), int256))
        words.append(convert(staticcall clearing.loss_long(market), int256))
        words.append(convert(staticcall clearing.loss_short(market), int256))
        words.append(convert(staticcall clearing.insurance_drawn(market), int256))
        words.append(convert(staticcall clearing.maker_drawn(market), int256))
        words.append(convert(staticcall clearing.premium_pool(market), int256))
        words.append(staticcall clearing.maker_cash(market))
        words.append(convert(staticcall clearing.unpaid_premium(market), int256))

    for account: uint256 in accounts:
        state: IClearingHouse.AccountState = staticcall clearing.last_account_state(account)
        words.append(staticcall clearing.cash(account))
        words.append(state.value)
        words.append(state.equity)
        words.append(convert(state.maintenance, int256))
        for collateral: uint256 in range(1, collateral_count, bound=MAX_COLLATERALS):
            words.append(convert(staticcall clearing.collateral_balance(account, collateral), int256))
        for market: uint256 in range(market_count, bound=MAX_MARKETS):
            held: IClearingHouse.Position = staticcall clearing.position(account, market)
            words.append(held.size)
            words.append(held.cost)
            words.append(held.funding_index)
            words.append(convert(held.loss_index, int256))

    usdc: IERC20 = IERC20(staticcall IERC4626(vault.address).asset())
    base: IERC20 = IERC20(staticcall vault.BASE())
    for wallet: address in wallets:
        words.append(convert(staticcall usdc.balanceOf(wallet), int256))
        words.append(convert(staticcall base.balanceOf(wallet), int256))
        words.append(convert(staticcall IERC20(vault.address).balanceOf(wallet), int256))
    return words


@external
@view
def observe_stable(pool: IStableSwap) -> DynArray[int256, STABLE_WORDS]:
    """
    @notice What a StableSwap of two coins has counted of each, in the same form.
    """
    return [
        convert(staticcall pool.balances(0), int256), convert(staticcall pool.balances(1), int256)
    ]


@external
@view
def observe_lending(
    venue: IHedgeVenue,
    account: uint256,
    legs: DynArray[LoanLeg, MAX_LEGS],
    wallets: DynArray[address, MAX_WALLETS],
) -> DynArray[int256, MAX_LENDING_WORDS]:
    """
    @notice The vault's hedge on Aave in the same form: a header, the words of each leg, those of each wallet and leg.
    @param account The venue's one account, its vault << 8.
    """
    words: DynArray[int256, MAX_LENDING_WORDS] = []
    state: IHedgeVenue.AccountState = staticcall venue.last_account_state(account)
    words.append(staticcall venue.cash(account))
    words.append(state.equity)
    words.append(convert(state.maintenance, int256))
    for leg: uint256 in range(len(legs), bound=MAX_LEGS):
        asset: IERC20 = IERC20(legs[leg].asset)
        words.append((staticcall venue.position(account, leg)).size)
        words.append(convert(staticcall asset.balanceOf(legs[leg].a_token), int256))
        words.append(convert((staticcall legs[leg].pool.slot0()).sqrt_price, int256))
    for wallet: address in wallets:
        for leg: LoanLeg in legs:
            words.append(convert(staticcall IERC20(leg.asset).balanceOf(wallet), int256))
    return words


@external
@view
def observe_borrowers(
    pool: IAavePool,
    borrowers: DynArray[address, MAX_BORROWERS],
    listings: DynArray[Listing, MAX_LISTINGS],
    others: DynArray[IERC20, MAX_LISTINGS],
    wallets: DynArray[address, MAX_WALLETS],
) -> DynArray[int256, MAX_BORROWER_WORDS]:
    """
    @notice A lending market in the same form: the words of each listing, of each borrower, of each borrower and
            listing, and of each wallet what it has of each of the other tokens.
    """
    words: DynArray[int256, MAX_BORROWER_WORDS] = []
    ids: DynArray[uint256, MAX_LISTINGS] = []
    for listing: Listing in listings:
        held: uint256 = staticcall IERC20(listing.asset).balanceOf(listing.a_token)
        words.append(convert(held, int256))
        words.append(convert(staticcall IERC20(listing.debt_token).totalSupply(), int256))
        ids.append(convert((staticcall pool.getReserveData(listing.asset)).id, uint256))
    for borrower: address in borrowers:
        account: IAavePool.UserAccountData = staticcall pool.getUserAccountData(borrower)
        words.append(convert(account.collateral, int256))
        words.append(convert(account.debt, int256))
        words.append(convert(min(account.health, MAX_HEALTH), int256))
        words.append(convert(account.debt - min(account.debt, account.collateral), int256))
    for borrower: address in borrowers:
        flags: uint256 = staticcall pool.getUserConfiguration(borrower)
        for i: uint256 in range(len(listings), bound=MAX_LISTINGS):
            words.append(convert(staticcall IERC20(listings[i].a_token).balanceOf(borrower), int256))
            words.append(convert(staticcall IERC20(listings[i].debt_token).balanceOf(borrower), int256))
            words.append(convert((flags >> (2 * ids[i] + 1)) & 1, int256))
    for wallet: address in wallets:
        for token: IERC20 in others:
            words.append(convert(staticcall token.balanceOf(wallet), int256))
    return words


@external
@view
def observe_positions(
    manager: INonfungiblePositionManager,
    pool: IUniswapV3Pool,
    wallets: DynArray[address, MAX_WALLETS],
    rooms: DynArray[uint256, MAX_WALLETS],
) -> DynArray[int256, MAX_POSITION_WORDS]:
    """
    @notice Wallets' positions at the manager in the same form: the words of each, in the order the manager lists
            them, zeros where a wallet holds fewer than it has room for here. All must be of `pool`.
    @param rooms How many are shown of each wallet.
    """
    words: DynArray[int256, MAX_POSITION_WORDS] = []
    tick: int24 = (staticcall pool.slot0()).tick
    growth0: uint256 = staticcall pool.feeGrowthGlobal0X128()
    growth1: uint256 = staticcall pool.feeGrowthGlobal1X128()
    for i: uint256 in range(len(wallets), bound=MAX_WALLETS):
        held: uint256 = 0
        if rooms[i] != 0:
            held = staticcall manager.balanceOf(wallets[i])
        for k: uint256 in range(rooms[i], bound=MAX_HELD):
            if k >= held:
                for _: uint256 in range(POSITION_WORDS):
                    words.append(0)
                continue
            token_id: uint256 = staticcall manager.tokenOfOwnerByIndex(wallets[i], k)
            at: INonfungiblePositionManager.Position = staticcall manager.positions(token_id)
            liquidity: uint256 = convert(at.liquidity, uint256)
            below: IUniswapV3Pool.Tick = staticcall pool.ticks(at.tick_lower)
            above: IUniswapV3Pool.Tick = staticcall pool.ticks(at.tick_upper)
            inside0: uint256 = liquidity_math.fee_growth_inside(
                tick, at.tick_lower, at.tick_upper, growth0, below.fee_growth_outside0, above.fee_growth_outside0
            )
            inside1: uint256 = liquidity_math.fee_growth_inside(
                tick, at.tick_lower, at.tick_upper, growth1, below.fee_growth_outside1, above.fee_growth_outside1
            )
            words.append(convert(liquidity, int256))
            words.append(convert(at.tick_lower, int256))
            words.append(convert(at.tick_upper, int256))
            words.append(convert(liquidity_math.fees_owed_down(
                liquidity, inside0, at.fee_growth_inside0_last, convert(at.tokens_owed0, uint256)
            ), int256))
            words.append(convert(liquidity_math.fees_owed_down(
                liquidity, inside1, at.fee_growth_inside1_last, convert(at.tokens_owed1, uint256)
            ), int256))
    return words


@internal
@view
def _fee_shares(vault: IHedgeVault) -> uint256:
    receiver: address = staticcall vault.fee_receiver()
    if receiver == empty(address):
        return 0
    return staticcall IERC20(vault.address).balanceOf(receiver)
