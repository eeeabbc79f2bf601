# pragma version 0.4.3
# pragma optimize codesize
"""
@title  BackOffice
@license MIT
@notice Pledged liquidity, slices, what is paid in to stand behind the venue (contracts/SPEC.md §3.5): code of the
        ClearingHouse that runs on its storage by delegatecall and refuses to be called directly.
@dev    Functions, events and scales are documented in IClearingHouse. The ClearingHouse's reentrancy lock is held
        throughout. Its own storage is never used.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IRearranger
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import margin
from contracts.modules import pledged_liquidity

initializes: ledger
initializes: margin[ledger := ledger]
initializes: pledged_liquidity[ledger := ledger]
exports: (ledger.ORACLE, ledger.USDC_TOKEN)


WAD: constant(uint256) = fixed_point.WAD
USDC: constant(uint256) = ledger.USDC
MAX_COLLATERALS: constant(uint256) = ledger.MAX_COLLATERALS
LEAST_MOVED: constant(uint256) = 10**6  # raw units of a collateral that go with what it backs
LEAST_SLICE: constant(uint256) = 100 * WAD  # USD at entry; each slice with positions takes seats in the market's list
MAX_PLEDGES: constant(uint256) = ledger.MAX_PLEDGES


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )


# -------------------------------------------------------------------------------------- pledges, slices


@external
def pledge(sub: uint256, token_id: uint256):
    ledger._check_delegated()
    errors.check(not ledger.paused, "clearing: paused")
    pledged_liquidity._take(ledger._account(msg.sender, sub), token_id)


@external
def release(sub: uint256, token_id: uint256, to: address):
    ledger._check_delegated()
    account: uint256 = ledger._account(msg.sender, sub)
    pledged_liquidity._give(account, token_id, to)
    margin._require_release(account)


@external
def rearrange(sub: uint256, token_ids: DynArray[uint256, MAX_PLEDGES], data: Bytes[1024]):
    ledger._check_delegated()
    account: uint256 = ledger._account(msg.sender, sub)
    before: IClearingHouse.AccountState = empty(IClearingHouse.AccountState)
    exposed: bool = ledger._accrue_held(account)
    if exposed:
        before = margin._valuation(account, True).state
    pledged: uint256 = ledger.pledged_liquidity
    for token_id: uint256 in token_ids:
        pledged_liquidity._give(account, token_id, msg.sender)

    returned: DynArray[uint256, MAX_PLEDGES] = []
    raw: uint256 = 0
    returned, raw = extcall IRearranger(msg.sender).on_rearrange(data)
    for token_id: uint256 in returned:
        pledged_liquidity._take(account, token_id)
    # As `pledge`: a pause may be for what liquidity is taken to be worth.
    errors.check(
        not ledger.paused or ledger.pledged_liquidity <= pledged, "clearing: paused"
    )
    if raw != 0:
        ledger._deposit(account, USDC, raw)

    if not exposed and ledger.cash[account] >= 0:
        return
    after: IClearingHouse.AccountState = margin._valuation(account, True).state
    errors.check(
        after.initial_equity >= margin._initial(after.maintenance)
        or (exposed and self._no_worse(before, after)),
        "clearing: below initial margin",
    )


@pure
@internal
def _no_worse(
    before: IClearingHouse.AccountState, after: IClearingHouse.AccountState
) -> bool:
    """
    @notice Whether E/M has not fallen; of an account that owes more than it has, whether E has not: a larger M
            would raise the ratio of a negative E.
    """
    if before.equity < 0:
        return after.equity >= before.equity
    return (
        after.equity * convert(before.maintenance, int256)
        >= before.equity * convert(after.maintenance, int256)
    )


@external
def transfer_slice(sub: uint256, fraction: uint256, to: address):
    ledger._check_delegated()
    errors.check(fraction != 0 and fraction <= WAD, "clearing: zero size")
    errors.check(ledger.slice_consent[to][msg.sender], "clearing: no consent")
    giver: uint256 = ledger._account(msg.sender, sub)
    taker: uint256 = ledger._account(to, sub)
    errors.check(
        giver != taker
        and ledger.cash[taker] >= 0
        and len(ledger._open_markets(taker)) == 0
        and len(ledger.pledges[taker]) == 0,
        "clearing: account in use",
    )
    markets: DynArray[uint256, ledger.MAX_MARKETS] = ledger._open_markets(giver)
    worth: uint256 = 0
    displaced: bool = False
    for market: uint256 in markets:
        old: IClearingHouse.Position = ledger.position[giver][market]
        moved: IClearingHouse.Position = old
        moved.size = self._part(old.size, fraction)
        moved.cost = self._part(old.cost, fraction)
        worth += fixed_point.magnitude(moved.cost)
        if moved.size == 0:
            continue
        if moved.size == old.size:
            old = empty(IClearingHouse.Position)
        else:
            # Before anything moves: the skew is what it was, and who gives is too large to be displaced for a part of it.
            if ledger._is_full(market):
                had: int256 = ledger.cash[taker]
                self._take_seat(taker, market, fixed_point.magnitude(moved.size))
                ledger._note_debt(taker, market, moved.size, had)
                displaced = True
            old.size -= moved.size
            old.cost -= moved.cost
        ledger._set_position(giver, market, old)
        ledger._set_position(taker, market, moved)
    errors.check(
        len(markets) == 0 or fraction == WAD or worth >= LEAST_SLICE, "clearing: zero size"
    )
    cash: int256 = fixed_point.mul_div_floor(ledger.cash[giver], fraction, WAD)
    if cash < 0:
        self._pass_blame(giver, taker, fixed_point.magnitude(cash))
    ledger.cash[giver] -= cash
    ledger.cash[taker] += cash
    ledger.emptied.append(taker)
    free: bool = cash >= 0 and len(markets) == 0
    for i: uint256 in range(1, ledger.collateral_count, bound=MAX_COLLATERALS):
        held: uint256 = ledger.collateral_balance[giver][i]
        if held != 0:
            raw: uint256 = fixed_point.mul_div_down(held, fraction, WAD)
            # What rounding holds back of a coarse token could be worth the debt or the loss that goes. Of a fine one
            # it is dust, and must not stop a slice: anyone may put dust into any account.
            errors.check(
                free
                or raw == held
                or raw >= LEAST_MOVED
                or ledger.collateral[i].unit >= LEAST_MOVED,
                "clearing: zero size",
            )
            ledger.collateral_balance[giver][i] = held - raw
            ledger.collateral_balance[taker][i] += raw
    token_ids: DynArray[uint256, ledger.MAX_PLEDGES] = ledger.pledges[giver]
    for token_id: uint256 in token_ids:
        liquidity: uint256 = fixed_point.mul_div_down(
            ledger.pledge_terms[token_id].liquidity, fraction, WAD
        )
        if liquidity != 0:
            base: uint256 = 0
            usdc: uint256 = 0
            base, usdc = pledged_liquidity._burn(giver, token_id, liquidity, fraction)
            ledger._credit(taker, ledger.lp_base, base)
            ledger._credit(taker, USDC, usdc)
    if displaced:
        # What was owed for the seat must not be more than the slice is worth.
        value: int256 = margin._valuation(taker, False).state.value
        errors.check(value >= 0, "clearing: too many accounts")
    log IClearingHouse.SliceTransferred(from_account=giver, to_account=taker, fraction=fraction)


@internal
def _pass_blame(giver: uint256, taker: uint256, debt: uint256):
    """
    @notice Who is blamed for a debt goes with it, each part rounded up; what a seat has cost the taker is blamed beside it.
    """
    total: uint256 = max(ledger._blamed(giver), 1)
    for i: uint256 in range(2 * ledger.market_count, bound=2 * ledger.MAX_MARKETS):
        own: uint256 = 0
        if ledger.cash[taker] < 0:
            own = ledger.blamed[taker][i]
        ledger.blamed[taker][i] = own + fixed_point.mul_div_up(
            ledger.blamed[giver][i], debt, total
        )


@internal
def _take_seat(account: uint256, market: uint256, size: uint256):
    """
    @notice The code of Trading on this storage: somebody smaller leaves his seat, or the slice is refused.
    """
    raw_call(
        (staticcall IClearingHouse(self).parts()).trading,
        abi_encode(
            account, market, size, method_id=method_id("take_seat(uint256,uint256,uint256)")
        ),
        is_delegate_call=True,
    )


@pure
@internal
def _part(x: int256, fraction: uint256) -> int256:
    """
    @notice x fraction, rounded toward zero.
    """
    if x < 0:
        return fixed_point.mul_div_ceil(x, fraction, WAD)
    return fixed_point.mul_div_floor(x, fraction, WAD)


# --------------------------------------------------------------------------------- behind the venue


@external
def fund_maker(market: uint256, raw: uint256):
    ledger._check_delegated()
    ledger._check_market(market)
    ledger.maker_cash[market] += convert(raw * ledger.CASH_UNIT, int256)
    log IClearingHouse.MakerFunded(market=market, payer=msg.sender, raw=raw)
    ledger._pull(USDC, raw)


@external
def fund_insurance(raw: uint256):
    ledger._check_delegated()
    ledger.insurance_fund += raw * ledger.CASH_UNIT
    log IClearingHouse.InsuranceFunded(payer=msg.sender, raw=raw)
    ledger._pull(USDC, raw)
