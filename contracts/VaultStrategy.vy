# pragma version 0.4.3
# pragma optimize codesize
"""
@title  VaultStrategy
@license MIT
@notice The keeper functions of HedgeVault and the unwinding its exits need (contracts/SPEC.md §4.4, §4.5). It
        runs on the vault's storage by delegatecall; called directly it refuses.
@dev    Glossary: L liquidity, E equity, M maintenance requirement and B USDC balance of a margin account,
        u equity of one more USDC in it. Documented at contracts/interfaces/IHedgeVault.vyi; the vault holds the
        reentrancy lock around every call.
"""

from contracts.interfaces import IHedgeVault
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import hedge_leg
from contracts.modules import hedge_margin
from contracts.modules import pool_leg
from contracts.modules import vault_core
from contracts.modules import vault_math
from contracts.modules import vault_parameters
from contracts.modules import vault_parts

initializes: vault_core
uses: pool_leg
uses: hedge_leg
uses: hedge_margin
uses: vault_parameters


WAD: constant(uint256) = 10**18
DUST: constant(uint256) = 10**12  # USD WAD: an exposure below this is not hedged, or dust would hold a position open
UNIT_USDC: constant(uint256) = 10**6
RECENTER_INTERVAL: constant(uint256) = 3_600  # seconds between two paid recentrings, or who calls could go on
WAD_PER_RAW: constant(uint256) = WAD // UNIT_USDC
MAX_ACCOUNTS: constant(uint256) = 8
MAX_PLEDGES: constant(uint256) = 4

SELF: immutable(address)


flag Step:
    PLACE
    WITHDRAW


struct Plan:  # what happens to the liquidity, possibly within `rearrange`
    step: Step
    held: uint256        # liquidity before
    prices: vault_core.Prices
    around: vault_parts.Placement  # PLACE: the new range
    budget: uint256      # PLACE: USD WAD to invest
    fraction: uint256    # WITHDRAW: WAD


@deploy
def __init__(deployment: vault_core.Deployment):
    """
    @param deployment That of the vault to come.
    """
    vault_core.__init__(deployment)
    SELF = self


@external
@view
def deployment() -> vault_core.Deployment:
    """
    @notice What the vault must be deployed with.
    """
    return vault_core._deployment()


@internal
@view
def _delegated():
    errors.check(self != SELF, "vault: not delegated")


# --------------------------------------------------------------------------------------------- keepers


@external
def rebalance() -> uint256:
    self._delegated()
    vault_core._running()
    book: vault_core.Book = vault_core._read(True)
    exposure: uint256 = vault_core._value(
        book.position.lp_base + pool_leg.idle_base, 0, book.prices
    )
    if exposure < DUST:
        exposure = 0
    band: uint256 = fixed_point.mul_div_down(vault_parameters.values.hedge_band, book.nav, WAD)

    hedge_leg._refused = b""
    traded: uint256 = 0  # USD WAD
    touched: bool[MAX_ACCOUNTS] = empty(bool[MAX_ACCOUNTS])
    grew: bool = False
    for hedge: uint256 in range(len(hedge_leg._legs), bound=MAX_ACCOUNTS):
        leg: hedge_leg.Leg = hedge_leg._legs[hedge]
        index: uint256 = hedge_leg._index(leg)
        if index == 0:
            continue
        target: int256 = hedge_leg._target(hedge, exposure, index)
        size: int256 = hedge_leg._size(leg)
        notional: uint256 = fixed_point.mul_div_down(
            fixed_point.magnitude(target - size), index, WAD
        )
        if notional > band and hedge_leg._trade(hedge, leg, target - size, index):
            traded += notional
            touched[leg.account] = True
            grew = grew or fixed_point.magnitude(target) > fixed_point.magnitude(size)
    hedge_leg._not_all_refused(traded != 0)
    errors.check(traded != 0, "vault: within band")

    if grew:
        for i: uint256 in range(len(book.accounts), bound=MAX_ACCOUNTS):
            errors.check(
                not touched[i]
                or not hedge_margin._below(
                    hedge_leg._state(hedge_leg._accounts[i], True),
                    vault_parameters.values.deleverage_ratio,
                ),
                "vault: below margin target",
            )
    return self._reward(vault_core._to_usdc(traded, book.prices))


