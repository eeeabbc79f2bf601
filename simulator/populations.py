"""Crowds fitted to a table of accounts, or to published figures: ``hedgesim population fit``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import yaml
from pydantic import ValidationError

from simulator.config.errors import lines
from simulator.config.population import Crowds
from simulator.market.files.accounts import BORROWERS, Accounts, Figure, read_accounts
from simulator.market.fitting import lognormal
from simulator.market.fitting.lognormal import Held, LogNormal
from simulator.market.fitting.published import published
from simulator.protocol.population import MOST_MEMBERS, BorrowersTerms, TradersTerms
from simulator.protocol.terms import Term, terms_of
from simulator.types import InputError

#: Of the riskier end of a fitted figure, the shares by which its tail is told.
_TAIL = (0.1, 0.01)
#: Of the accounts, the largest, by which the tail of the sizes is told.
_LARGEST = 0.01


@dataclass(frozen=True, eq=False)
class FittedCrowd:
    """One crowd of `population`, and how sure it is.

    Attributes:
        asset, side: where it stands in the section.
        section: what `population` takes.
        figure, size: the fits; None: from published figures.
        tail: how far the figure's riskier end holds.
        largest: share of the sum that the largest hundredth holds, fitted and of the table.
        together: rank correlation of figure and size, which a crowd has not.
        left_out: accounts that are nobody's who can be liquidated, by why.
        notes: what else to know.
    """

    asset: str
    side: str
    section: Mapping[str, float]
    figure: LogNormal | None = None
    size: LogNormal | None = None
    tail: tuple[Held, ...] = ()
    largest: tuple[float, float] = (0.0, 0.0)
    together: float = 0.0
    left_out: Mapping[str, int] | None = None
    notes: tuple[str, ...] = ()

    def said(self) -> list[str]:
        """The fit in lines of text."""
        found = [f"{self.asset} {self.side}: {self._counted()}"]
        if self.figure is not None and self.size is not None:
            name = "health factor less one" if self.side == BORROWERS else "leverage"
            found += [f"  {name}: {_told(self.figure)}", f"  size, USD: {_told(self.size)}"]
            for held in self.tail:
                beyond = "below" if self.side == BORROWERS else "above"
                found.append(
                    f"    {beyond} {held.point:.4g}: fitted {held.fitted:.1%}, of accounts "
                    f"{held.values:.1%}, of the sum {held.weight:.1%}"
                )
            found.append(
                f"    the largest {_LARGEST:.0%} hold: fitted {self.largest[0]:.1%}, of the table "
                f"{self.largest[1]:.1%}; rank correlation of size and {name} {self.together:+.2f}, "
                "of a crowd 0"
            )
        return found + [f"  {note}" for note in self.notes]

    def _counted(self) -> str:
        if self.figure is None:
            return "from published figures"
        out = ", ".join(f"{count:,} {why}" for why, count in (self.left_out or {}).items())
        return f"{self.figure.count:,} accounts" + (f"; left out: {out}" if out else "")

    def json(self) -> dict[str, object]:
        """The same as plain data."""
        found: dict[str, object] = {
            "asset": self.asset,
            "side": self.side,
            "section": dict(self.section),
            "notes": list(self.notes),
        }
        if self.figure is not None and self.size is not None:
            found |= {
                name: vars(fit) | {"rejected": fit.rejected}
                for name, fit in (("figure", self.figure), ("size", self.size))
            }
            found["tail"] = [vars(held) for held in self.tail]
            found["largest"] = {
                "part": _LARGEST,
                "fitted": self.largest[0],
                "table": self.largest[1],
            }
            found["rank_correlation"] = self.together
            found["left_out"] = dict(self.left_out or {})
        return found


@dataclass(frozen=True, eq=False)
class FittedPopulation:
    """All crowds of a file."""

    file: str
    crowds: tuple[FittedCrowd, ...]

    def block(self) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
        """The section `population` as plain data."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for crowd in self.crowds:
            found.setdefault(crowd.asset, {})[crowd.side] = dict(crowd.section)
        return {"population": found}

    def said(self) -> list[str]:
        """How sure it is, in lines of text."""
        return [f"fitted to {self.file}", *(line for each in self.crowds for line in each.said())]

    def yaml(self) -> str:
        """:meth:`block` as YAML under :meth:`said`."""
        text = yaml.safe_dump(self.block(), sort_keys=False, allow_unicode=True)
        return "".join(f"# {line}\n" for line in self.said()) + text


