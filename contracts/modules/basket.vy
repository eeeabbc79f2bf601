# pragma version 0.4.3
"""
@title  Basket
@license MIT
@notice What an account holds beside cash and positions, at the oracle's prices (contracts/SPEC.md §3.4).
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import liquidity_math
from contracts.modules import vault_math

uses: ledger


@view
@internal
def _pledge_amounts(token_id: uint256, fresh: bool) -> (uint256, uint256):
    """
    @notice Raw (base, USDC) of a pledged position at the oracle price, without uncollected fees, rounded down.
    """
    usdc_price: uint256 = ledger._price(ledger.USDC_TOKEN, fresh)
    if usdc_price == 0:  # only among last prices, where its source answers nothing: nothing can be said
        return 0, 0
    sqrt_price: uint256 = vault_math.sqrt_price_x96(
        ledger._collateral_price(ledger.lp_base, fresh), usdc_price, ledger.lp_unit_ratio
    )
    pledge: IClearingHouse.Pledge = ledger.pledge_terms[token_id]
    return liquidity_math.amounts_for_liquidity_down(
        sqrt_price, pledge.sqrt_lower, pledge.sqrt_upper, pledge.liquidity
    )


@view
@internal
def _worth(collateral: uint256, raw: uint256, fresh: bool) -> uint256:
    """
    @notice USD WAD of a raw amount of a collateral, rounded down.
    """
    return fixed_point.mul_div_down(
        raw, ledger._collateral_price(collateral, fresh), ledger.collateral[collateral].unit
    )
