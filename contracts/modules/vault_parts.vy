# pragma version 0.4.3
"""
@title  Vault parts
@license MIT
@notice What one part of the vault asks of another on the vault's storage.
"""


struct Placement:  # of ticks around a price
    tick: int24           # of the price
    lower: int24
    upper: int24
    sqrt_lower: uint256   # of the ends, X96
    sqrt_upper: uint256


interface Placing:
    def range_at(sqrt_price: uint256, half_width: int24) -> Placement: view


interface House:
    def EXITS() -> address: view


@internal
@view
def _range_at(sqrt_price: uint256, half_width: int24) -> Placement:
    """
    @notice `range_at` of the VaultExits, where there is room for its table.
    """
    return staticcall Placing(staticcall House(self).EXITS()).range_at(sqrt_price, half_width)


@internal
def _raise(strategy: address, assets: uint256, limit: uint256) -> uint256:
    """
    @notice `raise_assets` of the VaultStrategy; returns what it cost the vault, raw USDC.
    """
    answer: Bytes[32] = raw_call(
        strategy,
        abi_encode(assets, limit, method_id=method_id("raise_assets(uint256,uint256)")),
        max_outsize=32,
        is_delegate_call=True,
    )
    return convert(answer, uint256)
