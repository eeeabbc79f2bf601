"""What does not fit of cohorts at the vault's own venues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.config import cohorts
from simulator.protocol.borrowers import MOST_BORROWERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields

#: Accounts that can hold a market of the venue: MAX_HOLDERS of contracts/modules/ledger.vy.
MOST_ACCOUNTS = 64
_SIDES = ("leveraged_long", "leveraged_short")


def problems(config: Fields) -> Iterator[str]:
    """Of traders and of borrowers, one line each."""
    for name in _SIDES:
        if (section := getattr(config.agents, name)) is not None:
            yield from _traders(f"agents.{name}", section)
    accounts = _accounts(config)
    if accounts > MOST_ACCOUNTS:
        yield (
            f"agents.leveraged_long.cohorts, agents.leveraged_short.cohorts: {accounts} margin "
            f"accounts with the vault's and other agents'; must be at most {MOST_ACCOUNTS}, the "
            "seats of a market"
        )
    if config.lending is None:
        return
    written = config.lending.borrowers
    for name, one in written.items():
        yield from _alone(f"lending.borrowers.{name}", one, ("health_spread", "size_spread"))
    called: dict[str, str] = {}
    for name, one in written.items():
        for account in cohorts.names(name, one.cohorts):
            if (other := called.setdefault(account, name)) != name:
                yield (
                    f"lending.borrowers.{name}: its account {account} is called as one of "
                    f"lending.borrowers.{other}; must be another name"
                )
    if (count := sum(one.cohorts for one in written.values())) > MOST_BORROWERS:
        yield f"lending.borrowers: {count} accounts with cohorts; must be at most {MOST_BORROWERS}"


def _traders(field: str, section: Any) -> Iterator[str]:
    yield from _alone(field, section, ("leverage_spread", "size_spread"))
    if section.open_interest_usd is not None and any(section.margin.values()):
        yield (
            f"{field}.open_interest_usd = {section.open_interest_usd:g}: margin follows from it; "
            f"must be null, or {field}.margin left out"
        )
    if section.most_leverage is not None and section.leverage > section.most_leverage:
        yield (
            f"{field}.leverage = {section.leverage:g}: must be at most "
            f"{section.most_leverage:g}, its most_leverage"
        )


def _alone(field: str, section: Any, spreads: tuple[str, ...]) -> Iterator[str]:
    """A spread of one account says nothing."""
    for spread in spreads:
        if section.cohorts == 1 and (value := getattr(section, spread)) > 0.0:
            yield (
                f"{field}.{spread} = {value:g}: of one account; must be 0, or {field}.cohorts "
                "above 1"
            )


def _accounts(config: Fields) -> int:
    """Margin accounts, the vault's first."""
    agents = (getattr(config.agents, name) for name in type(config.agents).model_fields)
    return (
        1
        + len(config.clearing.markets)
        + sum(
            getattr(agent, "cohorts", 1)
            for agent in agents
            if hasattr(agent, "margin") or getattr(agent, "exit_in_kind", False)
        )
    )
