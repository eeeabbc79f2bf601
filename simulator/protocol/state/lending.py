"""The hedge on Aave v3, where the vault has one.

Reserves are USDC, then the legs' assets; ``loans``: one where there is such a hedge, else none.
"""

from __future__ import annotations

from simulator.protocol.state.variable import Computed, Derived, Kept, Scale, Subject, Word


class Lending(Subject):
    """Aave, and what the vault has and owes there; the record has the legs' pools besides."""

    liquidity_index = Kept("reserves", "1", "at updated_at", start=1.0)
    borrow_index = Kept("reserves", "1", "at updated_at", start=1.0)
    liquidity_rate = Kept("reserves", "per year", "of who supplies")
    borrow_rate = Kept("reserves", "per year", "of who owes")
    updated_at = Kept("reserves", "seconds", "since the start")
    available = Kept("reserves", "raw", "not lent")
    owed = Kept("reserves", "raw", "scaled debt of everyone")
    supplied = Kept("", "raw", "scaled USDC of the vault's venue")
    debt = Kept("legs", "raw", "its scaled debts")
    aave_supplied = Derived("loans", "USDC", "of the vault's venue", Word("lending", 0), Computed())
    aave_equity = Derived("loans", "USD", "equity there", Word("lending", 1), Computed())
    aave_maintenance = Derived(
        "loans", "USD", "maintenance requirement there", Word("lending", 2), Computed()
    )
    aave_debt = Derived(
        "legs", "base units", "debt of the vault's venue",
        Word("lending", 0, Scale.OWED), Computed(),
    )  # fmt: skip
    aave_available = Derived(
        "legs", "tokens", "not lent", Word("lending", 1, Scale.LEG), Computed()
    )
    leg_sqrt_price = Derived(
        "legs", "raw", "√P of the pool asset/USDC", Word("lending", 2, Scale.X96), Computed()
    )
    wallet_leg = Derived(
        "agents legs", "tokens", "what each agent has of each leg's asset",
        Word("lending", 0, Scale.LEG), Computed(),
    )  # fmt: skip
