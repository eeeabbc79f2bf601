# pragma version 0.4.3
# pragma optimize codesize
"""
@title  VaultExits
@license MIT
@notice The queue's settlement and exits in kind of HedgeVault (contracts/SPEC.md §4.3). It runs on the vault's storage by
        delegatecall; called directly it refuses.
@dev    Documented at contracts/interfaces/IHedgeVault.vyi; the vault holds the reentrancy lock around every call.
"""

from ethereum.ercs import IERC4626

from contracts.interfaces import IHedgeVault
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import hedge_margin
from contracts.modules import pool_leg
from contracts.modules import share_pricing
from contracts.modules import share_token
from contracts.modules import tick_math
from contracts.modules import vault_core
from contracts.modules import vault_fees
from contracts.modules import vault_math
from contracts.modules import vault_parameters
from contracts.modules import vault_parts
from contracts.modules import withdrawal_queue

initializes: vault_core
initializes: share_pricing[
    share_token := share_token, vault_fees := vault_fees, vault_parameters := vault_parameters
]
uses: hedge_margin
uses: pool_leg
uses: share_token
uses: vault_fees
uses: vault_parameters
uses: withdrawal_queue


WAD: constant(uint256) = 10**18
MAX_SETTLED: constant(uint256) = 8  # requests in one settlement

SELF: immutable(address)


interface House:
    def STRATEGY() -> address: view


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


# --------------------------------------------------------------------------------------------- queue


@external
def settle_withdrawals(fraction: uint256) -> uint256:
    self._delegated()
    errors.check(withdrawal_queue.queued_shares != 0, "vault: nothing to settle")
    worth: vault_core.Worth = vault_core._worth(True)
    # A liquidation is about to forgive what an account owes: nobody is paid before it on another's word.
    errors.check(not worth.owing, "vault: account insolvent")
    terms: share_pricing.Terms = share_pricing._accrued(worth.total)
    returned: bool = self._return_unreachable()
    served: uint256 = self._first_in_line()
    owed: uint256 = share_pricing._preview_redeem(served, terms)
    cost: uint256 = 0
    if pool_leg.idle_usdc < owed:
        cost = vault_parts._raise((staticcall House(self).STRATEGY()), owed, min(fraction, WAD))
    # Those served now bear the cost, in proportion, as far as their exit fee does not.
    bearing: uint256 = min(
        share_token.assets_down(served, terms.supply, terms.total), pool_leg.idle_usdc + cost
    )
    errors.check(
        cost * WAD <= 2 * vault_parameters.values.max_slippage * bearing, "vault: slippage"
    )

    paid: uint256 = 0
    progress: bool = returned and cost == 0
    for _: uint256 in range(MAX_SETTLED):
        owner: address = withdrawal_queue.queue_head
        if owner == empty(address):
            break
        shares: uint256 = withdrawal_queue.request[owner].shares
        due: uint256 = share_pricing._preview_redeem(shares, terms)
        bears: uint256 = 0  # shares, of one whom the USDC does not reach although it was unwound for him
        if cost != 0:
            gross: uint256 = share_token.assets_down(shares, terms.supply, terms.total)
            due = min(due, fixed_point.mul_div_down(gross, bearing - cost, bearing))
            bears = shares - fixed_point.mul_div_down(shares, due, max(gross, 1))
        part: uint256 = min(due, pool_leg.idle_usdc)
        if part < due:
            shares = fixed_point.mul_div_up(shares, part, due)
            # A part rounds its own fee up.
            part = min(part, share_pricing._preview_redeem(shares, terms))
            if part == 0:
                break
        settled: uint256 = self._settle(owner, shares, part, bears)
        paid += settled
        progress = progress or settled != 0 or cost == 0
        if part < due:
            break
    errors.check(progress, "vault: insufficient liquidity")
    return paid


