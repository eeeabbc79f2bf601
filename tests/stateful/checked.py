"""A world whose invariants are checked after every operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tests.stateful import invariants_accounts, invariants_books, invariants_vault
from tests.stateful.draws import Draw
from tests.stateful.mismatch import Mismatch
from tests.stateful.rules import RULES, step
from tests.stateful.shares import quote
from tests.stateful.world import World

T = TypeVar("T")
Invariant = Callable[["CheckedWorld"], None]

# Those that try transactions on a copy take turns: one in so many steps.
SOMETIMES = {
    "inv_withdrawable_is_what_can_be_withdrawn": 5,
    "inv_debt_free_flat_users_always_leave": 5,
    "inv_reducing_is_always_possible": 5,
    "inv_anyone_may_add_margin": 10,
    "inv_healthy_accounts_are_not_liquidatable": 5,
    "inv_same_block_round_trips_lose": 10,
    "inv_pledges_are_held_and_back_one_account": 5,
    "inv_total_assets_never_reverts": 10,
    "inv_the_line_is_kept": 5,
    "inv_max_withdraw_is_never_refused": 10,
    "inv_max_redeem_is_never_refused": 10,
    "inv_max_deposit_is_never_refused": 10,
    "inv_entry_then_exit_never_gains": 10,
    "inv_exit_in_kind_is_always_open": 10,
    "inv_waiting_in_line_is_always_open": 10,
    "inv_the_vaults_liquidity_is_there": 5,
    "inv_roles_are_who_they_were": 20,
}
INVARIANTS: dict[str, Invariant] = {
    name: function
    for module in (invariants_books, invariants_accounts, invariants_vault)
    for name, function in vars(module).items()
    if name.startswith("inv_")
}
# Rules that act for people their arguments do not name.
INVOLVED = {
    "collude": ("trader", "other trader"),
    "reenter": ("trader", "attacker"),
    "grief": ("griefer",),
    "flash": ("attacker",),
    "sandwich": ("sandwicher",),
    "settle": (),
}


def prologue(draw: Draw) -> list[tuple[str, list[Any]]]:
    """A start with people in it: margin, deposits, a hedged vault with liquidity in place."""
    traders = ("trader", "other trader", "liquidity provider", "sandwicher", "attacker")
    margin = [
        ("deposit_margin", [name, draw.pick([0, 0, 0, 1, 2]), 0, draw.integer(10**9, 10**11)])
        for name in traders
    ]
    return [
        *margin,
        ("deposit_margin", ["liquidator", 0, 0, 10**12]),
        ("deposit", ["depositor", draw.integer(10**11, 5 * 10**11)]),
        ("deposit", ["other depositor", draw.integer(10**9, 10**11)]),
        ("arbitrage", [draw.integer(-5, 5)]),
        ("post_betas", [7 * 10**17, 2 * 10**17]),
        ("keep", ["keeper", "recenter"]),
        ("mint_liquidity", ["liquidity provider", -201_700, -200_500, draw.integer(50, 200)]),
        ("pledge", ["liquidity provider", 0, 2]),
        ("keep", ["keeper", "rebalance"]),
    ]


class CheckedWorld(World):
    """``do`` is the only way in. ``before`` and its like: as it was before the operation."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.step_number = 0
        self.operation = ""

    def do(self, name: str, arguments: list[Any]) -> None:
        """One operation, then every invariant whose turn it is."""
        self.operation = name
        self.before = self.ledger.copy()
        self.prices_before = dict(self.ledger.prices)
        self.quote_before = quote(self)
        self.mark_before, self.supply_before = self.book.mark, self.book.supply
        self.book.charged = 0
        self.accrued_before = self.book.accrued_at
        self.fee_shares_before = self.book.shares.get(self.book.fee_receiver, 0)
        self.involved = self._involved(name, arguments)
        step(self, name, arguments)
        self.step_number += 1
        self.check()

    def check(self) -> None:
        for offset, (name, invariant) in enumerate(INVARIANTS.items()):
            if (self.step_number + offset) % SOMETIMES.get(name, 1) == 0:
                try:
                    invariant(self)
                except Mismatch as error:
                    raise Mismatch(f"{name}: {error}") from error
                self.seen[name] += 1

    def _involved(self, name: str, arguments: list[Any]) -> set[int]:
        """Addresses whose accounts the operation may touch."""
        s = self.system
        named = {s.actors[a] for a in arguments if a in s.actors}
        owners = {a >> 8 for a in arguments if isinstance(a, int) and a > 2**100}
        implied = {s.actors[a] for a in INVOLVED.get(name, ())}
        vault = (
            {s.vault}
            if RULES[name].run.__module__.endswith(("shares", "keeping", "attack", "theft"))
            else set()
        )
        return named | owners | implied | vault

    def one_of(self, options: list[T]) -> T | None:
        """One after the other as steps go by."""
        return options[self.step_number // 5 % len(options)] if options else None
