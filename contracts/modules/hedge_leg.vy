# pragma version 0.4.3
"""
@title  Hedge leg
@license MIT
@notice The vault's hedges and the margin accounts behind them: betas, target positions, trades and margin
        (contracts/SPEC.md §4.5, §4.7).
@dev    E equity and M maintenance requirement of an account, USD WAD. At the ClearingHouse `sub` 0 is the cross
        account, and an isolated vault has one account per market, sub market + 1. Any other venue has sub 0.
"""

from contracts.interfaces import IHedgeVault
from contracts.interfaces import IHedgeVenue
from contracts.interfaces import IPriceOracle

from . import errors
from . import fixed_point
from . import pool_leg
from . import refusals
from . import roles
from . import vault_math
from . import vault_parameters

uses: pool_leg
uses: roles
uses: vault_parameters


WAD: constant(uint256) = 10**18
WAD_PER_RAW: constant(uint256) = 10**12
MAX_HEDGES: constant(uint256) = 8

ORACLE: public(immutable(IPriceOracle))
ISOLATED: public(immutable(bool))


interface Ending:  # the first word of the answer only: the price
    def settlement(market: uint256) -> uint256: view


struct Leg:
    venue: IHedgeVenue
    market: uint256
    asset: address    # oracle feed of the market
    account: uint256  # index in _accounts


struct MarginAccount:
    venue: IHedgeVenue
    sub: uint256


beta: public(HashMap[uint256, int256])
betas_posted_at: public(uint256)
_legs: DynArray[Leg, MAX_HEDGES]
_accounts: DynArray[MarginAccount, MAX_HEDGES]
_refused: transient(Bytes[132])  # revert data of what a venue refused last


@deploy
def __init__(oracle: IPriceOracle, isolated: bool):
    ORACLE = oracle
    ISOLATED = isolated


@internal
def _set_up(hedges: DynArray[IHedgeVault.Hedge, MAX_HEDGES]):
    """
    @notice Open the margin accounts: those at the ClearingHouse first, then one at every other venue.
    """
    clearing: IHedgeVenue = IHedgeVenue(pool_leg.CLEARING.address)
    cross: bool = pool_leg.PLEDGED or len(hedges) == 0
    for hedge: IHedgeVault.Hedge in hedges:
        cross = cross or (hedge.venue == clearing.address and not ISOLATED)
    if cross:
        self._open(clearing, 0)
    for hedge: IHedgeVault.Hedge in hedges:
        if hedge.venue == clearing.address and ISOLATED:
            self._open(clearing, hedge.market + 1)
    for hedge: IHedgeVault.Hedge in hedges:
        if self._account_of(hedge) == MAX_HEDGES:
            self._open(IHedgeVenue(hedge.venue), 0)

    for hedge: IHedgeVault.Hedge in hedges:
        venue: IHedgeVenue = IHedgeVenue(hedge.venue)
        assert hedge.market < staticcall venue.market_count(), "vault: no such market"
        for leg: Leg in self._legs:
            assert leg.venue != venue or leg.market < hedge.market, "vault: markets not ascending"
        self._legs.append(
            Leg(
                venue=venue,
                market=hedge.market,
                asset=(staticcall venue.market(hedge.market)).asset,
                account=self._account_of(hedge),
            )
        )


@internal
def _open(venue: IHedgeVenue, sub: uint256):
    assert staticcall venue.oracle() == ORACLE.address, "vault: another oracle"
    pool_leg._approve(pool_leg.USDC, venue.address)
    self._accounts.append(MarginAccount(venue=venue, sub=sub))


@internal
@view
def _account_of(hedge: IHedgeVault.Hedge) -> uint256:
    # Index of the account a hedge is held in; MAX_HEDGES when it is not open yet.
    sub: uint256 = 0
    if ISOLATED and hedge.venue == pool_leg.CLEARING.address:
        sub = hedge.market + 1
    for i: uint256 in range(len(self._accounts), bound=MAX_HEDGES):
        if self._accounts[i].venue.address == hedge.venue and self._accounts[i].sub == sub:
            return i
    return MAX_HEDGES