@internal
@view
def _first_in_line() -> uint256:
    """
    @notice Shares of the requests one settlement serves.
    """
    shares: uint256 = 0
    owner: address = withdrawal_queue.queue_head
    for _: uint256 in range(MAX_SETTLED):
        if owner == empty(address):
            break
        shares += withdrawal_queue.request[owner].shares
        owner = withdrawal_queue.request[owner].next
    return shares


@internal
def _return_unreachable() -> bool:
    # Nothing is unwound for one whom the USDC does not reach (blocked): it leaves the line before. The USDC asks who
    # receives whatever the amount.
    returned: bool = False
    owner: address = withdrawal_queue.queue_head
    for _: uint256 in range(MAX_SETTLED):
        if owner == empty(address):
            break
        next: address = withdrawal_queue.request[owner].next
        if not self._reaches(withdrawal_queue.request[owner].receiver, 0):
            withdrawal_queue._return(owner)
            returned = True
        owner = next
    return returned


@internal
def _settle(owner: address, shares: uint256, assets: uint256, bears: uint256) -> uint256:
    # One whom the USDC refuses all the same does not hold up those behind. What leaving would have cost him he bears, or
    # the vault could be unwound again and again at nobody's cost.
    receiver: address = withdrawal_queue.request[owner].receiver
    if assets != 0 and not self._reaches(receiver, assets):
        withdrawal_queue._return(owner)
        share_token._cancel(owner, bears)
        return 0
    pool_leg.idle_usdc -= assets
    withdrawal_queue._leave(owner, shares)
    share_token._cancel(self, shares)
    log IERC4626.Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)
    return assets


@internal
def _reaches(receiver: address, assets: uint256) -> bool:
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        pool_leg.USDC,
        abi_encode(receiver, assets, method_id=method_id("transfer(address,uint256)")),
        max_outsize=32,
        revert_on_failure=False,
    )
    return success and (len(answer) == 0 or convert(answer, uint256) != 0)


# --------------------------------------------------------------------------------------------- range


@external
@view
def range_at(sqrt_price: uint256, half_width: int24) -> vault_parts.Placement:
    """
    @notice The range that `recenter` places around a price, X96; nothing of a pool that has none. Of no storage: it is here
            because there is room.
    """
    found: vault_parts.Placement = empty(vault_parts.Placement)
    if pool_leg.STABLE:
        return found
    found.tick = tick_math.tick_at_sqrt_ratio(sqrt_price)
    found.lower, found.upper = vault_math.range_around(found.tick, pool_leg.SPACING, half_width)
    found.sqrt_lower = tick_math.sqrt_ratio_at_tick(found.lower)
    found.sqrt_upper = tick_math.sqrt_ratio_at_tick(found.upper)
    return found


# ------------------------------------------------------------------------------------------- in kind


@external
def redeem_in_kind(shares: uint256, receiver: address):
    self._delegated()
    errors.check(shares != 0, "vault: zero amount")
    errors.check(receiver != empty(address), "vault: zero receiver")
    # Or anyone's dust would put a position into the account of whoever consented at the venue.
    errors.check(
        receiver == msg.sender or vault_core.in_kind_consent[receiver][msg.sender],
        "vault: no consent",
    )
    vault_fees._accrue_management()
    supply: uint256 = share_token.totalSupply + share_token.VIRTUAL_SHARES
    share_token._cancel(msg.sender, shares)
    # The exit fee stays: whoever came in at a price that lagged would else leave past it.
    paid: uint256 = fixed_point.mul_div_down(shares, WAD - vault_parameters.values.exit_fee, WAD)
    log IHedgeVault.RedeemedInKind(owner=msg.sender, receiver=receiver, shares=shares)
    pledged: bool = pool_leg._position(0).pledged
    pool_leg._send_part(paid, supply, receiver)
    fraction: uint256 = fixed_point.mul_div_down(paid, WAD, supply)
    if fraction != 0:
        hedge_margin._send_part(fraction, pledged, msg.sender, receiver)
