"""One copy of the system on revm: calls by signature and integers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import (
    Contract,
    Reverted,
    reason,
    selector,
    signed_word,
    words,
)
from simulator.chain.evm.revm import RevmTransport
from simulator.chain.reading.storage import mapping_slot as _mapping_slot
from tests.stateful.genesis import ACTORS, HOOK, REPORTERS, attacker_artifact, genesis, protocol

mapping_slot = cache(_mapping_slot)


class System:
    """One copy of a variant; addresses are integers here, as words are."""

    def __init__(self, variant: str) -> None:
        self.variant = variant
        self.protocol = protocol(variant)
        made = genesis(variant)
        self.deployed = made.deployed
        self.chain = RevmTransport().fork(made.transactions)
        self.evm = self.chain.evm
        self.tokens = tuple(int(token, 16) for token in made.tokens)
        self.attacker, self.lender = int(made.attacker, 16), int(made.lender, 16)
        d = made.deployed
        self.clearing, self.vault, self.oracle, self.pool, self.router, self.manager = (
            int(address, 16)
            for address in (d.clearing, d.vault, d.oracle, d.pool, d.router, d.manager)
        )
        self.owner = int(d.roles.deployer, 16)
        self.actors = {name: int(self.chain.account(name), 16) for name in ACTORS}
        self.actors["attacker"] = self.attacker
        self.reporters = tuple(int(self.chain.account(name), 16) for name in REPORTERS)
        self.guardian = int(d.roles.guardian, 16)
        self.venue_manager = int(d.roles.venue, 16)
        self.vault_manager = int(d.roles.risk_manager, 16)
        self._hex = {a: f"0x{a:040x}" for a in (*self.actors.values(), *self.tokens)}

    def hex(self, address: int) -> str:
        if address not in self._hex:
            self._hex[address] = f"0x{address:040x}"
        return self._hex[address]

    def send(self, sender: int, to: int, data: bytes) -> list[int] | str:
        """Signed words of the answer of a transaction, or the reason of its refusal.

        What the attacker's contract sends goes through its ``run``, whose answer is empty.
        """
        if sender == self.attacker:
            return self.run_attacker([(to, data)])
        return self._answer(self.hex(sender), self.hex(to), data)

    def run_attacker(self, calls: Sequence[tuple[int, bytes]]) -> list[int] | str:
        """All the calls in one transaction of the attacker's contract, or none."""
        return self._answer(
            self.hex(self.owner), self.hex(self.attacker), self._attack("run", self._calls(calls))
        )

    def flash(self, base: int, usdc: int, calls: Sequence[tuple[int, bytes]]) -> list[int] | str:
        """The calls with a flash loan of the other pool."""
        data = self._attack("flash", self.hex(self.lender), base, usdc, self._calls(calls))
        return self._answer(self.hex(self.owner), self.hex(self.attacker), data)

    def arm(self, calls: Sequence[tuple[int, bytes]], token_ids: Sequence[int] = ()) -> None:
        """What the attacker's contract does when called back."""
        data = self._attack("arm", self._calls(calls), list(token_ids))
        answer = self._answer(self.hex(self.owner), self.hex(self.attacker), data)
        assert not isinstance(answer, str), answer

    def _calls(self, calls: Sequence[tuple[int, bytes]]) -> list[tuple[str, bytes]]:
        return [(self.hex(to), data) for to, data in calls]

    def _attack(self, name: str, *arguments: Any) -> bytes:
        contract = Contract(attacker_artifact(), self.hex(self.attacker), self.chain)
        return contract.calldata(name, *arguments)

    def _answer(self, sender: str, to: str, data: bytes) -> list[int] | str:
        try:
            answer = self.chain.transact(sender, to, data)
        except Reverted as reverted:
            return reason(reverted.data)
        return [signed_word(answer, i) for i in range(len(answer) // 32)]

    def view(self, to: int, signature: str, *arguments: int) -> list[int]:
        """Signed words of a view's answer; raises Reverted."""
        answer = self.chain.call(self.hex(to), selector(signature) + words(*arguments))
        return [signed_word(answer, i) for i in range(len(answer) // 32)]

    def try_view(self, to: int, signature: str, *arguments: int) -> list[int] | str:
        try:
            return self.view(to, signature, *arguments)
        except Reverted as reverted:
            return reason(reverted.data)

    def read(self, contract: int, slot: int) -> int:
        return int(self.evm.storage(self.hex(contract), slot))

    def logs(self) -> list[tuple[int, list[int], bytes]]:
        """(contract, topics, data) of the last transaction's events, in order."""
        result = self.evm.result
        return [
            (
                int(log.address, 16),
                [int.from_bytes(topic, "big") for topic in log.data[0]],
                log.data[1],
            )
            for log in (result.logs if result else [])
        ]

    def balance(self, asset: int, holder: int) -> int:
        """Raw token balance, from storage; HOOK has another layout than Token."""
        slot = _token_slot("Token") if asset != HOOK else 1
        return self.read(self.tokens[asset], mapping_slot(slot, holder))

    def on_quote(self, push: tuple[int, bytes], asset: int, holder: int) -> int:
        """What a swap of the attacker's contract would bring of an asset."""
        had, checkpoint = self.balance(asset, holder), self.evm.snapshot()
        self.run_attacker([push])
        gained = self.balance(asset, holder) - had
        self.evm.revert(checkpoint)
        return max(gained, 0)

    def spot(self) -> tuple[int, int]:
        """(sqrt price, tick) of the pool."""
        slot0 = self.read(self.pool, 0)
        tick = slot0 >> 160 & 0xFFFFFF
        return slot0 & (2**160 - 1), tick - 2**24 if tick >= 2**23 else tick


@cache
def _token_slot(name: str) -> int:
    return artifacts.load(name).slots["balanceOf"]


def call(signature: str, *arguments: int) -> bytes:
    """Calldata of a function whose arguments are all words."""
    return selector(signature) + words(*arguments)


@cache
def clearing_slot(name: str) -> int:
    return artifacts.load("ClearingHouse").slots[name]


@cache
def vault_slot(name: str) -> int:
    return artifacts.load("HedgeVault").slots[name]
