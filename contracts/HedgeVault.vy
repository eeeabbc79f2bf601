# pragma version 0.4.3
# pragma optimize codesize
"""
@title  HedgeVault
@license MIT
@notice ERC-4626 over USDC: one Uniswap v3 position, its price risk hedged (contracts/SPEC.md §4). Shares, fees,
        requests to leave and governance are here; what keepers do is VaultStrategy's, settling the queue and exits in
        kind VaultExits'.
@dev    Documented at contracts/interfaces/IHedgeVault.vyi.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC4626

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVault
from contracts.interfaces import INonfungiblePositionManager
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IRearranger
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import errors
from contracts.modules import hedge_leg
from contracts.modules import hedge_margin
from contracts.modules import pool_leg
from contracts.modules import roles
from contracts.modules import share_pricing
from contracts.modules import share_token
from contracts.modules import vault_core
from contracts.modules import vault_fees
from contracts.modules import vault_parameters
from contracts.modules import vault_parts
from contracts.modules import withdrawal_queue

implements: IERC4626
implements: IHedgeVault
implements: IRearranger
initializes: vault_core
initializes: share_pricing[
    share_token := share_token, vault_fees := vault_fees, vault_parameters := vault_parameters
]
uses: hedge_leg
uses: hedge_margin
uses: pool_leg
uses: roles
uses: share_token
uses: vault_fees
uses: vault_parameters
uses: withdrawal_queue
exports: (
    roles.__interface__,
    pool_leg.__interface__,
    share_token.__interface__,
    hedge_leg.__interface__,
    vault_fees.__interface__,
    withdrawal_queue.__interface__,
    vault_core.paused,
    vault_core.in_kind_consent,
    vault_core.recentred_at,
)


WAD: constant(uint256) = 10**18
MAX_HEDGES: constant(uint256) = 8
MAX_PLEDGES: constant(uint256) = 4

asset: public(immutable(address))
STRATEGY: public(immutable(address))
EXITS: public(immutable(address))


interface Part:
    def deployment() -> vault_core.Deployment: view


@deploy
def __init__(
    asset_: address,
    base: address,
    pool: IUniswapV3Pool,
    manager: INonfungiblePositionManager,
    oracle: IPriceOracle,
    clearing: IClearingHouse,
    hedges: DynArray[IHedgeVault.Hedge, MAX_HEDGES],
    parameters: IHedgeVault.Parameters,
    isolated: bool,
    pledged: bool,
    strategy: address,
    exits: address,
):
    """
    @notice The deployer becomes the owner.
    @param hedges Markets to hedge on, ascending within each venue.
    @param strategy A VaultStrategy deployed with the same terms.
    @param exits Likewise a VaultExits.
    """
    at: vault_core.Deployment = vault_core.Deployment(
        asset=asset_,
        base=base,
        pool=pool,
        manager=manager,
        oracle=oracle,
        clearing=clearing,
        isolated=isolated,
        pledged=pledged,
    )
    vault_core.__init__(at)
    asset = asset_
    STRATEGY = strategy
    EXITS = exits
    for part: address in [strategy, exits]:
        assert keccak256(abi_encode(staticcall Part(part).deployment())) == keccak256(
            abi_encode(at)
        ), "vault: another deployment"
    pool_leg._set_up()
    hedge_leg._set_up(hedges)
    vault_fees._start()
    vault_core._set_parameters(parameters)


# -------------------------------------------------------------------------------------------- ERC-4626


@external
@nonreentrant
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Pull `assets` raw USDC and issue shares for them less the entry fee.
    @dev Reverts with "vault: paused", "vault: zero amount", "vault: deposit cap", "vault: account insolvent",
         "vault: zero receiver", "vault: transfer failed" and what the oracle refuses.
    """
    worth: vault_core.Worth = vault_core._worth(True)
    terms: share_pricing.Terms = share_pricing._accrued(worth.total)
    shares: uint256 = share_pricing._preview_deposit(assets, terms)
    self._enter(assets, shares, terms, worth.owing, receiver)
    return shares


@external
@nonreentrant
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Issue exactly `shares` for the raw USDC they cost with the entry fee; refused as `deposit`.
    """
    worth: vault_core.Worth = vault_core._worth(True)
    terms: share_pricing.Terms = share_pricing._accrued(worth.total)
    assets: uint256 = share_pricing._preview_mint(shares, terms)
    self._enter(assets, shares, terms, worth.owing, receiver)
    return assets


@external
@nonreentrant
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Send exactly `assets` raw USDC for the shares they cost with the exit fee, which must cover what
            unwinding for it costs.
    @dev Reverts with "vault: withdrawals queued", "vault: zero amount", "vault: insufficient shares",
         "vault: insufficient allowance", "vault: slippage", "vault: insufficient liquidity" and what the oracle
         and the venues refuse.
    """
    terms: share_pricing.Terms = self._accrue()
    shares: uint256 = share_pricing._preview_withdraw(assets, terms)
    self._leave(assets, shares, terms, receiver, owner)
    return shares


