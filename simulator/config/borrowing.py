"""The lending market: from the configuration to its parameters, and what must hold."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from simulator.config import cohorts
from simulator.protocol.borrowers import PERCENT, CategoryTerms, ListingTerms
from simulator.protocol.terms import resolved
from simulator.types import USDC
from simulator.world.lending import Borrower, LendingMarket, Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulator.config import borrowers as written
    from simulator.config.fields import Fields

# What all others owe may come as near to what they may; Aave averages their terms down to 1e-4.
_NEAR = 0.999
# The shares of a borrower's debt add up to one but for this.
_ROUNDING = 1e-9
#: Terms that Aave keeps in ten thousandths.
_KEPT = ("ltv", "liquidation_threshold", "liquidation_bonus", "protocol_fee", "factor")


def market(config: Fields) -> LendingMarket | None:
    """The lending market's parameters; None where nobody borrows."""
    lending = config.lending
    if lending is None:
        return None
    categories = list(lending.categories)
    return LendingMarket(
        listings=tuple(
            Listing(
                asset=config.symbols.index(symbol),
                category=_number(categories, reserve.category),
                **resolved(ListingTerms, reserve),
            )
            for symbol, reserve in lending.reserves.items()
        ),
        categories=tuple(
            CategoryTerms(**resolved(CategoryTerms, one)) for one in lending.categories.values()
        ),
        borrowers=tuple(
            cohort
            for name, one in lending.borrowers.items()
            for cohort in _cohorts(config, name, one, _number(categories, one.category))
        ),
    )


def _cohorts(config: Fields, name: str, one: written.Borrower, category: int) -> Iterator[Borrower]:
    """The accounts that an entry stands for, which share its collateral."""
    assert config.lending is not None
    reserves = config.lending.reserves
    least = _least_health(config, one) * (1.0 + 2.0 * _ROUNDING)
    called = cohorts.names(name, one.cohorts)
    for own, (part, health) in zip(called, cohorts.borrowers(one, least), strict=True):
        yield Borrower(
            name=own,
            collateral=tuple(part * one.collateral.get(symbol, 0.0) for symbol in reserves),
            debt=tuple(part * _owed(config, one, symbol, health) for symbol in reserves),
            category=category,
            group=name,
        )


def others(config: Fields) -> tuple[str, ...]:
    """Assets listed that are neither USDC nor the pool's base asset."""
    reserves = config.lending.reserves if config.lending is not None else {}
    return tuple(symbol for symbol in reserves if symbol not in (USDC, config.pool.base))


def _number(categories: list[str], name: str | None) -> int:
    """Of a category, counted from 1; 0: of none."""
    return 0 if name is None else 1 + categories.index(name)


def _terms(
    config: Fields, borrower: written.Borrower, symbol: str
) -> written.Category | written.Listing:
    """The terms on which a reserve backs a borrower."""
    lending = config.lending
    assert lending is not None
    reserve = lending.reserves[symbol]
    if borrower.category is not None and reserve.category == borrower.category:
        return lending.categories[borrower.category]
    return reserve


def _average(config: Fields, borrower: written.Borrower, term: str) -> float:
    """A term of a borrower's collateral, by worth, down to 1e-4 as GenericLogic averages it."""
    worth = {s: n * config.assets[s].price for s, n in borrower.collateral.items()}
    mean = sum(
        usd * round(getattr(_terms(config, borrower, symbol), term) * PERCENT)
        for symbol, usd in worth.items()
    ) / sum(worth.values())
    return floor(mean * (1.0 + _ROUNDING)) / PERCENT


def _owed(config: Fields, borrower: written.Borrower, symbol: str, health: float) -> float:
    """Whole tokens of a debt: its share of what the health factor leaves, at the first prices."""
    worth = sum(n * config.assets[s].price for s, n in borrower.collateral.items())
    all_debts = worth * _average(config, borrower, "liquidation_threshold") / health
    return all_debts * borrower.debt.get(symbol, 0.0) / config.assets[symbol].price


# ---------------------------------------------------------------------------------- what is wrong


def unknown(config: Fields) -> Iterator[str]:
    """Assets that are none, of the market and of who liquidates there."""
    if config.lending is not None:
        yield from _known("lending.reserves", config.lending.reserves, config.assets)
    agent = config.agents.borrower_liquidator
    if agent is not None:
        yield from _known("agents.borrower_liquidator.assets", agent.assets, others(config))


def problems(config: Fields) -> Iterator[str]:
    """What is wrong with the lending market, whose assets are known; names come first."""
    lending = config.lending
    if lending is None:
        return
    broken = [*_names(lending), *_collateral(lending)]
    if broken:  # what follows looks terms up by name
        yield from broken
        return
    for name, one in lending.borrowers.items():
        yield from _health(config, f"lending.borrowers.{name}", one)
    yield from _others_owe(config, lending)
    protocol = market(config)
    assert protocol is not None
    for index, symbol in enumerate(lending.reserves):
        yield from _amounts(f"lending.reserves.{symbol}", protocol, index)


