"""The lending market and who borrows there: reserves, accounts, what is owed without backing."""

from __future__ import annotations

from simulator.protocol.state.variable import (
    Compared,
    Computed,
    Derived,
    Kept,
    Scale,
    Subject,
    Word,
)


class Borrowing(Subject):
    """Aave with borrowers of its own; none of it the vault's."""

    liquidity_index = Kept("listings", "1", "at updated_at", start=1.0)
    borrow_index = Kept("listings", "1", "at updated_at", start=1.0)
    liquidity_rate = Kept("listings", "per year", "of who supplies")
    borrow_rate = Kept("listings", "per year", "of who owes")
    updated_at = Kept("listings", "seconds", "since the start")
    available = Kept("listings", "raw", "not lent")
    owed = Kept("listings", "raw", "scaled debt of everyone")
    supplied = Kept("borrowers listings", "raw", "scaled collateral of each borrower")
    debt = Kept("borrowers listings", "raw", "scaled debt of each borrower")
    used = Kept("borrowers listings", "1", "whether it backs the borrower's debts: 1, else 0")
    listing_available = Derived(
        "listings", "tokens", "not lent by the market",
        Word("borrowers", 0, Scale.LISTING), Computed(),
    )  # fmt: skip
    listing_owed = Derived(
        "listings", "tokens", "owed to the market by everyone",
        Word("borrowers", 1, Scale.LISTING), Computed(),
    )  # fmt: skip
    borrower_collateral = Derived(
        "borrowers", "USD", "what backs the borrower's debts, at the oracle's prices",
        Word("borrowers", 0), Computed(),
    )  # fmt: skip
    borrower_debt = Derived(
        "borrowers", "USD", "what the borrower owes, at the oracle's prices",
        Word("borrowers", 1), Computed(),
    )  # fmt: skip
    borrower_health = Derived(
        "borrowers", "1", "health factor; 1e6: nothing, or next to nothing, is owed",
        Word("borrowers", 2), Computed(),
    )  # fmt: skip
    bad_loans = Derived(
        "borrowers", "USD", "debt beyond the collateral",
        Word("borrowers", 3), Computed(), compared=Compared(part_of="borrower_debt"),
    )  # fmt: skip
    borrower_supplied = Derived(
        "borrowers listings", "tokens", "supplied by the borrower",
        Word("borrowers", 0, Scale.LISTING), Computed(),
    )  # fmt: skip
    borrower_owed = Derived(
        "borrowers listings", "tokens", "owed by the borrower",
        Word("borrowers", 1, Scale.LISTING), Computed(),
    )  # fmt: skip
    borrower_uses = Derived(
        "borrowers listings", "1", "whether it backs the borrower's debts: 1, else 0",
        Word("borrowers", 2, Scale.WHOLE), Computed(),
    )  # fmt: skip
    wallet_other = Derived(
        "agents others", "tokens", "what each agent has of each listed asset but USDC and the base",
        Word("borrowers", 0, Scale.OTHER), Computed(),
    )  # fmt: skip