@external
def recenter() -> uint256:
    self._delegated()
    vault_core._running()
    book: vault_core.Book = vault_core._read(True)
    around: vault_parts.Placement = vault_parts._range_at(
        book.prices.sqrt, vault_parameters.values.range_half_width
    )
    errors.check(self._may_recenter(book, around.tick), "vault: centred")
    spot: uint256 = pool_leg._spot()
    deviation: uint256 = max(spot, book.prices.sqrt) - min(spot, book.prices.sqrt)
    errors.check(
        deviation * 2 * WAD <= vault_parameters.values.max_slippage * book.prices.sqrt,
        "vault: spot deviates",
    )

    lacking: DynArray[uint256, MAX_ACCOUNTS] = self._return_margin(book)
    plan: Plan = empty(Plan)
    plan.step = Step.PLACE
    plan.held = book.position.liquidity
    plan.prices = book.prices
    plan.around = around
    plan.budget = fixed_point.mul_div_down(vault_parameters.values.lp_allocation, book.nav, WAD)
    vault_core._keep(book.nav, book.prices.usdc)
    self._carry_out(plan, pool_leg.PLEDGED, book.position)
    for i: uint256 in range(len(lacking), bound=MAX_ACCOUNTS):
        hedge_margin._add_margin(hedge_leg._accounts[i], lacking[i])

    log IHedgeVault.Recentered(
        tick_lower=around.lower, tick_upper=around.upper, liquidity=pool_leg.liquidity
    )
    if self._recentred_lately():
        return 0
    vault_core.recentred_at = block.timestamp
    return self._reward(vault_core._to_usdc(vault_core._invested, book.prices))


@external
def top_up() -> uint256:
    self._delegated()
    book: vault_core.Book = vault_core._read(True)
    hedge_leg._refused = b""
    had: uint256 = pool_leg.idle_usdc
    vault_core._keep(book.nav, book.prices.usdc)
    below: bool = False
    for i: uint256 in range(len(book.accounts), bound=MAX_ACCOUNTS):
        if not hedge_leg._owes(book.owing, i) and hedge_margin._below(
            book.accounts[i], vault_parameters.values.top_up_ratio
        ):
            below = True
            account: hedge_leg.MarginAccount = hedge_leg._accounts[i]
            wanted: uint256 = hedge_margin._shortfall_usdc(
                account.venue, book.accounts[i], book.prices.usdc
            )
            hedge_margin._add_margin(account, fixed_point.div_up(wanted, WAD_PER_RAW))
    errors.check(below, "vault: margin sufficient")
    errors.check(had > hedge_margin._kept, "vault: no idle assets")
    hedge_leg._not_all_refused(pool_leg.idle_usdc != had)

    return self._reward(had - pool_leg.idle_usdc)


@external
def deleverage() -> uint256:
    self._delegated()
    book: vault_core.Book = vault_core._read(True)
    lowest: int256 = max_value(int256)
    worst: uint256 = 0
    for i: uint256 in range(len(book.accounts), bound=MAX_ACCOUNTS):
        owes: bool = hedge_leg._owes(book.owing, i)
        if not owes and book.accounts[i].maintenance != 0 and hedge_margin._can_reduce(i, False):
            ratio: int256 = fixed_point.mul_div_floor(
                book.accounts[i].equity, WAD, book.accounts[i].maintenance
            )
            if ratio < lowest:
                lowest = ratio
                worst = i
    errors.check(
        lowest < convert(vault_parameters.values.deleverage_ratio, int256),
        "vault: margin sufficient",
    )

    # Liquidity that backs an account that owes is not unwound for another: its fees would pay the debt.
    errors.check(
        not (book.position.pledged and hedge_leg._owes(book.owing, 0)), "vault: account insolvent"
    )

    # A fraction f of both legs: E + f V_lp = margin_target (1 - f) M. Liquidity pledged to this account is
    # in E already, but for its haircut.
    own: bool = worst == 0 and book.position.pledged
    gain: uint256 = book.lp_value
    if own:
        haircut: uint256 = (staticcall pool_leg.CLEARING.lp_collateral()).haircut
        gain = fixed_point.mul_div_down(gain, haircut, WAD)
    fraction: uint256 = min(
        WAD,
        fixed_point.mul_div_up(
            hedge_margin._shortfall(book.accounts[worst]),
            WAD,
            hedge_margin._required(book.accounts[worst]) + gain,
        ),
    )
    before: uint256 = pool_leg.idle_usdc
    given: uint256 = self._unwind(fraction, book)
    if not own:
        hedge_margin._take_margin(hedge_leg._accounts[0], given)
        vault_core._keep(book.nav, book.prices.usdc)
        hedge_margin._add_margin(hedge_leg._accounts[worst], pool_leg.idle_usdc - before)

    protected: uint256 = fixed_point.mul_div_down(book.lp_value, fraction, WAD)
    return self._reward(vault_core._to_usdc(protected, book.prices))


@internal
def _reward(protected: uint256) -> uint256:
    # `protected`: raw USDC that the call was about.
    reward: uint256 = min(
        min(vault_parameters.values.keeper_reward, pool_leg.idle_usdc),
        fixed_point.mul_div_down(vault_parameters.values.keeper_share, protected, WAD),
    )
    vault_core._pay(msg.sender, reward)
    log IHedgeVault.KeeperPaid(keeper=msg.sender, reward=reward)
    return reward


