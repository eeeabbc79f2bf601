# pragma version 0.4.3
# pragma optimize codesize
"""
@title  ClearingHouse
@license MIT
@notice Cross-margined perpetual futures against the venue's maker account (contracts/SPEC.md §3): accounts, views.
@dev    Functions, events and scales are documented in IClearingHouse. The rest is the code of parts, run here by
        delegatecall under this contract's lock: Trading, LiquidationEngine
        (and its Deleveraging), CollateralSale, BackOffice, Governance, Settlement and StorageReader.
        Every operation validates, accrues, computes, mutates, asserts, logs, and moves tokens last.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import basket
from contracts.modules import errors
from contracts.modules import ledger
from contracts.modules import maker
from contracts.modules import margin
from contracts.modules import portfolio_math
from contracts.modules import pricing
from contracts.modules import risk_engine
from contracts.modules import roles
from contracts.modules import venue

implements: IClearingHouse
initializes: ledger
initializes: maker[ledger := ledger]
initializes: margin[ledger := ledger]
initializes: basket[ledger := ledger]
initializes: pricing[ledger := ledger]
initializes: risk_engine[ledger := ledger, maker := maker, margin := margin, basket := basket]
initializes: venue[ledger := ledger]
uses: roles
exports: roles.__interface__
exports: (
    ledger.CASH_UNIT,
    ledger.market_count,
    ledger.market,
    ledger.collateral_count,
    ledger.collateral,
    ledger.parameters,
    ledger.lp_collateral,
    ledger.risk_asset_count,
    ledger.risk_asset,
    ledger.paused,
    ledger.ramp,
    ledger.deepest,
    ledger.covariance_posted_at,
    ledger.long_interest,
    ledger.premium_pool,
    ledger.unpaid_premium,
    ledger.opening_skew,
    ledger.liquidated,
    ledger.insurance_drawn,
    ledger.maker_drawn,
    ledger.cash,
    ledger.collateral_balance,
    ledger.position,
    ledger.slice_consent,
    ledger.pledge_terms,
    ledger.pledged_liquidity,
    ledger.collateral_held,
    ledger.maker_cash,
    ledger.insurance_fund,
    ledger.bad_debt,
    ledger.gate_until,
)


interface House:
    def words_at(slots: DynArray[bytes32, 64]) -> DynArray[bytes32, 64]: view


interface Part:
    def ORACLE() -> address: view
    def USDC_TOKEN() -> address: view


USDC: constant(uint256) = ledger.USDC

PARTS: immutable(IClearingHouse.Parts)


@deploy
def __init__(
    owner: address,
    oracle: address,
    usdc: address,
    haircut: uint256,
    cap: uint256,
    parameters: IClearingHouse.Parameters,
    parts: IClearingHouse.Parts,
):
    """
    @param haircut Of USDC, fraction WAD.
    @param cap Of USDC, raw.
    @param parts Each deployed with the same oracle and USDC.
    """
    ledger.__init__(
        owner, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )
    for part: address in [
        parts.trading,
        parts.liquidation,
        parts.deleveraging,
        parts.sale,
        parts.office,
        parts.governance,
        parts.settlement,
        parts.reader,
    ]:
        assert (
            staticcall Part(part).ORACLE() == oracle and staticcall Part(part).USDC_TOKEN() == usdc
        ), "clearing: bad parameter"
    PARTS = parts
    venue._set_parameters(parameters)
    venue._add_collateral(usdc, haircut, cap)


# ------------------------------------------------------------------------------------------ collateral


@external
@nonreentrant
def deposit(owner: address, sub: uint256, collateral: uint256, raw: uint256):
    ledger._deposit(ledger._account(owner, sub), collateral, raw)


@external
@nonreentrant
def withdraw(sub: uint256, collateral: uint256, raw: uint256, to: address):
    account: uint256 = ledger._account(msg.sender, sub)
    ledger._check_collateral(collateral)
    ledger._debit(account, collateral, raw)
    margin._require_release(account)
    risk_engine._check_health()
    log IClearingHouse.Withdrawn(account=account, collateral=collateral, receiver=to, raw=raw)
    ledger._push(collateral, raw, to)


@external
@nonreentrant
def transfer_margin(from_sub: uint256, to_sub: uint256, raw: uint256):
    from_account: uint256 = ledger._account(msg.sender, from_sub)
    to_account: uint256 = ledger._account(msg.sender, to_sub)
    ledger._debit(from_account, USDC, raw)
    ledger._credit(to_account, USDC, raw)
    margin._require_release(from_account)
    risk_engine._check_health()
    log IClearingHouse.MarginTransferred(from_account=from_account, to_account=to_account, raw=raw)


# ------------------------------------------------------------------------------------ code of the parts


@external
@nonreentrant
def trade(sub: uint256, market: uint256, size: int256, limit_price: uint256) -> (uint256, uint256):
    return abi_decode(self._run(PARTS.trading), (uint256, uint256))


@external
@nonreentrant
def liquidate(account: uint256, market: uint256) -> (uint256, uint256):
    return abi_decode(self._run(PARTS.liquidation), (uint256, uint256))


@external
@nonreentrant
def liquidate_collateral(account: uint256, collateral: uint256, raw: uint256) -> (uint256, uint256):
    return abi_decode(self._run(PARTS.sale), (uint256, uint256))


@external
@nonreentrant
def liquidate_pledge(account: uint256, token_id: uint256) -> (uint256, uint256):
    return abi_decode(self._run(PARTS.sale), (uint256, uint256))


@external
@nonreentrant
def pledge(sub: uint256, token_id: uint256):
    self._run(PARTS.office)


@external
@nonreentrant
def release(sub: uint256, token_id: uint256, to: address):
    self._run(PARTS.office)


@external
@nonreentrant
def rearrange(sub: uint256, token_ids: DynArray[uint256, 4], data: Bytes[1024]):
    self._run(PARTS.office)


@external
@nonreentrant
def transfer_slice(sub: uint256, fraction: uint256, to: address):
    self._run(PARTS.office)


@external
@nonreentrant
def fund_maker(market: uint256, raw: uint256):
    self._run(PARTS.office)


@external
@nonreentrant
def fund_insurance(raw: uint256):
    self._run(PARTS.office)


@external
@nonreentrant
def pause():
    self._run(PARTS.governance)


@external
@nonreentrant
def unpause():
    self._run(PARTS.governance)


@external
@nonreentrant
def withdraw_maker(market: uint256, raw: uint256, to: address):
    self._run(PARTS.governance)


@external
@nonreentrant
def add_market(parameters: IClearingHouse.Market) -> uint256:
    return self._run_word(PARTS.governance)


@external
@nonreentrant
def set_market(market: uint256, parameters: IClearingHouse.Market):
    self._run(PARTS.governance)


@external
@nonreentrant
def set_skew_scale(market: uint256, skew_scale: uint256):
    self._run(PARTS.governance)


@external
@nonreentrant
def add_collateral(token: address, haircut: uint256, cap: uint256) -> uint256:
    return self._run_word(PARTS.governance)


@external
@nonreentrant
def set_collateral(collateral: uint256, haircut: uint256, cap: uint256):
    self._run(PARTS.governance)


@external
@nonreentrant
def set_lp_collateral(manager: address, pool: address, haircut: uint256, cap: uint256):
    self._run(PARTS.governance)


@external
@nonreentrant
def set_parameters(parameters: IClearingHouse.Parameters):
    self._run(PARTS.governance)


@external
@nonreentrant
def tighten(term: uint256) -> uint256:
    return self._run_word(PARTS.governance)


@external
@nonreentrant
def post_covariance(rows: DynArray[int32[8], 8]) -> uint256:
    return self._run_word(PARTS.governance)


@external
@nonreentrant
def wind_down(market: uint256):
    self._run(PARTS.settlement)


@external
@nonreentrant
def settle_market(market: uint256) -> uint256:
    return self._run_word(PARTS.settlement)


@external
@nonreentrant
def settle_position(account: uint256, market: uint256) -> int256:
    return convert(slice(self._run(PARTS.settlement), 0, 32), int256)


@external
def words_at(slots: DynArray[bytes32, 64]) -> DynArray[bytes32, 64]:
    """
    @notice What `extSloads` asks: a delegatecall is not for a view.
    """
    self._only_self()
    answer: Bytes[64 + 32 * 64] = raw_call(
        PARTS.reader, msg.data, max_outsize=64 + 32 * 64, is_delegate_call=True
    )
    return abi_decode(answer, DynArray[bytes32, 64])


@internal
def _run_word(code: address) -> uint256:
    return convert(slice(self._run(code), 0, 32), uint256)


@view
@internal
def _only_self():
    errors.check(msg.sender == self, "clearing: delegatecall only")


@internal
def _run(code: address) -> Bytes[64]:
    """
    @notice Run the same call on this storage with the code of another contract, then write off what those left with
            nothing owe, then the one check of health; a revert reason is passed on.
    """
    answer: Bytes[64] = raw_call(code, msg.data, max_outsize=64, is_delegate_call=True)
    self._write_off_emptied()
    risk_engine._check_health()
    return answer


@internal
def _write_off_emptied():
    """
    @notice Whom the operation has left with nothing owes nothing, whichever it was and whosever the account.
    """
    for account: uint256 in ledger.emptied:
        if ledger.cash[account] < 0:
            raw_call(
                PARTS.deleveraging,
                abi_encode(account, method_id=method_id("write_off(uint256)")),
                is_delegate_call=True,
            )
    ledger.emptied = []


# ----------------------------------------------------------------------------------------------- switches


@external
@nonreentrant
def set_slice_consent(giver: address, allowed: bool):
    ledger.slice_consent[msg.sender][giver] = allowed
    log IClearingHouse.SliceConsentSet(receiver=msg.sender, giver=giver, allowed=allowed)


# ----------------------------------------------------------------------------------------------- views


@view
@external
def oracle() -> address:
    return ledger.ORACLE.address


@view
@external
def parts() -> IClearingHouse.Parts:
    return PARTS


@view
@external
def valuation(account: uint256, fresh: bool, risk: bool) -> margin.Valuation:
    """
    @notice What the code of the parts asks, in the middle of an operation; of nobody else's business then.
    """
    self._only_self()
    return risk_engine._valuation(account, fresh, risk)


@view
@external
@nonreentrant
def extSloads(slots: DynArray[bytes32, 64]) -> DynArray[bytes32, 64]:
    return staticcall House(self).words_at(slots)


@view
@external
@nonreentrant
def account_state(account: uint256) -> IClearingHouse.AccountState:
    return risk_engine._valuation(account, True, True).state


@view
@external
@nonreentrant
def last_account_state(account: uint256) -> IClearingHouse.AccountState:
    return risk_engine._valuation(account, False, True).state


@view
@external
@nonreentrant
def withdrawable(account: uint256, minimum_ratio: uint256) -> uint256:
    return risk_engine._withdrawable(account, minimum_ratio) // ledger.CASH_UNIT


@view
@external
def market_state(market: uint256) -> IClearingHouse.MarketState:
    return ledger._market_state(market, ledger._index(market, True))


@view
@external
def last_market_state(market: uint256) -> IClearingHouse.MarketState:
    return ledger._market_state(market, ledger._index(market, False))


@view
@external
def settlement(market: uint256) -> IClearingHouse.Settlement:
    word: uint256 = ledger.settlement[market]
    return IClearingHouse.Settlement(
        price=word >> ledger.SETTLED_SHIFT,
        at=word & ledger.SETTLED_TIME,
        closed=word & ledger.SETTLED_CLOSED != 0,
        shortfall=ledger.shortfall[market],
    )


@view
@external
def loss_long(market: uint256) -> uint256:
    return self._loss(market, True)


@view
@external
def loss_short(market: uint256) -> uint256:
    return self._loss(market, False)


@view
@internal
def _loss(market: uint256, long: bool) -> uint256:
    index: uint256 = ledger._index(market, False)
    stored: uint256 = ledger.loss_long[market] if long else ledger.loss_short[market]
    return stored + maker._unpaid(market, long, ledger._market_state(market, index), index)


@view
@external
def mark_price(market: uint256) -> uint256:
    return self._mark_price(market, True)


@view
@external
def last_mark_price(market: uint256) -> uint256:
    return self._mark_price(market, False)


@view
@internal
def _mark_price(market: uint256, fresh: bool) -> uint256:
    return pricing._mark_price(market, ledger._index(market, fresh))


@view
@external
def pledges(account: uint256) -> DynArray[uint256, 4]:
    return ledger.pledges[account]


@view
@external
def pledge_of(token_id: uint256) -> uint256:
    return ledger.pledge_terms[token_id].account


@view
@external
def factor(index: uint256) -> int32[8]:
    word: uint256 = ledger._row(ledger.risk_asset[index])
    entries: int256[8] = portfolio_math.unpack_row(word)
    row: int32[8] = empty(int32[8])
    for j: uint256 in range(8):
        row[j] = convert(entries[j], int32)
    return row


@view
@external
def holders(market: uint256) -> DynArray[uint256, 64]:
    return ledger._holders(market)