@external
@view
def hedges() -> DynArray[IHedgeVault.Hedge, MAX_HEDGES]:
    """
    @notice Where the vault hedges.
    """
    hedges: DynArray[IHedgeVault.Hedge, MAX_HEDGES] = []
    for leg: Leg in self._legs:
        hedges.append(IHedgeVault.Hedge(venue=leg.venue.address, market=leg.market))
    return hedges


@external
@nonreentrant
def post_betas(betas: DynArray[int256, MAX_HEDGES]):
    """
    @notice Set the hedge ratios, WAD, USD short per USD of exposure, in the order of `hedges`. Risk manager.
    @dev Reverts with "vault: beta out of bounds" or "vault: beta change too fast".
    """
    roles._only_risk_manager()
    errors.check(len(betas) == len(self._legs), "vault: wrong number of betas")
    largest_change: uint256 = max_value(uint256)
    # The first betas of all, before there is anything to hedge, may be any: no order follows from them.
    if self.betas_posted_at != 0 or pool_leg.idle_base != 0 or pool_leg._has_liquidity():
        largest_change = vault_parameters.values.beta_max_change
        errors.check(
            block.timestamp - self.betas_posted_at >= vault_parameters.values.beta_interval,
            "vault: beta change too fast",
        )
    for i: uint256 in range(len(betas), bound=MAX_HEDGES):
        beta: int256 = betas[i]
        errors.check(
            fixed_point.magnitude(beta) <= vault_parameters.values.beta_max
            and (beta >= 0 or self._is_perp(self._legs[i].venue)),  # what is borrowed and sold is short
            "vault: beta out of bounds",
        )
        change: uint256 = fixed_point.magnitude(beta - self.beta[i])
        errors.check(change <= largest_change, "vault: beta change too fast")
        self.beta[i] = beta
    self.betas_posted_at = block.timestamp
    log IHedgeVault.BetasPosted(betas=betas)


@internal
@view
def _is_perp(venue: IHedgeVenue) -> bool:
    return venue.address == pool_leg.CLEARING.address


@internal
@view
def _number(account: MarginAccount) -> uint256:
    return convert(self, uint256) << 8 | account.sub


@internal
@view
def _price(token: address, fresh: bool) -> uint256:
    if fresh:
        return staticcall ORACLE.price(token)
    return (staticcall ORACLE.latest(token))[0]


@internal
@view
def _index(leg: Leg) -> uint256:
    """
    @notice Price of a leg, never stale; 0 where its market is settled: there is nothing left to trade.
    """
    if self._is_perp(leg.venue) and staticcall Ending(leg.venue.address).settlement(leg.market) != 0:
        return 0
    return self._price(leg.asset, True)


@internal
@view
def _size(leg: Leg) -> int256:
    return (staticcall leg.venue.position(self._number(self._accounts[leg.account]), leg.market)).size


@internal
@pure
def _owes(owing: uint256, account: uint256) -> bool:
    """
    @notice Whether an account is worth less than nothing, of the bits `owing`. Liquidation forgives what it owes: what is
            put into it or closed for it before would pay that for others.
    """
    return owing >> account & 1 != 0


@internal
@view
def _is_flat() -> bool:
    for leg: Leg in self._legs:
        if self._size(leg) != 0:
            return False
    return True


@internal
@view
def _state(account: MarginAccount, fresh: bool) -> IHedgeVenue.AccountState:
    if fresh:
        return staticcall account.venue.account_state(self._number(account))
    return staticcall account.venue.last_account_state(self._number(account))


@internal
@view
def _cash_raw() -> (int256, bool):
    """
    @return (USDC settled in all accounts, raw, each rounded down; whether it is negative in one).
    """
    total: int256 = 0
    owing: bool = False
    for account: MarginAccount in self._accounts:
        cash: int256 = staticcall account.venue.cash(self._number(account))
        total += fixed_point.mul_div_floor(cash, 1, WAD_PER_RAW)
        owing = owing or cash < 0
    return total, owing


