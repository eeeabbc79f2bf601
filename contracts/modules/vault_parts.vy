# pragma version 0.4.3
"""
@title  Vault parts
@license MIT
@notice What one part of the vault asks of another on the vault's storage.
"""


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
