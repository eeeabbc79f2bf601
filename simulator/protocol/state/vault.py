"""The HedgeVault, beside its position and its margin accounts 0 … M; what agents hold."""

from __future__ import annotations

from simulator.protocol.state.variable import (
    Compared,
    Derived,
    Kept,
    Scale,
    Shown,
    Slot,
    Subject,
    Word,
)
from simulator.protocol.units import RECENTER_INTERVAL

_VAULT = "HedgeVault"


class Vault(Subject):
    """The HedgeVault."""

    nav = Derived("", "USD", "net asset value, not below zero", Word("nav", 6))
    shares = Shown(
        "", "shares", "total supply, without the fees due since the last accrual",
        Word("vault", 7), Slot(_VAULT, "totalSupply"), raw=Scale.WAD,
    )  # fmt: skip
    idle_usdc = Shown(
        "", "USDC", "not placed",
        Word("vault", 8, Scale.USDC), Slot(_VAULT, "idle_usdc"), raw=Scale.USDC,
    )  # fmt: skip
    idle_base = Shown(
        "", "base", "not placed",
        Word("vault", 9, Scale.BASE), Slot(_VAULT, "idle_base"), raw=Scale.BASE,
        compared=Compared(part_of="lp_base"),
    )  # fmt: skip
    last_betas_time = Shown(
        "", "seconds", "since the start, of the last post of betas; −1 before the first",
        Word("vault", 17, Scale.TIME), Slot(_VAULT, "betas_posted_at"),
        start=-1.0, named="betas_time",
    )  # fmt: skip
    # What they gain by a share's gain since the last accrual is left over from all shares.
    fee_shares = Shown(
        "", "shares", "of the supply, the fee receiver's",
        Word("shares", 18), Slot(_VAULT, "balanceOf", role="fee_receiver"), raw=Scale.WAD,
        compared=Compared(part_of="shares"),
    )  # fmt: skip
    queued_shares = Derived(
        "", "shares", "of the supply, waiting in the queue",
        Word("shares", 19), Slot(_VAULT, "queued_shares"),
        # What a settlement leaves in line: all that were asked for less those it could pay.
        compared=Compared(part_of="shares"),
    )  # fmt: skip
    high_water_mark = Shown(
        "", "USDC per share", "above which the performance fee is due",
        Word("shares", 20), Slot(_VAULT, "high_water_mark"), start=1.0,
    )  # fmt: skip
    fees_time = Kept("", "seconds", "since the start, at the last accrual of fees")
    recentred = Kept(
        "", "seconds", "since the start, at the last paid recenter", start=-RECENTER_INTERVAL
    )
    requests = Kept("", "1", "requests ever made")
    betas = Shown(
        "markets", "1", "USD short per USD of LP delta",
        Word("betas", 4), Slot(_VAULT, "beta"),
        # Of an asset that hedges itself the others' ratios are rounding, 1e-14.
        compared=Compared(dust=1e-3),
    )  # fmt: skip
    request = Kept(
        "agents", "raw", "shares of each agent waiting in the queue; 0: no request",
        raw=Scale.WAD, group="requests", stored=Slot(_VAULT, "request", "shares"),
    )  # fmt: skip
    place = Kept("agents", "1", "the request's place in line, counted from 1 over all time")


class Wallet(Subject):
    """What agents hold."""

    token = Kept("agents assets", "raw", "by asset")
    wallet_usdc = Derived(
        "agents", "USDC", "USDC of each agent",
        Word("wallets", 0, Scale.USDC), Slot("USDC", "balanceOf"),
    )  # fmt: skip
    wallet_base = Derived(
        "agents", "base", "base of each agent",
        Word("wallets", 1, Scale.BASE), Slot("base", "balanceOf"),
    )  # fmt: skip
    wallet_shares = Shown(
        "agents", "shares", "of the vault",
        Word("wallets", 2), Slot(_VAULT, "balanceOf"), raw=Scale.WAD, named="shares",
    )  # fmt: skip