# ------------------------------------------------------------------------------------------ placing


@internal
@view
def _may_recenter(book: vault_core.Book, tick: int24) -> bool:
    if pool_leg.PLEDGED and hedge_leg._owes(book.owing, 0):
        return False  # what is placed would be pledged for a debt
    if book.position.liquidity == 0:
        return True
    centre: int24 = (pool_leg.tick_lower + pool_leg.tick_upper) // 2  # exact: both ends are as far from it
    distance: uint256 = fixed_point.magnitude(convert(tick - centre, int256))
    half_width: uint256 = convert(vault_parameters.values.range_half_width, uint256)
    # Of shares of a StableSwap, which have no range, all ticks are 0.
    if distance * WAD >= vault_parameters.values.recenter_threshold * half_width:
        return True
    if self._recentred_lately():
        return False  # what is idle still could not be placed
    reserve: uint256 = (
        WAD - vault_parameters.values.lp_allocation - vault_parameters.values.margin_allocation
    )
    return vault_core._idle_value(book.prices) > fixed_point.mul_div_down(
        2 * reserve + WAD // 100, book.nav, WAD
    )


@internal
@view
def _recentred_lately() -> bool:
    return block.timestamp < vault_core.recentred_at + RECENTER_INTERVAL


@internal
def _return_margin(book: vault_core.Book) -> DynArray[uint256, MAX_ACCOUNTS]:
    # Takes what exceeds each account's allocation; returns what each lacks that owes nothing, raw USDC.
    margin: uint256 = fixed_point.mul_div_down(
        vault_parameters.values.margin_allocation, book.nav, WAD
    )
    lacking: DynArray[uint256, MAX_ACCOUNTS] = []
    for i: uint256 in range(len(book.accounts), bound=MAX_ACCOUNTS):
        excess: int256 = book.accounts[i].value - convert(hedge_margin._allocation(i, margin), int256)
        raw: uint256 = vault_core._to_usdc(fixed_point.magnitude(excess), book.prices)
        if excess > 0:
            hedge_margin._take_margin(hedge_leg._accounts[i], raw)
            raw = 0
        lacking.append(0 if hedge_leg._owes(book.owing, i) else raw)
    return lacking


@internal
def _place(plan: Plan):
    # Mints what the budget buys, as far as idle assets go, after a swap to what a position at the spot price takes: in other
    # proportions much would stay idle and make the next placing due, and each would pay whoever pushed the price. Shares
    # stay where they are and have the rest added, for the same reason.
    prices: vault_core.Prices = plan.prices
    budget: uint256 = plan.budget
    base: uint256 = 0
    usdc: uint256 = 0
    if pool_leg.STABLE:
        base, usdc = pool_leg._amounts(prices.sqrt, plan.held)
        budget -= min(vault_core._value(base, usdc, prices), budget)
    else:
        pool_leg._burn(plan.held, plan.held)
    pool_leg._place(plan.around)
    worth: uint256 = min(
        budget, vault_core._value(pool_leg.idle_base, hedge_margin._free(), prices)
    )
    vault_core._invested = worth
    base, usdc = pool_leg._proportion()
    want: uint256 = vault_math.base_for_value(
        base,
        usdc,
        worth,
        prices.base,
        prices.usdc,
        vault_core.UNIT_BASE,
        UNIT_USDC,
    )
    if want > pool_leg.idle_base:
        cost: uint256 = vault_core._to_usdc(
            vault_core._value(want - pool_leg.idle_base, 0, prices), prices
        )
        self._swap(False, min(cost, pool_leg.idle_usdc), prices)
    else:
        self._swap(True, pool_leg.idle_base - want, prices)

    base_value: uint256 = vault_core._value(pool_leg.idle_base, 0, prices)
    usdc = vault_core._to_usdc(worth - min(worth, base_value), prices)
    # What the swap cost is not taken of what is kept.
    pool_leg._mint(pool_leg.idle_base, min(hedge_margin._free(), usdc))


@internal
def _swap(sells_base: bool, amount: uint256, prices: vault_core.Prices):
    limit: uint256 = vault_math.swap_limit(
        prices.sqrt, vault_parameters.values.max_slippage, sells_base
    )
    pool_leg._swap(sells_base, amount, limit)


# ---------------------------------------------------------------------------------------- unwinding