def fit(
    file: str,
    *,
    asset: str | None = None,
    side: str | None = None,
    columns: Mapping[str, str] | None = None,
    most_leverage: float | None = None,
    maintenance_rate: float | None = None,
) -> FittedPopulation:
    """The crowds of a table of accounts, or of published figures, by asset and side.

    ``most_leverage``, ``maintenance_rate``: of the venue, which no account says; None: as
    `population` has them.

    Raises:
        InputError: as :func:`~simulator.market.files.accounts.read_accounts`; too few accounts;
            figures that say too little or contradict each other; what no `population` takes.
    """
    found = read_accounts(file, asset, side, columns or {})
    given = {"most_leverage": most_leverage, "maintenance_rate": maintenance_rate}
    venue = {name: value for name, value in given.items() if value is not None}
    for name, value in venue.items():
        _within(terms_of(TradersTerms)[name], name, value)
    crowds: list[FittedCrowd] = []
    figures: dict[tuple[str, str], list[Figure]] = {}
    for one in found:
        if isinstance(one, Figure):
            figures.setdefault((one.asset, one.side), []).append(one)
        else:
            crowds.append(_of_accounts(file, one, venue))
    crowds += [_of_figures(file, *key, rows, venue) for key, rows in figures.items()]
    fitted = FittedPopulation(file, tuple(crowds))
    for symbol, sides in fitted.block()["population"].items():
        if not (symbol.isascii() and symbol.isalnum() and len(symbol) <= 16):
            raise InputError(
                f"asset = {symbol!r}; allowed: up to 16 letters and digits, as a scenario calls it"
            )
        try:
            Crowds.model_validate(sides)
        except ValidationError as error:
            said = (f"population.{symbol}.{line}" for line in lines(error, sides))
            raise InputError("\n".join(said)) from None
    return fitted


def _within(term: Term, name: str, value: float) -> None:
    section = TradersTerms.__name__
    bounds = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    ok = {"gt": value > (term.gt or 0.0), "le": value <= (term.le or inf)}
    ok |= {"ge": value >= (term.ge or 0.0), "lt": value < (term.lt or inf)}
    if not all(ok[bound] for bound in term.bounds):
        allowed = ", ".join(f"{bounds[key]} {bound:g}" for key, bound in term.bounds.items())
        raise InputError(f"{name} = {value:g}; allowed: {allowed} ({section})")


def _of_accounts(file: str, accounts: Accounts, venue: Mapping[str, float]) -> FittedCrowd:
    where = f"accounts = {file}: {accounts.asset} {accounts.side}"
    owing = accounts.side == BORROWERS
    cap, notes = inf, []
    if not owing:
        cap = _cap(venue)
    try:
        figure = lognormal.fit(accounts.figure, cap)
        size = lognormal.fit(accounts.size)
    except InputError as error:
        out = ", ".join(f"{count} {why}" for why, count in accounts.left_out.items())
        raise InputError(f"{where}: {error}" + (f" (left out: {out})" if out else "")) from None
    total, count = float(accounts.size.sum()), len(accounts.size)
    if figure.capped:
        notes.append(f"{figure.capped} at or above a leverage of {cap:g}, the most a venue lets")
    if count > MOST_MEMBERS:
        notes.append(f"{count} accounts stand as {MOST_MEMBERS} members, the most of a crowd")
        count = MOST_MEMBERS
    section = {"count": float(count)} | _section(
        owing, total, figure.median, figure.spread, size.spread
    )
    section |= venue if not owing else {}
    for name in ("threshold", "bonus"):
        if (value := getattr(accounts, name)) is not None:
            section[name] = value
        elif owing:
            notes.append(f"{name}: the table does not say; as population has it")
    share = np.sort(accounts.size)[::-1][: max(round(_LARGEST * len(accounts.size)), 1)].sum()
    fitted = lognormal.share_of_largest(_LARGEST, size.spread)
    return FittedCrowd(
        accounts.asset, accounts.side, _rounded(section), figure, size,
        tuple(_held(accounts, figure, part, cap) for part in _TAIL),
        (fitted, float(share / total)), _together(accounts), accounts.left_out, tuple(notes),
    )  # fmt: skip


