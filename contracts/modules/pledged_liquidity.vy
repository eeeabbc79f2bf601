# pragma version 0.4.3
"""
@title  Pledged liquidity
@license MIT
@notice Uniswap v3 positions held as collateral (contracts/SPEC.md §3.5): in, out, and burning a part.
@dev    The liquidity counted is that of the moment of pledging: anyone may add liquidity to any NFT, only its
        holder can take it out, so what is there is never less.
"""

from contracts.interfaces import IClearingHouse
from contracts.interfaces import INonfungiblePositionManager
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import tick_math

uses: ledger


WAD: constant(uint256) = fixed_point.WAD
MAX_PLEDGES: constant(uint256) = ledger.MAX_PLEDGES


@view
@internal
def _manager() -> INonfungiblePositionManager:
    return INonfungiblePositionManager(ledger.lp_collateral.manager)


@internal
def _take(account: uint256, token_id: uint256):
    """
    @notice Pledge an NFT of the caller to the account.
    """
    manager: INonfungiblePositionManager = self._manager()
    errors.check(
        manager.address != empty(address)
        and account & 255 == 0
        and len(ledger.pledges[account]) < MAX_PLEDGES,
        "clearing: bad pledge",
    )
    position: INonfungiblePositionManager.Position = staticcall manager.positions(token_id)
    errors.check(
        position.token0 == ledger.collateral[ledger.lp_base].token
        and position.token1 == ledger.USDC_TOKEN
        and position.fee == ledger.lp_fee
        and position.liquidity != 0,
        "clearing: bad pledge",
    )
    liquidity: uint256 = convert(position.liquidity, uint256)
    terms: IClearingHouse.Pledge = IClearingHouse.Pledge(
        account=account,
        liquidity=liquidity,
        sqrt_lower=tick_math.sqrt_ratio_at_tick(position.tick_lower),
        sqrt_upper=tick_math.sqrt_ratio_at_tick(position.tick_upper),
    )
    total: uint256 = ledger.pledged_liquidity + self._most(terms)
    errors.check(total <= ledger.lp_collateral.cap, "clearing: collateral cap")
    ledger.pledged_liquidity = total
    ledger.pledge_terms[token_id] = terms
    ledger.pledges[account].append(token_id)
    log IClearingHouse.LiquidityPledged(account=account, token_id=token_id, liquidity=liquidity)
    extcall manager.transferFrom(msg.sender, self, token_id)


@pure
@internal
def _most(terms: IClearingHouse.Pledge) -> uint256:
    """
    @notice Raw USDC that the liquidity is worth at most, whatever the price of base: what it is above its range, where all of
            it is USDC. Rounded up: what is pledged is never nothing.
    """
    return fixed_point.mul_div_up(terms.liquidity, terms.sqrt_upper - terms.sqrt_lower, 2**96)


@view
@internal
def _check_backs(account: uint256, token_id: uint256):
    errors.check(
        account != 0 and ledger.pledge_terms[token_id].account == account, "clearing: bad pledge"
    )


@internal
def _give(account: uint256, token_id: uint256, to: address):
    """
    @notice Send an NFT pledged to the account away.
    """
    self._check_backs(account, token_id)
    ledger.pledged_liquidity -= self._most(ledger.pledge_terms[token_id])
    ledger.pledge_terms[token_id] = empty(IClearingHouse.Pledge)
    last: uint256 = ledger.pledges[account].pop()
    if last != token_id:
        for i: uint256 in range(len(ledger.pledges[account]), bound=MAX_PLEDGES):
            if ledger.pledges[account][i] == token_id:
                ledger.pledges[account][i] = last
    log IClearingHouse.LiquidityReleased(account=account, token_id=token_id, receiver=to)
    extcall self._manager().transferFrom(self, to, token_id)


@internal
def _burn(
    account: uint256, token_id: uint256, liquidity: uint256, fee_share: uint256
) -> (uint256, uint256):
    """
    @notice Burn liquidity of a pledge and collect the raw (base, USDC) it gave with `fee_share` (WAD) of the
            uncollected fees; they are here now, in nobody's account. An empty NFT goes back to the owner.
    """
    manager: INonfungiblePositionManager = self._manager()
    burnt: uint256[2] = empty(uint256[2])
    burnt[0], burnt[1] = extcall manager.decreaseLiquidity(
        INonfungiblePositionManager.DecreaseLiquidityParams(
            token_id=token_id,
            liquidity=convert(liquidity, uint128),
            amount0_min=0,
            amount1_min=0,
            deadline=block.timestamp,
        )
    )
    owed: INonfungiblePositionManager.Position = staticcall manager.positions(token_id)
    base: uint256 = self._with_fees(burnt[0], owed.tokens_owed0, fee_share)
    usdc: uint256 = self._with_fees(burnt[1], owed.tokens_owed1, fee_share)
    if base + usdc != 0:
        base, usdc = extcall manager.collect(
            INonfungiblePositionManager.CollectParams(
                token_id=token_id,
                recipient=self,
                amount0_max=convert(base, uint128),
                amount1_max=convert(usdc, uint128),
            )
        )
    ledger.collateral_held[ledger.lp_base] += base
    ledger.collateral_held[ledger.USDC] += usdc
    terms: IClearingHouse.Pledge = ledger.pledge_terms[token_id]
    before: uint256 = self._most(terms)
    terms.liquidity -= liquidity
    ledger.pledge_terms[token_id].liquidity = terms.liquidity
    ledger.pledged_liquidity -= before - self._most(terms)
    if terms.liquidity == 0:
        self._give(account, token_id, convert(account >> 8, address))
    return base, usdc


@pure
@internal
def _with_fees(burnt: uint256, owed: uint128, fee_share: uint256) -> uint256:
    return burnt + fixed_point.mul_div_down(convert(owed, uint256) - burnt, fee_share, WAD)
