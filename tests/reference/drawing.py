"""Random states of the clearing house, steered so that every branch of the specification is met."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.reference.clearing import maker, margin, perp
from tests.reference.clearing.portfolio import COLUMNS
from tests.reference.clearing.state import (
    COVARIANCE_RAMP,
    Account,
    Collateral,
    Ledger,
    LiquidityTerms,
    Market,
    Parameters,
    Pledge,
    Position,
    Terms,
)
from tests.reference.integers import WAD

NOW = 1_700_000_000
PRICES = (1, 2_000, 30_000, 100)  # USDC, base of the pool, two perps without a token
MARKETS = 3
OWNERS = tuple(0x1000 * (i + 1) for i in range(6))
LIQUIDATOR = 0xBEEF


@dataclass(frozen=True)
class Place:
    """What exists on chain: token addresses (USDC, base), the NFTs that may be pledged."""

    usdc: int
    base: int
    nfts: dict[int, Pledge]


def wad(draw: random.Random, low: float, high: float) -> int:
    return draw.randrange(int(low * WAD), int(high * WAD) + 1)


def chance(draw: random.Random, probability: float) -> bool:
    return draw.random() < probability


def ledger(draw: random.Random, place: Place) -> Ledger:
    """A venue with accounts in every condition between rich and bankrupt."""
    assets = (place.usdc, place.base, 0xA55E7 + 1, 0xA55E7 + 2)
    parameters = _parameters(draw)
    out = Ledger(
        usdc=place.usdc,
        terms=[_terms(draw, asset, parameters) for asset in assets[1:]],
        collaterals=_collaterals(draw, place, parameters),
        parameters=parameters,
        rows=_rows(draw, assets),
        rows_before=_rows(draw, assets),
        rows_posted_at=NOW - draw.choice((0, 1, 9_000, COVARIANCE_RAMP, 10**6)),
        prices={
            asset: wad(draw, 0.4 * price, 2.5 * price)
            for asset, price in zip(assets, PRICES, strict=True)
        },
        now=NOW,
        held=[10**20, 10**28],
    )
    out.prices[place.usdc] = WAD if chance(draw, 0.4) else wad(draw, 0.6, 1.1)
    out.liquidity_terms = LiquidityTerms(
        _at_least(draw, parameters, out.collaterals[0].haircut), 2**127, 1, 18
    )
    out.markets = [_market(draw) for _ in out.terms]
    _populate(draw, out, place)
    for m in range(MARKETS):
        _finish_market(draw, out, m)
    for number in out.accounts:
        _set_cash(draw, out, number)
    out.insurance_fund = draw.choice([0, wad(draw, 0, 2_000), wad(draw, 0, 1e6)])
    out.bad_debt = wad(draw, 0, 1e6)
    out.gate_until = draw.choice([0, 0, NOW - 5, NOW, NOW + 5])
    out.paused = chance(draw, 0.05)
    out.account(LIQUIDATOR << 8).cash = draw.choice([0, wad(draw, 0, 1e4), wad(draw, 0, 1e9)])
    out.deviation = {
        terms.asset: draw.choice([0, wad(draw, 0, 0.01), wad(draw, 0, 0.1)]) for terms in out.terms
    }
    if chance(draw, 0.2):  # seldom USDC, without which hardly anything is done
        out.silent = frozenset(a for a in assets if chance(draw, 0.1 if a == out.usdc else 0.4))
    return out


def _parameters(draw: random.Random) -> Parameters:
    portfolio = chance(draw, 0.6)
    return Parameters(
        initial_multiple=wad(draw, 1, 3),
        liquidation_penalty=draw.choice([0, wad(draw, 0, 0.03)]),
        liquidator_share=draw.choice([0, WAD, wad(draw, 0, 1)]),
        profit_cap=draw.choice([0, WAD, wad(draw, 0, 1)]),
        gross_floor=wad(draw, 0.5, 1) if portfolio else WAD,
        risk_multiple=wad(draw, 0.5, 12) if portfolio else 0,
        withdrawal_gate=draw.choice([0, 3_600]),
        deleveraging=draw.randrange(4),
    )


def _terms(draw: random.Random, asset: int, p: Parameters) -> Terms:
    half_spread = draw.choice([0, wad(draw, 0, 0.01)])
    # Closing must free more than it costs: SPEC §3.1's bound on the setters.
    least = (half_spread + p.liquidation_penalty) * WAD * WAD
    least = least // (p.gross_floor * p.initial_multiple // WAD) // WAD + 10**12
    return Terms(
        asset=asset,
        skew_scale=wad(draw, 10, 1e6),
        half_spread=half_spread,
        taker_fee=draw.choice([0, wad(draw, 0, 0.01)]),
        velocity=draw.choice([0, wad(draw, 0, 20)]),
        max_skew=0,
        maintenance_rate=least + wad(draw, 0, 0.1),
        max_open_interest=0,
        insurance_cap=draw.choice([0, wad(draw, 0, 2_000), 10**30]),
        maker_loss_cap=draw.choice([0, wad(draw, 0, 2_000), 10**30]),
    )


def _at_least(draw: random.Random, p: Parameters, usdc_haircut: int) -> int:
    """A haircut at which selling to a liquidator costs no equity."""
    least = WAD - (WAD - p.liquidation_penalty) * (WAD - usdc_haircut) // WAD
    return min(least + draw.choice([0, wad(draw, 0, 0.3)]), WAD)


def _collaterals(draw: random.Random, place: Place, p: Parameters) -> list[Collateral]:
    haircut = draw.choice([0, wad(draw, 0, 0.05)])
    return [
        Collateral(place.usdc, haircut, 2**200, 10**6),
        Collateral(place.base, _at_least(draw, p, haircut), 2**200, 10**18),
    ]


def _rows(draw: random.Random, assets: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    """Daily volatilities of a few percent over common factors; USDC often has none."""
    rows = {}
    for i, asset in enumerate(assets):
        size = 8_000_000 if i else draw.choice([0, 0, 300_000])
        columns = draw.randint(1, COLUMNS)
        row = [draw.randint(-size, size) if j < columns else 0 for j in range(COLUMNS)]
        row[0] = abs(row[0])
        rows[asset] = tuple(row)
    if chance(draw, 0.1):
        rows = dict.fromkeys(assets, (0,) * COLUMNS)
    return rows


def _market(draw: random.Random) -> Market:
    return Market(
        rate=wad(draw, -0.5, 0.5),
        index=wad(draw, -500, 500),
        updated_at=NOW - draw.choice([0, 0, 1, 12, draw.randint(0, 86_400 * 3)]),
        loss_long=draw.choice([0, wad(draw, 0, 5)]),
        loss_short=draw.choice([0, wad(draw, 0, 5)]),
        insurance_drawn=wad(draw, 0, 1_500),
        maker_drawn=wad(draw, 0, 1_500),
    )


def _populate(draw: random.Random, out: Ledger, place: Place) -> None:
    nfts = list(place.nfts.items())
    draw.shuffle(nfts)
    for i, owner in enumerate(OWNERS):
        isolated = chance(draw, 0.15)
        sub = draw.randint(1, MARKETS) if isolated else 0
        account = Account(isolated=isolated)
        out.accounts[owner << 8 | sub] = account
        markets = [sub - 1] if isolated else draw.sample(range(MARKETS), draw.randint(0, MARKETS))
        if i < 2 and not markets:
            markets = [0]
        for m in markets:
            out.markets[m].opened += 1
            account.positions[m] = _position(draw, out, m)
        if chance(draw, 0.4):
            account.basket[1] = draw.choice([1, draw.randrange(10**21), draw.randrange(10**18)])
        if not isolated and chance(draw, 0.35):
            for _ in range(min(draw.choice([1, 1, 2, 4]), len(nfts))):
                token_id, nft = nfts.pop()
                account.pledges[token_id] = nft
                out.pledged_liquidity += nft.most


def _position(draw: random.Random, out: Ledger, m: int) -> Position:
    terms, market = out.terms[m], out.markets[m]
    price = out.prices[terms.asset]
    notional = draw.choice([wad(draw, 0, 10), wad(draw, 0, 1e5), wad(draw, 0, 1e6)]) + 10**6
    size = max(notional * WAD // price, 1) * draw.choice([1, -1])
    if chance(draw, 0.02):
        size = draw.choice([1, -1, 7])
    paid = price * draw.randint(500, 1_500) // 1_000
    return Position(
        size=size,
        cost=size * paid // WAD,
        index=market.index - wad(draw, -3, 3),
        loss=draw.randint(0, market.loss(size)),
        opened=market.opened,
    )


def _finish_market(draw: random.Random, out: Ledger, m: int) -> None:
    """Skew and open interest are the sums; the depth such that the skew moves prices by little."""
    sizes = [a.positions[m].size for a in out.accounts.values() if m in a.positions]
    market = out.markets[m]
    market.skew, market.longs = sum(sizes), sum(s for s in sizes if s > 0)
    market.opened += draw.randint(0, 3)
    deep = max(sum(map(abs, sizes)) * draw.choice([2, 10, 100, 1_000]), 10**18)
    total = sum(map(abs, sizes))
    room = draw.choice([total, total * 5 // 4, 10**30])
    inventory = draw.choice([abs(market.skew), total, 10**30])
    out.terms[m] = replace(
        out.terms[m], skew_scale=deep, max_open_interest=room, max_skew=inventory
    )
    bound = perp.skew_bound(out, m)
    market.opening_skew = draw.choice([market.skew, 0, -market.skew, draw.randint(-total, total)])
    market.liquidated = draw.choice([0, 0, bound // 3, bound, 2 * bound])
    claim = abs(market.skew) * bound // deep * out.prices[out.terms[m].asset] // WAD
    market.pool = draw.choice([0, claim // 7, claim, 3 * claim])
    whole = perp.potential(out, m, market.skew)
    market.unpaid = draw.choice([0, 0, 1, whole // 3, whole, 2 * whole])
    _set_maker(draw, out, m)


def _set_maker(draw: random.Random, out: Ledger, m: int) -> None:
    """A maker that is rich, near what new risk needs, near nothing, or owes what it has not."""
    reserve = maker.reserve(out, m)
    wanted = draw.choice(
        [
            *(wad(draw, 0, 5e6) + 10 * reserve,) * 3,
            reserve * draw.randint(900, 1_300) // 1_000,
            draw.randint(-10, 10),
            -wad(draw, 0, 1e4),
        ]
    )
    out.markets[m].maker_cash = wanted - maker.value(out, m)


def _blame(draw: random.Random, account: Account) -> None:
    """Some positions have made the debt, in what proportion ever; now and then nobody knows."""
    for _ in range(draw.choice([0, 1, 1, 2, 4])):
        part = draw.choice([1, -account.cash // 3, -account.cash, -2 * account.cash])
        account.blamed[draw.randrange(MARKETS), chance(draw, 0.5)] = part


def _set_cash(draw: random.Random, out: Ledger, number: int) -> None:
    """Cash that puts equity at a chosen multiple of the requirement, or the value below zero."""
    account = out.accounts[number]
    if not account.positions:
        account.cash = draw.choice([0, wad(draw, 0, 1e5), -wad(draw, 0, 1e4)])
        if account.cash < 0:  # some fills left it so
            _blame(draw, account)
        return
    account.cash = 0
    empty = margin.valuation(out, number)
    requirement = empty.maintenance or WAD
    target = draw.choice(
        [
            wad(draw, 1, 5),
            wad(draw, 0.95, 1.02),
            wad(draw, 0.3, 1),
            wad(draw, 0, 0.3),
            wad(draw, -0.3, 0),
            wad(draw, -3, -0.3),
        ]
    )
    wanted = requirement * target // WAD - empty.equity
    account.cash = wanted * WAD // margin.unit_equity(out, wanted)
    if account.cash < 0:
        _blame(draw, account)
    if chance(draw, 0.1):
        account.cash = account.cash // out.cash_unit * out.cash_unit