@internal
@view
def _deviation() -> uint256:
    """
    @notice Largest move of an asset of the vault that the oracle may not have reported yet, WAD.
    """
    largest: uint256 = max(
        staticcall ORACLE.deviation(pool_leg.BASE), staticcall ORACLE.deviation(pool_leg.USDC)
    )
    for leg: Leg in self._legs:
        largest = max(largest, staticcall ORACLE.deviation(leg.asset))
    return largest


@internal
@view
def _initial_multiple() -> uint256:
    """
    @notice Largest initial multiple of the venues, WAD.
    """
    largest: uint256 = 0
    for account: MarginAccount in self._accounts:
        largest = max(largest, (staticcall account.venue.parameters()).initial_multiple)
    return largest


@internal
@view
def _target(hedge: uint256, exposure: uint256, index: uint256) -> int256:
    """
    @notice Position that offsets `exposure` USD of the base asset at the posted beta.
    """
    return fixed_point.mul_div_floor(-self.beta[hedge], exposure, index)


@internal
def _attempt(venue: IHedgeVenue, call: Bytes[132]) -> (bool, Bytes[132]):
    """
    @notice A call of a venue that Aave may refuse, as it does while a reserve is frozen, full or paused, and the
            ClearingHouse in a market that winds down, without stopping what is done elsewhere: (done, answer or revert
            data). Any other refusal reverts.
    """
    done: bool = False
    answer: Bytes[132] = b""
    done, answer = raw_call(venue.address, call, max_outsize=132, revert_on_failure=False)
    if not done:
        passed: bool = (
            refusals.is_wind_down(answer) if self._is_perp(venue) else refusals.is_aaves(answer)
        )
        if not passed:
            raw_revert(answer)
        self._refused = answer
    return done, answer


@internal
def _not_all_refused(progress: bool):
    """
    @notice Where nothing at all was done because a venue refuses it, so does the vault, with its reason.
    """
    if not progress and len(self._refused) != 0:
        raw_revert(self._refused)


@internal
def _trade(hedge: uint256, leg: Leg, size: int256, index: uint256) -> bool:
    """
    @notice Trade within the slippage bound; False, and nothing is changed, where the venue refuses.
    """
    limit: uint256 = vault_math.limit_price(
        index, vault_parameters.values.max_slippage, size > 0
    )
    done: bool = False
    answer: Bytes[132] = b""
    done, answer = self._attempt(
        leg.venue,
        abi_encode(
            self._accounts[leg.account].sub,
            leg.market,
            size,
            limit,
            method_id=method_id("trade(uint256,uint256,int256,uint256)"),
        ),
    )
    if done:
        fill: uint256 = 0
        fee: uint256 = 0
        fill, fee = abi_decode(answer, (uint256, uint256))
        log IHedgeVault.Hedged(hedge=hedge, size=size, fill=fill, fee=fee)
    else:
        log IHedgeVault.HedgeRefused(hedge=hedge, size=size, reason=answer)
    return done


@internal
def _close(fraction: uint256, owing: uint256):
    """
    @notice Close `fraction` (WAD) of every position, rounded away from zero, but for those Aave refuses to close and
            those of accounts that owe. Where its market is settled all of it is, at the one price there is; or nothing,
            while others' losses come first.
    @param owing Bit i: account i is worth less than nothing.
    """
    for hedge: uint256 in range(len(self._legs), bound=MAX_HEDGES):
        leg: Leg = self._legs[hedge]
        size: int256 = self._size(leg)
        if size == 0 or self._owes(owing, leg.account):
            continue
        index: uint256 = self._index(leg)
        if index == 0:
            done: bool = raw_call(
                leg.venue.address,
                abi_encode(
                    self._number(self._accounts[leg.account]),
                    leg.market,
                    method_id=method_id("settle_position(uint256,uint256)"),
                ),
                revert_on_failure=False,
            )
            continue
        part: int256 = convert(
            fixed_point.mul_div_up(fixed_point.magnitude(size), fraction, WAD), int256
        )
        self._trade(hedge, leg, -part if size > 0 else part, index)
