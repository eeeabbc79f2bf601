# pragma version 0.4.3
"""
@title  Roles
@license MIT
@notice An owner that changes in two steps, a risk manager and a guardian named by the owner.
"""


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


owner: public(address)
pending_owner: public(address)
risk_manager: public(address)
guardian: public(address)


@deploy
def __init__(owner: address):
    assert owner != empty(address), "roles: zero owner"
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
    assert msg.sender == self.pending_owner, "roles: not the pending owner"
    self.pending_owner = empty(address)
    log OwnershipTransferred(previous_owner=self.owner, owner=msg.sender)
    self.owner = msg.sender


@external
def set_risk_manager(risk_manager: address):
    """
    @notice Name the risk manager; the zero address leaves the role empty.
    """
    self._only_owner()
    self.risk_manager = risk_manager
    log RiskManagerSet(risk_manager=risk_manager)


@external
def set_guardian(guardian: address):
    """
    @notice Name the guardian; the zero address leaves the role empty.
    """
    self._only_owner()
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@internal
@view
def _only_owner():
    assert msg.sender == self.owner, "roles: not the owner"


@internal
@view
def _only_risk_manager():
    assert msg.sender == self.risk_manager, "roles: not the risk manager"


@internal
@view
def _only_guardian():
    assert msg.sender == self.guardian or msg.sender == self.owner, "roles: not the guardian"
