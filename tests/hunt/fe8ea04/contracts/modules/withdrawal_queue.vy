# pragma version 0.4.3
"""
@title  Withdrawal queue
@license MIT
@notice Requests to redeem, first come first served (contracts/SPEC.md §4.3). A waiting share belongs to the
        vault itself, so it can be neither moved nor redeemed twice.
@dev    A doubly linked list over owners, one request each: leaving the line costs the same from any place in
        it, and leaves no gap that a later settlement would have to step over.
"""

from contracts.interfaces import IHedgeVault

from . import errors
from . import share_token

uses: share_token


queued_shares: public(uint256)
queue_head: public(address)
queue_tail: public(address)
request: public(HashMap[address, IHedgeVault.Request])


@internal
def _join(owner: address, receiver: address, shares: uint256):
    errors.check(shares != 0, "vault: zero amount")
    errors.check(receiver != empty(address), "vault: zero receiver")
    errors.check(self.request[owner].shares == 0, "vault: request pending")
    share_token._move(owner, self, shares)
    last: address = self.queue_tail
    self.request[owner] = IHedgeVault.Request(
        receiver=receiver, shares=shares, previous=last, next=empty(address)
    )
    if last == empty(address):
        self.queue_head = owner
    else:
        self.request[last].next = owner
    self.queue_tail = owner
    self.queued_shares += shares
    log IHedgeVault.RedeemRequested(owner=owner, receiver=receiver, shares=shares)


@internal
def _return(owner: address):
    """
    @notice Give a request's shares back; it leaves the line.
    """
    shares: uint256 = self.request[owner].shares
    errors.check(shares != 0, "vault: no request")
    self._leave(owner, shares)
    share_token._move(self, owner, shares)
    log IHedgeVault.RequestCancelled(owner=owner, shares=shares)


@internal
def _leave(owner: address, shares: uint256):
    """
    @notice Take `shares` off a request, which leaves the line with the last of them. The shares stay here.
    """
    waiting: IHedgeVault.Request = self.request[owner]
    self.queued_shares -= shares
    if shares < waiting.shares:
        self.request[owner].shares = unsafe_sub(waiting.shares, shares)
        return
    if waiting.previous == empty(address):
        self.queue_head = waiting.next
    else:
        self.request[waiting.previous].next = waiting.next
    if waiting.next == empty(address):
        self.queue_tail = waiting.previous
    else:
        self.request[waiting.next].previous = waiting.previous
    self.request[owner] = empty(IHedgeVault.Request)