def _names(lending: written.Lending) -> Iterator[str]:
    reserves, categories = lending.reserves, lending.categories
    for symbol, reserve in reserves.items():
        yield from _known(f"lending.reserves.{symbol}.category", [reserve.category], categories)
    for name, one in lending.borrowers.items():
        field = f"lending.borrowers.{name}"
        yield from _known(f"{field}.collateral", one.collateral, reserves)
        yield from _known(f"{field}.debt", one.debt, reserves)
        yield from _known(f"{field}.category", [one.category], categories)
        total = sum(one.debt.values())
        if abs(total - 1.0) > _ROUNDING:
            yield f"{field}.debt: is {total:g} in sum; must be 1, shares of all its debts"
        if one.category is not None:
            for symbol in one.debt:
                if symbol in reserves and reserves[symbol].category != one.category:
                    yield (
                        f"{field}.debt = {symbol}: must be in category {one.category}, as the "
                        "borrower is"
                    )


def _known(field: str, names: Iterable[str | None], allowed: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name is not None and name not in allowed:
            listed = ", ".join(allowed) or "none, there is none"
            yield f"{field} = {name}: must be one of {listed}"


def _collateral(lending: written.Lending) -> Iterator[str]:
    """What Aave's configurator refuses, and collateral that is none."""
    for symbol, reserve in lending.reserves.items():
        field = f"lending.reserves.{symbol}"
        if (reserve.ltv > 0) != (reserve.liquidation_threshold > 0):
            yield (
                f"{field}.ltv = {reserve.ltv:g}: must be above 0 with "
                f"{field}.liquidation_threshold, and 0 without"
            )
        else:
            yield from _pair(field, reserve)
        category = lending.categories.get(reserve.category or "")
        for term in ("ltv", "liquidation_threshold") if category is not None else ():
            given, least = getattr(category, term), getattr(reserve, term)
            if not given > least:
                yield (
                    f"lending.categories.{reserve.category}.{term} = {given:g}: must be above "
                    f"{least:g}, {field}.{term}"
                )
    for name, category in lending.categories.items():
        yield from _pair(f"lending.categories.{name}", category)
    for name, one in lending.borrowers.items():
        for symbol in one.collateral:
            if symbol in lending.reserves and lending.reserves[symbol].ltv == 0:
                yield (
                    f"lending.borrowers.{name}.collateral = {symbol}: must be collateral: "
                    f"lending.reserves.{symbol}.ltv above 0"
                )


def _pair(field: str, terms: written.Category | written.Listing) -> Iterator[str]:
    ltv, threshold, bonus = terms.ltv, terms.liquidation_threshold, terms.liquidation_bonus
    for name in _KEPT:
        value = getattr(terms, name, 0.0)
        if abs(value * PERCENT - round(value * PERCENT)) > _ROUNDING:
            yield f"{field}.{name} = {value:g}: must be a whole number of 0.0001, as Aave keeps it"
    if ltv > threshold:
        yield f"{field}.ltv = {ltv:g}: must be at most {threshold:g}, its liquidation_threshold"
    if not covers(threshold, bonus):
        yield (
            f"{field}.liquidation_threshold = {threshold:g}: must be at most "
            f"{1 / (1 + bonus):.4g}, or the collateral does not cover its liquidation_bonus"
        )


def covers(threshold: float, bonus: float) -> bool:
    """Whether collateral at its threshold pays the bonus: PoolConfigurator's percentMul ≤ 10⁴."""
    paid = round(threshold * PERCENT) * round((1.0 + bonus) * PERCENT)
    return (paid + PERCENT // 2) // PERCENT <= PERCENT


def _least_health(config: Fields, borrower: written.Borrower) -> float:
    """The health factor up to which Aave lends to a borrower."""
    threshold, ltv = (_average(config, borrower, term) for term in ("liquidation_threshold", "ltv"))
    return threshold / ltv


def _health(config: Fields, field: str, borrower: written.Borrower) -> Iterator[str]:
    """Aave lends up to the loan to value: how healthy a borrower is at least at the start."""
    least = _least_health(config, borrower)
    if borrower.health < least * (1.0 + _ROUNDING):
        yield (
            f"{field}.health = {borrower.health:g}: must be above {least:.6g}, the liquidation "
            "threshold over the loan to value of its collateral"
        )


def _others_owe(config: Fields, lending: written.Lending) -> Iterator[str]:
    """All who are no borrower here borrow against what they supply."""
    usd = {symbol: config.assets[symbol].price for symbol in lending.reserves}
    owed = sum(one.borrowed * usd[symbol] for symbol, one in lending.reserves.items())
    limit = sum(one.ltv * one.supplied * usd[symbol] for symbol, one in lending.reserves.items())
    if owed > _NEAR * limit:
        yield (
            f"lending.reserves: others owe {owed:g} USD; must be below {limit:g}, what they may "
            "borrow against what they supply"
        )


def _amounts(field: str, protocol: LendingMarket, index: int) -> Iterator[str]:
    """What is lent must be there, and caps hold at the start."""
    listing = protocol.listings[index]
    owed = listing.borrowed + sum(one.debt[index] for one in protocol.borrowers)
    supplied = listing.supplied + sum(one.collateral[index] for one in protocol.borrowers)
    if owed > _NEAR * supplied:
        yield f"{field}: {owed:g} are owed; must be below {supplied:g}, what is supplied"
    for name, cap, amount in (
        ("supply_cap", listing.supply_cap, supplied),
        ("borrow_cap", listing.borrow_cap, owed),
    ):
        if cap and amount > cap:
            yield f"{field}.{name} = {cap}: must be at least {amount:.10g}, or 0"
