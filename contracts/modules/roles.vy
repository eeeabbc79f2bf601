# pragma version 0.4.3
"""
@title  Roles
@license MIT
@notice An owner that changes in two steps, a risk manager and a guardian named by the owner, and a delay between
        announcing what the owner does and doing it (contracts/SPEC.md §3.5).
@dev    A delayed function calls `_only_owner_delayed()`: what has to have been announced is its calldata, to the last
        byte. With a delay of zero, as deployed, nothing has to be scheduled.
"""

from contracts.modules import errors


event OwnershipTransferStarted:
    owner: indexed(address)
    pending_owner: indexed(address)


event OwnershipTransferred:
    previous_owner: indexed(address)
    owner: indexed(address)


event RiskManagerSet:
    risk_manager: indexed(address)


event GuardianSet:
    guardian: indexed(address)


event DelaySet:
    delay: uint256


event CallScheduled:
    call_id: indexed(bytes32)
    ready_at: uint256


event CallCancelled:
    call_id: indexed(bytes32)


MAX_DELAY: constant(uint256) = 30 * 86_400
VALID_FOR: constant(uint256) = 14 * 86_400  # a call not made in this time has to be announced again

IDENTITY: constant(address) = 0x0000000000000000000000000000000000000004  # precompile: gives back what it is given
LONGEST_CALL: constant(uint256) = 1_024  # bytes of calldata that can be announced

owner: public(address)
pending_owner: public(address)
risk_manager: public(address)
guardian: public(address)
delay: public(uint256)  # seconds
scheduled_at: public(HashMap[bytes32, uint256])  # when a call was announced; 0: it is not


@deploy
def __init__(owner: address):
    errors.check(owner != empty(address), "roles: zero owner")
    self.owner = owner
    log OwnershipTransferred(previous_owner=empty(address), owner=owner)


@external
def transfer_ownership(pending_owner: address):
    """
    @notice Name the next owner, who has to accept; the zero address withdraws the offer.
    """
    self._only_owner()
    self.pending_owner = pending_owner
    log OwnershipTransferStarted(owner=self.owner, pending_owner=pending_owner)


@external
def accept_ownership():
    """
    @notice Become the owner, as the pending owner.
    """
    errors.check(msg.sender == self.pending_owner, "roles: not the pending owner")
    self.pending_owner = empty(address)
    log OwnershipTransferred(previous_owner=self.owner, owner=msg.sender)
    self.owner = msg.sender


@external
def set_risk_manager(risk_manager: address):
    """
    @notice Name the risk manager; the zero address leaves the role empty. Delayed.
    """
    self._only_owner_delayed()
    self.risk_manager = risk_manager
    log RiskManagerSet(risk_manager=risk_manager)


@external
def dismiss_risk_manager():
    """
    @notice Leave the role of the risk manager empty, at once, as the guardian or the owner.
    @dev Where its key is stolen, the delay of naming another must not be the thief's time. What it has set stays.
    """
    self._only_guardian()
    self.risk_manager = empty(address)
    log RiskManagerSet(risk_manager=empty(address))


@external
def set_guardian(guardian: address):
    """
    @notice Name the guardian; the zero address leaves the role empty. Delayed while there is one.
    @dev So that whoever stole the owner's key has no say over who may cancel its calls: the guardian
         there is cancels its own removal. Ownership changing hands changes nothing about that.
    """
    if self.guardian == empty(address):
        self._only_owner()
    else:
        self._only_owner_delayed()
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@external
def schedule(call_id: bytes32):
    """
    @notice Announce a call of the owner, keccak256 of its calldata; again: the time starts anew.
    """
    self._only_owner()
    self.scheduled_at[call_id] = block.timestamp
    log CallScheduled(call_id=call_id, ready_at=block.timestamp + self.delay)


@external
def cancel(call_id: bytes32):
    """
    @notice Withdraw an announced call, as the owner or the guardian.
    """
    self._only_guardian()
    errors.check(self.scheduled_at[call_id] != 0, "roles: not scheduled")
    self.scheduled_at[call_id] = 0
    log CallCancelled(call_id=call_id)


@external
def set_delay(delay: uint256):
    """
    @notice Longer at once, shorter only after the delay.
    """
    errors.check(delay <= MAX_DELAY, "roles: delay too long")
    if delay < self.delay:
        self._only_owner_delayed()
    else:
        self._only_owner()
    self.delay = delay
    log DelaySet(delay=delay)


@internal
def _only_owner_delayed():
    """
    @notice The owner, `delay` seconds after announcing this very call and no later than 14 days after that.
    @dev Measured by the delay of now: raising it also holds back what was announced before.
    """
    self._only_owner()
    if self.delay == 0:
        return
    call: Bytes[LONGEST_CALL] = raw_call(IDENTITY, msg.data, max_outsize=LONGEST_CALL, is_static_call=True)
    errors.check(len(call) == len(msg.data), "roles: call too long")
    call_id: bytes32 = keccak256(call)
    announced: uint256 = self.scheduled_at[call_id]
    errors.check(announced != 0, "roles: not scheduled")
    ready: uint256 = announced + self.delay
    errors.check(block.timestamp >= ready, "roles: too early")
    errors.check(block.timestamp <= ready + VALID_FOR, "roles: expired")
    self.scheduled_at[call_id] = 0


@internal
@view
def _only_owner():
    errors.check(msg.sender == self.owner, "roles: not the owner")


@internal
@view
def _only_risk_manager():
    errors.check(msg.sender == self.risk_manager, "roles: not the risk manager")


@internal
@view
def _only_guardian():
    errors.check(msg.sender == self.guardian or msg.sender == self.owner, "roles: not the guardian")
