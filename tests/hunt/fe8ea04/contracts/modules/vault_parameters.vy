# pragma version 0.4.3
"""
@title  Vault parameters
@license MIT
@notice The owner's parameters of HedgeVault and the bounds that hold whoever the owner is
        (contracts/SPEC.md §4.1).
"""

from contracts.interfaces import IHedgeVault

from . import errors


WAD: constant(uint256) = 10**18
MAX_HALF_WIDTH: constant(int24) = 400_000  # ticks; keeps both ends within Uniswap's own limits for any token price
MAX_THRESHOLD: constant(uint256) = 10 * WAD
MAX_SLIPPAGE: constant(uint256) = WAD // 10
MAX_RATIO: constant(uint256) = 10_000 * WAD
MAX_KEEPER_REWARD: constant(uint256) = 10_000 * 10**6
MAX_KEEPER_SHARE: constant(uint256) = WAD // 20
MAX_FEE: constant(uint256) = WAD // 10  # of entry, of exit, and of management per year
MAX_PERFORMANCE_FEE: constant(uint256) = WAD // 2
MAX_DEPOSIT_CAP: constant(uint256) = 2**128 - 1
MAX_BETA: constant(uint256) = 100 * WAD

values: IHedgeVault.Parameters


@internal
def _set(
    new: IHedgeVault.Parameters, spacing: int24, initial_multiple: uint256, deviation: uint256
):
    """
    @param spacing Tick spacing of the pool.
    @param initial_multiple Largest mu of the venues: below mu M an account may not be drawn down.
    @param deviation Largest move the oracle may not have reported yet, WAD: entering or leaving must cost that
           much, or a share is an option on the lag.
    """
    errors.check(
        new.range_half_width > 0
        and new.range_half_width <= MAX_HALF_WIDTH
        and new.range_half_width % spacing == 0
        and new.recenter_threshold > 0
        and new.recenter_threshold <= MAX_THRESHOLD
        and new.lp_allocation <= WAD
        and new.margin_allocation <= WAD - new.lp_allocation
        and new.hedge_band <= WAD
        and new.max_slippage > 0
        and new.max_slippage <= MAX_SLIPPAGE
        and new.deleverage_ratio > WAD
        and new.top_up_ratio > new.deleverage_ratio
        and new.margin_target > new.top_up_ratio
        and new.margin_target >= initial_multiple
        and new.margin_target <= MAX_RATIO
        and new.keeper_reward <= MAX_KEEPER_REWARD
        and new.keeper_share <= MAX_KEEPER_SHARE
        and max(new.entry_fee, new.exit_fee) <= MAX_FEE
        and new.management_fee <= MAX_FEE
        and new.performance_fee <= MAX_PERFORMANCE_FEE
        and new.deposit_cap <= MAX_DEPOSIT_CAP
        and new.beta_max <= MAX_BETA,
        "vault: bad parameter",
    )
    errors.check(min(new.entry_fee, new.exit_fee) >= deviation, "vault: fee below deviation")
    self.values = new
    log IHedgeVault.ParametersSet(parameters=new)
