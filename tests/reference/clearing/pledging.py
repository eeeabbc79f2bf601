"""Uniswap positions as collateral (contracts/SPEC.md §3.5). NFTs in hand are the caller's affair.

``spot``: the pool's sqrt price Q64.96, at which liquidity is burnt; margin is at the oracle's.
"""

from __future__ import annotations

from dataclasses import replace

from tests.reference.amounts import amounts_down
from tests.reference.clearing import perp, waterfall
from tests.reference.clearing.liquidation import (
    ONE,
    buy,
    check_buyer,
    direction,
    discounted,
    gross_shortfall,
    reduction,
    require_better,
    unhealthy,
)
from tests.reference.clearing.margin import (
    Valuation,
    initial,
    pledge_amounts,
    require_release,
    valuation,
    worth,
)
from tests.reference.clearing.state import MAX_PLEDGES, Account, Ledger, Pledge, require
from tests.reference.clearing.trading import require_room
from tests.reference.integers import WAD, away, ceil, floor


def pledge(ledger: Ledger, owner: int, sub: int, token_id: int, position: Pledge) -> None:
    """``position``: what the manager says of the NFT."""
    require(not ledger.paused, "clearing: paused")
    take(ledger, owner << 8 | sub, token_id, position)


def take(ledger: Ledger, number: int, token_id: int, position: Pledge) -> None:
    account, terms = ledger.account(number), ledger.liquidity_terms
    assert terms is not None
    fits = not account.isolated and len(account.pledges) < MAX_PLEDGES
    require(fits and position.liquidity > 0, "clearing: bad pledge")
    total = ledger.pledged_liquidity + position.most
    require(total <= terms.cap, "clearing: collateral cap")
    ledger.pledged_liquidity = total
    account.pledges[token_id] = position


def give(ledger: Ledger, number: int, token_id: int) -> None:
    account = ledger.account(number)
    require(token_id in account.pledges, "clearing: bad pledge")
    ledger.pledged_liquidity -= account.pledges.pop(token_id).most


def release(ledger: Ledger, owner: int, sub: int, token_id: int) -> None:
    give(ledger, owner << 8 | sub, token_id)
    require_release(ledger, owner << 8 | sub)


def rearrange(
    ledger: Ledger,
    owner: int,
    sub: int,
    lent: list[int],
    returned: dict[int, Pledge],
    usdc: int,
) -> None:
    """``returned``: the NFTs the callback names, as they then are; ``usdc`` raw."""
    number = owner << 8 | sub
    held = perp.accrue_held(ledger, number)
    before = valuation(ledger, number) if held else None
    for token_id in lent:
        give(ledger, number, token_id)
    for token_id, position in returned.items():
        take(ledger, number, token_id, position)
    if usdc:
        require_room(ledger, number, 0, usdc)
        ledger.account(number).cash += usdc * ledger.cash_unit
        ledger.held[0] += usdc
    if before is None and ledger.account(number).cash >= 0:
        return
    after = valuation(ledger, number)
    holds = after.initial_equity >= initial(ledger, after.maintenance)
    if before is not None:
        # The ratio of a negative E would rise with M.
        no_worse = (
            after.equity >= before.equity
            if before.equity < 0
            else after.equity * before.maintenance >= before.equity * after.maintenance
        )
        holds = holds or no_worse
    require(holds, "clearing: below initial margin")


def burn(ledger: Ledger, number: int, token_id: int, liquidity: int, spot: int) -> tuple[int, int]:
    """Raw (base, USDC) of a part of a pledge, now at the venue in nobody's account."""
    terms, account = ledger.liquidity_terms, ledger.account(number)
    assert terms is not None
    old = account.pledges[token_id]
    base, usdc = amounts_down(spot, old.lower, old.upper, liquidity)
    ledger.held[terms.base] += base
    ledger.held[0] += usdc
    account.pledges[token_id] = replace(old, liquidity=old.liquidity - liquidity)
    ledger.pledged_liquidity -= old.most - account.pledges[token_id].most
    if old.liquidity == liquidity:
        del account.pledges[token_id]
    return base, usdc


def liquidate_pledge(
    ledger: Ledger, caller: int, number: int, token_id: int, spot: int
) -> tuple[int, int]:
    """(fraction burnt, USDC paid)."""
    account, terms = ledger.account(number), ledger.liquidity_terms
    require(token_id in account.pledges and terms is not None, "clearing: bad pledge")
    assert terms is not None
    c, state = terms.base, None
    pledge_amounts(ledger, account.pledges[token_id])
    if account.positions:
        state = unhealthy(ledger, number)
        fraction = fraction_to_burn(ledger, account, token_id, state)
        require(fraction > 0, "clearing: not reducing risk")
    else:
        require(account.cash < 0, "clearing: not liquidatable")
        base, usdc = pledge_amounts(ledger, account.pledges[token_id])
        worth_usdc = price_in_usdc(ledger, c, base) + usdc * ledger.cash_unit
        fraction = min(WAD, ceil(-account.cash, WAD, worth_usdc)) if worth_usdc else WAD

    liquidity = ceil(account.pledges[token_id].liquidity, fraction, WAD)
    base, usdc = burn(ledger, number, token_id, liquidity, spot)
    account.cash += usdc * ledger.cash_unit
    paid = price_in_usdc(ledger, c, base)
    buy(ledger, caller, number, c, base, paid)
    if state is not None and state.notional:
        after = valuation(ledger.at_last_prices(), number)
        require_better(state, after, spent=state.equity <= 0)
    ledger.emptied.append(number)
    waterfall.end(ledger)
    check_buyer(ledger, caller)
    return fraction, paid


def price_in_usdc(ledger: Ledger, c: int, raw: int) -> int:
    """What a liquidator pays for raw collateral, USDC WAD."""
    usd = ceil(raw, discounted(ledger, c), ledger.collaterals[c].unit)
    return ceil(usd, WAD, ledger.price(ledger.usdc))


def fraction_to_burn(ledger: Ledger, account: Account, token_id: int, state: Valuation) -> int:
    """Least fraction whose sale restores initial margin, as far as risk lets E/M not fall."""
    terms = ledger.liquidity_terms
    assert terms is not None
    if state.equity < 0:
        return WAD
    base, usdc = pledge_amounts(ledger, account.pledges[token_id])
    base_usd, usdc_usd = worth(ledger, terms.base, base), worth(ledger, 0, usdc)
    total = base_usd + usdc_usd
    if not total:
        return WAD
    received = floor(base, discounted(ledger, terms.base), ledger.collaterals[terms.base].unit)
    gain = floor(received + usdc_usd, WAD - ledger.usdc_haircut, WAD)
    gain = max(gain - ceil(total, WAD - terms.haircut, WAD), 0)
    shortfall, gross = gross_shortfall(ledger, state), 0
    if shortfall > 0:
        gross = ceil(shortfall, WAD, gain) if gain else WAD
    lost = direction(ledger, ledger.collaterals[terms.base].asset, base_usd, -received)
    z = tuple(away(x, ONE, total) for x in lost)
    cost = -floor(gain, WAD, total)
    usd = reduction(ledger, state, z, cost, cost, total, ceil(min(gross, WAD), total, WAD))
    return min(WAD, ceil(usd, WAD, total))