@external
@nonreentrant
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Send the raw USDC of `shares` less the exit fee; refused as `withdraw`.
    """
    terms: share_pricing.Terms = self._accrue()
    assets: uint256 = share_pricing._preview_redeem(shares, terms)
    self._leave(assets, shares, terms, receiver, owner)
    return assets


@internal
def _enter(
    assets: uint256,
    shares: uint256,
    terms: share_pricing.Terms,
    owing: bool,
    receiver: address,
):
    vault_core._running()
    errors.check(assets != 0 and shares != 0, "vault: zero amount")
    errors.check(assets <= share_pricing._room(terms), "vault: deposit cap")
    # NAV counts what the account owes, and a liquidation, which anyone may call, forgives it.
    errors.check(not owing, "vault: account insolvent")
    pool_leg.idle_usdc += assets
    share_token._issue(receiver, shares)
    log IERC4626.Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)
    before: uint256 = staticcall IERC20(asset).balanceOf(self)
    assert extcall IERC20(asset).transferFrom(msg.sender, self, assets, default_return_value=True)
    errors.check(
        staticcall IERC20(asset).balanceOf(self) == before + assets, "vault: transfer failed"
    )


@internal
def _leave(
    assets: uint256,
    shares: uint256,
    terms: share_pricing.Terms,
    receiver: address,
    owner: address,
):
    errors.check(assets != 0 and shares != 0, "vault: zero amount")
    share_token._cancel(owner, shares)
    share_token._spend_allowance(owner, shares)
    # Nobody passes the line: what it is owed must stay. Unwound for it is no more than for this exit, whose fee bears both:
    # who waits may take his request back, and a share redeemed would have had it done for nothing.
    owed: uint256 = share_pricing._preview_redeem(withdrawal_queue.queued_shares, terms)
    if pool_leg.idle_usdc < assets + owed:
        vault_parts._raise(STRATEGY, assets + owed, 0)
        errors.check(owed <= pool_leg.idle_usdc + assets, "vault: withdrawals queued")
        cost: uint256 = 0
        if pool_leg.idle_usdc < assets + owed:
            cost = vault_parts._raise(STRATEGY, assets + owed, WAD)
        kept: uint256 = share_token.assets_down(shares, terms.supply, terms.total) - assets
        errors.check(cost <= kept, "vault: slippage")  # or those who stay would pay it
        errors.check(pool_leg.idle_usdc >= assets, "vault: insufficient liquidity")
        errors.check(pool_leg.idle_usdc >= assets + owed, "vault: withdrawals queued")
    log IERC4626.Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)
    vault_core._pay(receiver, assets)


@external
@view
@nonreentrant
def totalAssets() -> uint256:
    """
    @notice NAV in raw USDC, rounded down, at the last prices however old.
    """
    return vault_core._total_assets(False)


@external
@view
@nonreentrant
def convertToShares(assetAmount: uint256) -> uint256:
    """
    @notice Shares of an amount of assets, without fees of entry, at the last prices.
    """
    terms: share_pricing.Terms = self._terms(False)
    return share_token.shares_down(assetAmount, terms.supply, terms.total)


@external
@view
@nonreentrant
def convertToAssets(shareAmount: uint256) -> uint256:
    """
    @notice Assets of an amount of shares, without fees of exit, at the last prices.
    """
    terms: share_pricing.Terms = self._terms(False)
    return share_token.assets_down(shareAmount, terms.supply, terms.total)


@external
@view
@nonreentrant
def previewDeposit(assets: uint256) -> uint256:
    return share_pricing._preview_deposit(assets, self._terms(True))


@external
@view
@nonreentrant
def previewMint(shares: uint256) -> uint256:
    return share_pricing._preview_mint(shares, self._terms(True))


@external
@view
@nonreentrant
def previewWithdraw(assets: uint256) -> uint256:
    return share_pricing._preview_withdraw(assets, self._terms(True))


@external
@view
@nonreentrant
def previewRedeem(shares: uint256) -> uint256:
    return share_pricing._preview_redeem(shares, self._terms(True))


@external
@view
def maxDeposit(owner: address) -> uint256:
    """
    @notice Room below the deposit cap, raw; zero while paused, while there is no price to deposit at, while a
            whole share is worth less than a raw unit or a margin account less than nothing.
    """
    return self._largest_entry()[0]


@external
@view
def maxMint(owner: address) -> uint256:
    """
    @notice Shares that `maxDeposit` raw USDC buy.
    """
    return self._largest_entry()[1]


@external
@view
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Raw USDC of the whole balance as far as idle USDC and spare margin cover it besides what the queue is
            owed (SPEC §4.7); zero without a price.
    """
    return self._largest_exit(owner)[0]


@external
@view
def maxRedeem(owner: address) -> uint256:
    """
    @notice Shares whose assets idle USDC and spare margin cover besides what the queue is owed; zero without a
            price.
    """
    return self._largest_exit(owner)[1]


@internal
@view
def _largest_entry() -> (uint256, uint256):
    known: bool = False
    total: uint256 = 0
    liquid: uint256 = 0
    owing: bool = False
    known, total, liquid, owing = self._try_fresh_assets()
    if not known or owing or vault_core.paused:
        return 0, 0
    return share_pricing._largest_entry(total)