@external
def raise_assets(assets: uint256, limit: uint256) -> uint256:
    """
    @notice Until idle USDC covers `assets`, raw: spare margin, of which the pay of keepers stays idle too, then both
            legs in proportion, at most `limit` (WAD) of them.
    @return What unwinding for it cost the vault at the oracle's prices, raw USDC, rounded up: not the part that
            brings accounts back to the margin target.
    """
    self._delegated()
    hedge_margin._take_spare_margin(assets + vault_core._kept_at_most())
    if pool_leg.idle_usdc >= assets or limit == 0:
        return 0
    book: vault_core.Book = vault_core._read(True)
    need: uint256 = (assets - pool_leg.idle_usdc) * WAD_PER_RAW
    wanted: uint256 = need + self._short_of_target(book)
    fraction: uint256 = min(limit, self._fraction_to_raise(wanted, book))
    self._unwind(fraction, book)
    hedge_margin._take_spare_margin(assets if fraction < WAD else max_value(uint256))
    left: uint256 = vault_core._read(True).nav
    cost: uint256 = fixed_point.mul_div_up(book.nav - min(left, book.nav), need, wanted)
    return fixed_point.mul_div_up(cost, UNIT_USDC, book.prices.usdc)


@internal
@view
def _gives_way(account: uint256, owing: uint256) -> bool:
    # Whether unwinding closes what an account holds: nothing of one that owes, nor of one that Aave holds.
    return not hedge_leg._owes(owing, account) and hedge_margin._can_reduce(account, True)


@internal
@view
def _short_of_target(book: vault_core.Book) -> uint256:
    """
    @notice USDC, WAD, that accounts below their target keep out of what unwinding frees.
    """
    short: uint256 = 0
    for i: uint256 in range(len(book.accounts), bound=MAX_ACCOUNTS):
        if self._gives_way(i, book.owing):
            short += hedge_margin._shortfall_usdc(
                hedge_leg._accounts[i].venue, book.accounts[i], book.prices.usdc
            )
    return short


@internal
@view
def _fraction_to_raise(wanted: uint256, book: vault_core.Book) -> uint256:
    # `wanted`: USDC, WAD.
    legs: int256 = convert(book.lp_value, int256) + book.margin_value
    for i: uint256 in range(len(book.accounts), bound=MAX_ACCOUNTS):
        if not self._gives_way(i, book.owing):
            legs -= book.accounts[i].value
    if legs <= 0:
        return WAD
    return min(
        WAD,
        fixed_point.mul_div_up(
            fixed_point.mul_div_up(wanted, book.prices.usdc, WAD),
            WAD + vault_parameters.values.max_slippage,
            convert(legs, uint256),
        ),
    )


@internal
def _unwind(fraction: uint256, book: vault_core.Book) -> uint256:
    # Closes `fraction` of every hedge and of the liquidity, and sells the base that was in it. What pledged
    # liquidity raises stays in the account, which may need it: returns how much, raw USDC.
    hedge_leg._close(fraction, book.owing)
    plan: Plan = empty(Plan)
    plan.step = Step.WITHDRAW
    plan.held = book.position.liquidity
    plan.prices = book.prices
    plan.fraction = fraction
    vault_core._given = 0
    self._carry_out(plan, book.position.pledged, book.position)
    log IHedgeVault.Unwound(
        fraction=fraction,
        liquidity=convert(fixed_point.mul_div_down(plan.held, fraction, WAD), uint128),
    )
    return vault_core._given


# ---------------------------------------------------------------------------------- pledged liquidity


@internal
def _carry_out(plan: Plan, within: bool, position: IHedgeVault.PositionState):
    # Pledged liquidity is lent back for the length of one call, and checked once at its end.
    if not within:
        self._step(plan)
        return
    lent: DynArray[uint256, MAX_PLEDGES] = [position.token_id] if position.pledged else []
    vault_core._in_rearrange = True
    extcall pool_leg.CLEARING.rearrange(0, lent, abi_encode(plan))
    vault_core._in_rearrange = False


@external
def on_rearrange(data: Bytes[1024]) -> (DynArray[uint256, MAX_PLEDGES], uint256):
    """
    @notice The step for which the ClearingHouse lent the liquidity.
    @return (NFT to pledge again, raw USDC to deposit).
    """
    self._delegated()
    plan: Plan = abi_decode(data, Plan)
    before: uint256 = pool_leg.idle_usdc
    self._step(plan)
    given: uint256 = 0
    if plan.step == Step.WITHDRAW:
        given = pool_leg.idle_usdc - before
        pool_leg.idle_usdc = before
        vault_core._given = given
        log IHedgeVault.MarginAdded(venue=pool_leg.CLEARING.address, sub=0, raw=given)
    if pool_leg.token_id == 0:
        return [], given
    return [pool_leg.token_id], given


@internal
def _step(plan: Plan):
    if plan.step == Step.PLACE:
        self._place(plan)
        return
    burnt: uint256 = fixed_point.mul_div_down(plan.held, plan.fraction, WAD)
    received: uint256 = pool_leg._burn(plan.held, burnt)
    self._swap(True, received if plan.fraction < WAD else pool_leg.idle_base, plan.prices)
