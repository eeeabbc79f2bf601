"""Writes docs/deleveraging.md, nothing in it by hand: ``python -m scripts.deleveraging_page``.

What policies of auto-deleveraging took on 10 October 2025 beside what they take of books drawn like
those (:mod:`scripts.deleveraging_study`), and what each costs the vault of `liquidation-cascade`.
Takes five minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from scripts import deleveraging_study as study
from simulator.comparison import compare
from simulator.config import load
from simulator.protocol.clearing import POLICIES as ON_VENUE
from simulator.results.store import write_text
from simulator.types import Booleans, Floats

ROOT = Path(__file__).resolve().parents[1]
CRISES, HISTORY = (ROOT.parent / "shared" / "data" / name for name in ("crises", "history"))
PAGE = ROOT / "docs" / "deleveraging.md"

BOOKS, BOUNDS = 100, (5.0, 95.0)  # percentiles of the drawn books that are shown
VIOLENCE = (1.0, 2.0, 3.0, 4.0)  # times the moves of the recorded crash
PATHS = 1_000
EVERY = slice(None)
SAME = 1e-6  # overshoots this near, of what was needed, are equal

#: Policies by their column in the document, as the tables call them.
POLICIES = {
    "prod": "queue, by profit × leverage",
    "pr": "pro rata of min(profit, equity)",
    "pnl_pr": "pro rata of profit",
    "eq_pr": "pro rata of equity",
    "contract_pr": "pro rata of position, whole lots",
    "fixed_point_ilp_integer": "least largest haircut, whole lots",
}
#: What may make a queue take more than is needed; without any it takes just that.
MECHANISMS = {
    "whole": "positions are closed whole, the last one too, and measured at the mark",
    "prod": "what is closed is measured when its wave ends (the document's)",
    "seized": "all profit of an account is taken, the last one's too, by the published rank",
    "seized_usd": "the same, by profit in USD × leverage",
}
Row = tuple[str, ...]


def table(head: Row, rows: list[Row]) -> str:
    """As Markdown; the first column is text, the others are numbers."""
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Floats, form: str) -> str:
    """Median of the books and the interval of 90 % of them; what rounding leaves is 0."""
    values = np.round(values, 9)
    middle, low, high = np.percentile(values, (50.0, *BOUNDS)) + 0.0
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def order(values: dict[str, float], same: float) -> tuple[str, list[int]]:
    """Policies from the least to the greatest in words, and the place of each."""
    ranked = sorted(values, key=values.__getitem__)
    text, place, places = POLICIES[ranked[0]], 0, {ranked[0]: 0}
    for before, name in pairwise(ranked):
        place += values[name] - values[before] > same
        text += (" < " if place != places[before] else " = ") + POLICIES[name]
        places[name] = place
    return text, [places[name] for name in values]


class Measured:
    """The document, and the books drawn beside it."""

    def __init__(self) -> None:
        self.document = pd.read_csv(CRISES / "adl_2025_10_10_policies.csv")
        self.users = pd.read_parquet(CRISES / "adl_2025_10_10_users.parquet")
        self.bars = pd.read_parquet(HISTORY / "may_2021_1m.parquet")
        self.needed = self.document["budget_needed"].to_numpy(float)
        self.closed = float(self.users["adl_notional"].sum())
        self.gap = float(self.needed.sum()) / self.closed
        self.length = study.minutes_of(self.document)
        self.minutes = study.crash(self.bars, self.length)
        self.seconds = np.array([wave.seconds for wave in study.waves(self.document)])
        self.books = {sound: self.drawn(sound=sound) for sound in (False, True)}

    def drawn(self, *, sound: bool, times: float = 1.0, books: int = BOOKS) -> study.Study:
        """Books, under moves so many times those of the recorded crash."""
        minutes = study.Minutes(
            self.minutes.move * times,
            self.minutes.deviation * times,
            self.minutes.price,
            self.minutes.share,
        )
        accounts = study.accounts_of(self.users, sound=sound)
        print(f"books of {len(accounts.profit):,} accounts, moves × {times:g}", flush=True)
        return study.study(self.document, accounts, self.gap, minutes, books)

    def overshoot(self, name: str, *, sound: bool, of: slice | Booleans = EVERY) -> Floats:
        """Of each book, over what was needed by all waves, or by those ``of`` which."""
        return self.books[sound].usd[name][:, of].sum(axis=1) / self.needed[of].sum() - 1.0

    def excess(self, name: str, of: slice | Booleans = EVERY) -> float:
        """The same of the document."""
        return float(self.of_document("budget", name)[of].sum() / self.needed[of].sum()) - 1.0

    def largest(self, name: str, *, sound: bool) -> Floats:
        """Of each book, the mean over the waves."""
        return self.books[sound].largest[name].mean(axis=1)

    def of_document(self, column: str, name: str) -> Floats:
        """A column of the document for a policy, by wave."""
        return self.document[f"{column}_{name}"].to_numpy(float)

    def rows(self) -> Iterator[Row]:
        """Each policy: overshoot and largest haircut, document and books."""
        for name, words in POLICIES.items():
            yield (
                words,
                f"{round(self.excess(name), 9) + 0.0:+.2%}",
                spread(self.overshoot(name, sound=False), "+.2%"),
                spread(self.overshoot(name, sound=True), "+.2%"),
                f"{self.of_document('max_pct', name).mean():.2%}",
                spread(self.largest(name, sound=False), ".2%"),
                spread(self.largest(name, sound=True), ".2%"),
            )

    def orders(self) -> Iterator[Row]:
        """Both orders in the document and in the books, and how far they agree."""
        able = self.of_document("budget", "fixed_point_ilp_integer") >= self.needed
        largest = {n: float(self.of_document("max_pct", n).mean()) for n in POLICIES}
        for what, told, measured, same in (
            ("overshoot", {n: self.excess(n) for n in POLICIES}, self.overshoot, SAME),
            (
                f"overshoot in the {able.sum()} waves whose contracts can bring the need",
                {n: self.excess(n, able) for n in POLICIES},
                partial(self.overshoot, of=able),
                SAME,
            ),
            ("largest haircut", largest, self.largest, 0.0),
        ):
            text, places = order(told, same)
            yield (f"{what}, document", text, "")
            for sound, words in ((False, "all accounts"), (True, "accounts worth their profit")):
                found = {n: float(np.median(measured(n, sound=sound))) for n in POLICIES}
                text, own = order(found, same)
                tau = kendalltau(places, own).statistic
                yield (f"{what}, books of {words}", text, f"{tau:.2f}")

    def by_length(self) -> Iterator[Row]:
        """Waves of one moment and waves that lasted: what the queue took of them."""
        took = self.of_document("budget", "prod")
        for words, chosen in (
            ("of one moment", self.seconds == 0.0),
            ("that lasted", self.seconds > 0.0),
            ("all", self.seconds >= 0.0),
        ):
            needed = self.needed[chosen].sum()
            books, strict = (self.books[sound].usd for sound in (False, True))
            found = (books["prod"], strict["prod"], books["later"])
            yield (
                words, str(int(chosen.sum())), f"{needed / 1e6:.2f}",
                f"{took[chosen].sum() / 1e6:.2f}", f"{took[chosen].sum() / needed:.2f}",
                *(spread(usd[:, chosen].sum(axis=1) / needed, ".2f") for usd in found),
            )  # fmt: skip

    def by_mechanism(self) -> Iterator[Row]:
        """What a queue takes, by what it is that takes more than the need."""
        for name, words in MECHANISMS.items():
            found = [self.overshoot(name, sound=sound) + 1.0 for sound in (False, True)]
            yield (words, *(spread(times, ".2f") for times in found))

    def by_violence(self) -> Iterator[Row]:
        """The queue's part under wilder minutes than the recorded ones."""
        for times in VIOLENCE:
            found = self.drawn(sound=False, times=times, books=BOOKS // 4).usd["prod"]
            yield (f"{times:g}", spread(found.sum(axis=1) / self.needed.sum(), ".2f"))


# -------------------------------------------------------------------------------- the vault's cost

#: Scenarios: settings on top of `liquidation-cascade`.
FALLS = {
    "As the scenario is: what is news stays, half of the overshoot is bought back": (),
    "The same, and the news is taken back within two days": (
        *("shocks.0.hold_hours=24", "shocks.0.recovery_hours=48"),
        *("shocks.1.hold_hours=3", "shocks.1.recovery_hours=24"),
    ),
}
#: Insurance that pays for every debt: nobody is deleveraged.
NOBODY = ("clearing.insurance_funds=1e7", "clearing.markets.*.insurance_cap=1e7")


def cost_rows(settings: tuple[str, ...]) -> Iterator[Row]:
    """Each policy on the same paths: what it takes of the vault, and what that costs."""
    base = [f"paths={PATHS}", *settings]
    configs = {"nobody is deleveraged": load("liquidation-cascade", [*base, *NOBODY])}
    for policy in ON_VENUE:
        given = [*base, f"clearing.deleveraging={policy}"]
        configs[policy] = load("liquidation-cascade", given)
    found = compare(configs, record=1)
    for name, result in found.results.items():
        paths, figures = result.paths, found.summary["alternatives"][name]
        closed, shared = paths["adl_notional"], paths["loss_sharing"]
        half = 1.96 / len(paths) ** 0.5
        change = figures["return_difference"]
        yield (
            f"`{name}`" if name in ON_VENUE else name,
            f"{(closed > 0.0).mean():.1%}",
            f"{closed.mean():,.0f} ± {half * closed.std():,.0f}",
            f"{shared.mean():,.0f} ± {half * shared.std():,.0f}",
            f"{figures['return']['mean']:+.2%}",
            f"{change['mean']:+.2%} ({change['low']:+.2%} to {change['high']:+.2%})"
            if name in ON_VENUE
            else "–",
            f"{figures['return']['es95']:.1%}",
            f"{paths['max_drawdown'].mean():.1%}",
        )


def main() -> None:
    """Measure everything and write the page."""
    found = Measured()
    costs = []
    for words, settings in FALLS.items():
        print(words, flush=True)
        head = ("policy", "paths with any", "closed of the vault, USD", "shared loss, USD",
                "mean return", "against nobody, same paths", "95 % expected shortfall",
                "mean largest drawdown")  # fmt: skip
        costs.append(f"{words}:\n\n{table(head, list(cost_rows(settings)))}")
    last = float(found.of_document("budget", "prod").sum() / found.needed.sum())
    text = TEXT.format(
        accounts=f"{len(found.users):,}", closed=f"{found.closed / 1e6:,.0f}",
        needed=f"{found.needed.sum() / 1e6:.2f}", gap=f"{found.gap:.2%}",
        worth=f"{study.accounts_of(found.users, sound=True).profit.size / len(found.users):.1%}",
        length=found.length, books=BOOKS, ratio=f"{last:.2f}", paths=f"{PATHS:,}",
        fall=f"{1.0 - np.exp(found.minutes.move.sum(axis=0)).min():.0%}",
        policies=table(
            ("policy", "overshoot, document", "books of all accounts",
             "books of accounts worth their profit", "largest haircut, document",
             "books of all accounts", "books of accounts worth their profit"),
            list(found.rows()),
        ),
        orders=table(("order", "from the least", "Kendall's τ"), list(found.orders())),
        by_length=table(
            ("waves", "number", "needed, M USD", "queue took, M USD", "×, document",
             "×, all accounts", "×, accounts worth their profit",
             "×, pro rata of position measured alike"),
            list(found.by_length()),
        ),
        by_mechanism=table(
            ("why a queue takes more", "×, all accounts", "×, accounts worth their profit"),
            list(found.by_mechanism()),
        ),
        by_violence=table(("moves, times those of the recorded crash", "queue took, ×"),
                          list(found.by_violence())),
        costs="\n\n".join(costs),
    )  # fmt: skip
    write_text(PAGE, text)
    print(PAGE)


TEXT = """\
# Auto-deleveraging: who pays

Written by `python -m scripts.deleveraging_page`; nothing in it is typed by hand but the sentences.

A venue that cannot pay for a bankrupt position closes it against winners of the other side. Whose
positions, a policy says (`clearing.deleveraging`, contracts/SPEC.md §3.5; as functions of a book:
`simulator.hedging.deleveraging`):

* `queue`: one winner after the other, by profit ratio × leverage, each as far as it goes;
* `pro_rata_profit`, `pro_rata_equity`, `pro_rata_position`: each by its weight, at most all it has;
  what those lack who have given all is shared by the others. By equity the largest haircut (loss
  over equity) is the least there is: on one market, without lots, the minimum of the largest
  haircut and pro rata of equity are one policy, and tests hold it against a linear program.

## 10 October 2025

One venue deleveraged {accounts} accounts within {length} minutes, of ${closed} M of positions, in
waves. The document (`../shared/data/crises`, not part of the repository) says what 16 waves needed
and what seven policies take. Its words mean, by the published method of those who made it (see
Chitra, arXiv:2512.01112, and what followed it):

* *needed*: Σ |mark − execution price| · size over all that was closed, ${needed} M: what the
  winners lose at that moment, {gap} of what was closed;
* *the queue took*: what its accounts would have had *at the end of the wave* with their positions,
  less what they had without: not only the gap, but all that prices did after it;
* *the other policies took*: USD shared out at the moment of the need. That pro rata overshoots by
  nothing is so by construction, and the queue alone is measured by what came after;
* *largest haircut*: the largest part of an account's equity, the mean over the waves.

The books: {books} times, for each wave, accounts drawn from the {accounts} with all that is known
of each, until they have what that wave's winners could lose, each in a coin by its share of trade.
Asked of them is what the wave needed; in contracts, need / {gap} of notional. Prices move within a
wave as in a minute drawn from the {length} worst on end of 19 May 2021 (12 coins, 1-minute bars;
one lost {fall} in them): a Brownian path with the minute's return and its Rogers–Satchell
deviation. Nothing is fitted to what the queue took. {worth} of the accounts were worth what they
had won; a few of the others a millionth of it, so that any part of their profit is all they have:
books without these are shown beside. In brackets: 90 % of the books.

{policies}

{orders}

Reproduced: pro rata of profit and of equity overshoot by nothing; of position it falls short where
winners have too little; the queue takes the most in all, and by far the most of one account; pro
rata of equity the least of one. The order by overshoot is the document's where contracts can bring
what is needed.

Not reproduced: *the size of the queue's overshoot*, see below; that of the least largest haircut in
whole lots, and its place among the haircuts, which are a matter of what a lot is worth (here coins
of up to some $2,000, so that the one wave whose contracts cannot bring its need outweighs them
all); and, where accounts are in the book that had won a hundred times what they were worth, the
largest haircut pro rata of profit.

Why the queue takes more is in the document itself: waves that were over in one moment took less
than was needed (its method marks positions at the last fill, which within a moment is nearly the
price they were closed at; here they are marked at the mark), those that lasted almost six times as
much.

{by_length}

So it is no matter of whom the queue asks: it gives up contracts, and what they are worth goes on
growing. Pro rata of position closes as many contracts, and measured as the queue is measured (the
last column) it takes as much. With the moves of another day that mechanism gives half of the
document's {ratio} times. Other readings of *the queue takes more*, for comparison; the third, under
which an account's whole profit goes, holds it within its interval, and is not what was measured:

{by_mechanism}

The prices of 10 October are not among the data. Under moves so many times as large as in the
recorded crash (a quarter of the books), which says how much wilder that day would have to have been
for the document's {ratio} times:

{by_violence}

## Winners who move first

Whom a policy takes from is read at the moment of the liquidation, so winners could move first:
close, let the bankrupt be liquidated, open again, all in one block. An audit of 30 November
2026 proved on the bytecode, under all four policies, that such a winner gave nothing and those
who stood still gave more; a pair that owned both sides took the difference from insurance and
maker. Since then a position that closes at a profit while an account opposite is insolvent (by
100 USDC or more) goes against that account first, at the price at which a unit of it owes
nothing after insurance's part ([SPEC](../contracts/SPEC.md) §3.5.7): who leaves is asked first.
A winner can be asked for all that his position has gained, by auto-deleveraging too: it used to
go by the gain of a unit, which he could make small by adding to the position, in the same block
and on a loan. Both attacks are tests (`tests/exploits/test_jelly.py`): they take more than 2 M
USDC of a venue without the rule and lose on this one.

What follows for a vault: it, too, meets the insolvent when it reduces a profitable short, and
is then asked before others whom the policy would have named. Its orders have a price limit
(`max_slippage`); one that would go beyond it is refused, and may be sent again when the
insolvent account has been liquidated, which anybody may do in the same block. Out of reach are
still: a winner who is himself liquidated, a small position whose seat a newcomer takes; and
whom a policy names can still be changed in the block: by margin that is withdrawn before a
liquidation and put back after (pro rata of equity), and by a position added to, which lowers
its rank in the queue.

## What does a policy cost this vault?

`liquidation-cascade`, {paths} paths: a crowd goes bankrupt, and the vault's profitable short is
closed against it. Each policy on the same paths; *nobody is deleveraged*: insurance of 10 M USDC
pays for all. *Shared loss* is what being closed at the bankruptcy price, not at the index, costs at
once; ± and brackets are 95 % intervals. From the command line:

    hedgesim run liquidation-cascade \\
        --set 'clearing.deleveraging=queue|pro_rata_profit|pro_rata_equity|pro_rata_position'

{costs}

**For a designer:** here it matters that the vault is deleveraged at all, and hardly how: the vault
is most of the side that is asked, so whoever shares by anything comes back to it. The
queue takes it on fewer paths and more of it there; pro rata of equity takes the least, since the
other shorts are richer for their size; the returns differ by less than their intervals. Where the
news is taken back, all of them cost more, the hedge being away while the price returns.
"""


if __name__ == "__main__":
    main()