@internal
@view
def _largest_exit(owner: address) -> (uint256, uint256):
    known: bool = False
    total: uint256 = 0
    liquid: uint256 = 0
    owing: bool = False
    known, total, liquid, owing = self._try_fresh_assets()
    if not known:
        return 0, 0
    return share_pricing._largest_exit(
        share_token.balanceOf[owner], withdrawal_queue.queued_shares, total, liquid
    )


@internal
@view
def _try_fresh_assets() -> (bool, uint256, uint256, bool):
    # The max* functions must not revert (EIP-4626): a call to itself contains a refusal.
    success: bool = False
    answer: Bytes[96] = b""
    success, answer = raw_call(
        self, method_id("fresh_assets()"), max_outsize=96, is_static_call=True, revert_on_failure=False
    )
    if not success:
        return False, 0, 0, False
    total: uint256 = 0
    liquid: uint256 = 0
    owing: bool = False
    total, liquid, owing = abi_decode(answer, (uint256, uint256, bool))
    return True, total, liquid, owing


@external
@view
@nonreentrant
def fresh_assets() -> (uint256, uint256, bool):
    """
    @notice Assets at guarded prices, what of them can be paid without unwinding, raw USDC, and whether a margin
            account is worth less than nothing.
    """
    worth: vault_core.Worth = vault_core._worth(True)
    return worth.total, pool_leg.idle_usdc + hedge_margin._spare_margin(), worth.owing


@internal
@view
def _terms(fresh: bool) -> share_pricing.Terms:
    return share_pricing._terms(vault_core._total_assets(fresh))


# ------------------------------------------------------------------------------------- queue, in kind


@external
@nonreentrant
def request_redeem(shares: uint256, receiver: address):
    withdrawal_queue._join(msg.sender, receiver, shares)


@external
@nonreentrant
def cancel_request():
    withdrawal_queue._return(msg.sender)


@external
@nonreentrant
def settle_withdrawals(fraction: uint256) -> uint256:
    return self._delegate(EXITS)


@external
@nonreentrant
def set_in_kind_consent(payer: address, allowed: bool):
    vault_core.in_kind_consent[msg.sender][payer] = allowed
    log IHedgeVault.InKindConsentSet(receiver=msg.sender, payer=payer, allowed=allowed)


@external
@nonreentrant
def redeem_in_kind(shares: uint256, receiver: address):
    self._delegate(EXITS)


@external
@nonreentrant
def accrue_fees():
    self._accrue()


@internal
def _accrue() -> share_pricing.Terms:
    return share_pricing._accrued(vault_core._total_assets(True))


# ------------------------------------------------------------------------- by VaultStrategy, VaultExits


@external
@nonreentrant
def rebalance() -> uint256:
    return self._delegate(STRATEGY)


@external
@nonreentrant
def recenter() -> uint256:
    return self._delegate(STRATEGY)


@external
@nonreentrant
def top_up() -> uint256:
    return self._delegate(STRATEGY)


@external
@nonreentrant
def deleverage() -> uint256:
    return self._delegate(STRATEGY)


@internal
def _delegate(code: address) -> uint256:
    # The functions passed on answer with a word at most.
    answer: Bytes[32] = raw_call(code, msg.data, max_outsize=32, is_delegate_call=True)
    return convert(answer, uint256)


@external
def on_rearrange(data: Bytes[1024]) -> (DynArray[uint256, MAX_PLEDGES], uint256):
    """
    @notice Lent liquidity is here: do with it what is being done at this moment.
    """
    errors.check(
        msg.sender == pool_leg.CLEARING.address and vault_core._in_rearrange,
        "vault: not the clearing house",
    )
    answer: Bytes[224] = raw_call(
        STRATEGY,
        abi_encode(data, method_id=method_id("on_rearrange(bytes)")),
        max_outsize=224,
        is_delegate_call=True,
    )
    return abi_decode(answer, (DynArray[uint256, MAX_PLEDGES], uint256))


# ---------------------------------------------------------------------------------------- valuation


@external
@view
@nonreentrant
def nav() -> uint256:
    return vault_core._read(True).nav


@external
@view
@nonreentrant
def last_nav() -> uint256:
    return vault_core._read(False).nav


@external
@view
@nonreentrant
def position_state() -> IHedgeVault.PositionState:
    return pool_leg._position(vault_core._prices(False).sqrt)


# --------------------------------------------------------------------------------------- governance


@external
@nonreentrant
def set_parameters(parameters: IHedgeVault.Parameters):
    roles._only_owner_delayed()
    self._accrue()
    vault_core._set_parameters(parameters)


@external
@nonreentrant
def set_fee_receiver(fee_receiver: address):
    roles._only_owner_delayed()
    self._accrue()
    vault_fees._set_receiver(fee_receiver)


@external
@view
def parameters() -> IHedgeVault.Parameters:
    return vault_parameters.values


@external
@nonreentrant
def set_paused(paused: bool):
    if paused:
        roles._only_guardian()
    else:
        roles._only_owner()
    vault_core.paused = paused
    log IHedgeVault.PausedSet(paused=paused)