def _cap(venue: Mapping[str, float]) -> float:
    """Leverage that members are brought down to (:func:`simulator.world.crowd.traders`)."""
    terms = terms_of(TradersTerms)
    most, rate = (
        venue.get(name, terms[name].default) for name in ("most_leverage", "maintenance_rate")
    )
    assert most is not None  # both have defaults
    assert rate is not None
    return min(most, 1.0 / (2.0 * rate) if rate else inf)


def _section(
    owing: bool, total: float, median: float, spread: float | None, of_size: float | None
) -> dict[str, float]:
    """Keys of `population` for what was fitted; None: left as it is there."""
    names = ("collateral_usd", "health", "health_spread") if owing else (
        "open_interest_usd", "leverage", "leverage_spread",
    )  # fmt: skip
    values = (*zip(names, (total, median, spread), strict=True), ("size_spread", of_size))
    return {name: value for name, value in values if value is not None}


def _rounded(section: Mapping[str, float]) -> dict[str, float]:
    return {
        name: int(value) if name == "count" else float(f"{value:.4g}")
        for name, value in section.items()
    }


def _held(accounts: Accounts, figure: LogNormal, part: float, cap: float) -> Held:
    """How the riskier end holds: the highest leverages, or the lowest health factors."""
    if accounts.side == BORROWERS:
        point = figure.point(part)
        beyond, fitted = accounts.figure < point, 1.0 - figure.above(point)
        point += 1.0
    else:
        point = min(figure.point(1.0 - part), cap)
        beyond, fitted = accounts.figure >= point, figure.above(point)
    weight = float(accounts.size[beyond].sum() / accounts.size.sum())
    return Held(point, fitted, float(beyond.mean()), weight)


def _together(accounts: Accounts) -> float:
    from scipy.stats import spearmanr

    if np.ptp(accounts.figure) == 0.0 or np.ptp(accounts.size) == 0.0:
        return 0.0
    return float(spearmanr(accounts.figure, accounts.size).statistic)


def _told(fit: LogNormal) -> str:
    verdict = "rejected at 5 %" if fit.rejected else "not rejected at 5 %"
    return (
        f"median {fit.median:.4g} ± {fit.median_error:.1%}, spread {fit.spread:.4g} ± "
        f"{fit.spread_error:.2g}; Kolmogorov-Smirnov {fit.distance:.3f}, {verdict}"
    )


def _of_figures(
    file: str, asset: str, side: str, rows: Sequence[Figure], venue: Mapping[str, float]
) -> FittedCrowd:
    """A crowd with the figures that were published of it."""
    owing, notes = side == BORROWERS, []
    own = terms_of(BorrowersTerms if owing else TradersTerms)
    found = published(rows, own, where=f"accounts = {file}: {asset} {side}", owing=owing)
    if found.missed is None:
        notes.append("spread of the figure: nothing says; as population has it")
    else:
        notes.append(f"of {found.shares} shares none is missed by more than {found.missed:.1%}")
    if found.of_size is None:
        notes.append("size_spread: no share_of_largest; as population has it")
    section = _section(owing, found.single["total_usd"], found.median, found.spread, found.of_size)
    section |= {name: value for name, value in found.single.items() if name in own}
    section |= venue if not owing else {}
    return FittedCrowd(asset, side, _rounded(section), notes=tuple(notes))
