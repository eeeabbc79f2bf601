"""What policies of auto-deleveraging took of books like those of 10 October 2025.

Books are drawn from the accounts that one venue deleveraged, and asked for what its 16 waves needed
(``../shared/data/crises``); ``simulator.hedging.deleveraging`` says who gives what. What the queue
takes beyond the need is what prices do between the close of a position and the end of its wave,
drawn from bars of another crash (``../shared/data/history``): no number here is fitted to what the
queue took. :mod:`scripts.deleveraging_page` writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.hedging import deleveraging
from simulator.types import Booleans, Floats

SEED = 20_251_010
GRID = 16  # points of time in a wave at which positions are closed
#: Columns of the document that are policies of whole lots.
LOTS = ("contract_pr", "fixed_point_ilp_integer")
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Accounts:
    """Accounts ``[n]``: USD, but ``coin``, an index into the bars' coins."""

    notional: Floats  # of the position, at the mark
    profit: Floats
    equity: Floats
    coin: Whole

    @property
    def cap(self) -> Floats:
        """What can be taken of each: its profit, never more than its account is worth."""
        return np.clip(np.minimum(self.profit, self.equity), 0.0, None)

    def of(self, rows: Whole | Booleans) -> Accounts:
        """Some of them, by number or mask."""
        return Accounts(self.notional[rows], self.profit[rows], self.equity[rows], self.coin[rows])


@dataclass(frozen=True)
class Wave:
    """What a wave needed, USD; how long it took, seconds; what its winners had to take, USD."""

    needed: float
    seconds: float
    cap: float


@dataclass(frozen=True)
class Minutes:
    """One-minute bars of a crash ``[minutes, coins]``: log return and its standard deviation."""

    move: Floats
    deviation: Floats
    price: Floats  # ``[coins]``, USD per coin: the value of a lot
    share: Floats  # ``[coins]``, of what was traded


def waves(document: pd.DataFrame) -> list[Wave]:
    """The waves of the document."""
    times = [pd.to_datetime(document[name], format="ISO8601") for name in ("t_start", "t_end")]
    seconds = (times[1] - times[0]).dt.total_seconds()
    columns = zip(document["budget_needed"], seconds, document["total_cap"], strict=True)
    return [Wave(*map(float, row)) for row in columns]


def minutes_of(document: pd.DataFrame) -> int:
    """How long the venue deleveraged, begun minutes."""
    first = pd.to_datetime(document["t_start"], format="ISO8601").min()
    last = pd.to_datetime(document["t_end"], format="ISO8601").max()
    return int(np.ceil((last - first).total_seconds() / 60.0))


def crash(bars: pd.DataFrame, minutes: int) -> Minutes:
    """The worst ``minutes`` on end, by the fall of coins weighted by what was traded in them."""
    wide = {
        name: bars.pivot(index="timestamp_utc", columns="symbol", values=name)
        for name in ("open", "high", "low", "close", "volume")
    }
    traded = (wide["close"] * wide["volume"]).sum()
    share = (traded / traded.sum()).to_numpy()
    logs = {name: np.log(wide[name].to_numpy()) for name in wide if name != "volume"}
    move = logs["close"] - logs["open"]
    fall = np.convolve(move @ share, np.ones(minutes), "valid")
    worst = slice(int(np.argmin(fall)), int(np.argmin(fall)) + minutes)
    up, down = logs["high"], logs["low"]
    # Rogers and Satchell (1991): the variance within a bar, whatever its drift.
    variance = (up - logs["close"]) * (up - logs["open"])
    variance += (down - logs["close"]) * (down - logs["open"])
    prices = np.exp(logs["close"][worst][-1])
    return Minutes(move[worst], np.sqrt(np.maximum(variance[worst], 0.0)), prices, share)


def drawn(accounts: Accounts, wave: Wave, minutes: Minutes, rng: np.random.Generator) -> Accounts:
    """Accounts drawn until they have what the wave's winners had; each in a coin, by its trade."""
    cap = accounts.cap
    able = np.flatnonzero(cap <= wave.cap)
    mean = float(cap[able].mean())
    rows = rng.choice(able, int(3 * wave.cap / mean) + 1_000)
    enough = int(np.searchsorted(np.cumsum(cap[rows]), wave.cap)) + 1
    found = accounts.of(rows[:enough])
    coins = rng.choice(len(minutes.share), len(found.notional), p=minutes.share)
    return Accounts(found.notional, found.profit, found.equity, coins)


def forgone(wave: Wave, minutes: Minutes, rng: np.random.Generator) -> Floats:
    """What a short gives up from each moment of a wave to its end ``[GRID, coins]``, of notional.

    A minute of the crash is drawn, and a Brownian path in it with its return and deviation, the
    same for all coins but for these.
    """
    at = int(rng.integers(len(minutes.move)))
    part = wave.seconds / 60.0 / (GRID - 1)
    steps = minutes.move[at] * part + np.outer(
        rng.standard_normal(GRID - 1) * np.sqrt(part), minutes.deviation[at]
    )
    path = np.vstack([np.zeros(steps.shape[1]), np.cumsum(steps, axis=0)])
    return 1.0 - np.exp(path[-1] - path)


@dataclass(frozen=True)
class Taken:
    """What a policy took in a wave: USD, and the largest part of an account's equity."""

    usd: float
    largest: float


def _taken(losses: Floats, equities: Floats) -> Taken:
    some = equities > 0.0
    parts = losses[some] / equities[some]
    return Taken(float(losses.sum()), float(min(parts.max(initial=0.0), 1.0)))


def of_wealth(book: Accounts, need: float) -> dict[str, Taken]:
    """Policies that take USD: each may choose the amount, so they take what is needed."""
    weights = {
        "pr": book.cap,
        "pnl_pr": np.clip(book.profit, 0.0, None),
        "eq_pr": np.clip(book.equity, 0.0, None),
    }
    return {
        name: _taken(deleveraging.pro_rata(need, weight, book.cap), book.equity)
        for name, weight in weights.items()
    }


def of_wholes(book: Accounts, need: float, gap: float) -> dict[str, Taken]:
    """Queues that take the last one whole too: of positions closed at the mark, and of profits.

    ``seized``: all that can be taken of an account, by the rank that venues publish;
    ``seized_usd``: likewise, by profit in USD × leverage.
    """
    costs = book.notional + np.clip(book.profit, -book.notional, None)
    ranks = deleveraging.rank(book.profit, costs, book.notional, book.equity)
    leverage = book.notional / np.maximum(book.equity, 1.0)
    found = {}
    for name, order, amounts in (
        ("whole", ranks, book.notional * gap),
        ("seized", ranks, book.cap),
        ("seized_usd", book.profit * leverage, book.cap),
    ):
        given = deleveraging.queue(min(need, float(amounts.sum())), order, amounts)
        found[name] = _taken(np.where(given > 0.0, amounts, 0.0), book.equity)
    return found


def of_contracts(
    book: Accounts, need: float, gap: float, minutes: Minutes, after: Floats
) -> dict[str, Taken]:
    """Policies that close contracts, coin by coin: need / gap of notional.

    A contract closed at the bankruptcy price loses ``gap`` of its notional at the mark, and
    ``after`` (see :func:`forgone`) until the wave ends. The document measures the queue at the end
    of the wave and the others at the mark; ``later`` is pro rata of position measured as the queue.
    """
    closed = min(need / gap, float(book.notional.sum())) / float(book.notional.sum())
    lost = {name: np.zeros(len(book.notional)) for name in ("prod", "later", *LOTS)}
    costs = book.notional + np.clip(book.profit, -book.notional, None)  # of a short
    ranks = deleveraging.rank(book.profit, costs, book.notional, book.equity)
    for coin in np.unique(book.coin):
        own = np.flatnonzero(book.coin == coin)
        held, price = book.notional[own], float(minutes.price[coin])
        asked = closed * float(held.sum())
        given = deleveraging.queue(asked, ranks[own], held)
        turns = np.argsort(-ranks[own], kind="stable")
        when = np.empty(len(own), np.int64)
        when[turns] = np.minimum(np.cumsum(given[turns]) / asked, 1.0) * (GRID - 1)
        lost["prod"][own] = given * np.maximum(gap + after[when, coin], 0.0)
        # Of everybody a part, all through the wave.
        lost["later"][own] = held * closed * max(gap + float(after[:, coin].mean()), 0.0)
        lots, wanted = np.floor(held / price), int(np.ceil(asked / price))
        shares = deleveraging.pro_rata_lots(wanted, lots)
        lost["contract_pr"][own] = np.minimum(shares * price * gap, book.cap[own])
        each = np.full(len(own), price * gap)
        least = deleveraging.minimum_haircut(wanted, lots, each, book.equity[own])
        lost["fixed_point_ilp_integer"][own] = least * price * gap
    found = {name: _taken(loss, book.equity) for name, loss in lost.items()}
    found["prod"] = _taken(lost["prod"], np.where(book.equity > 0.0, book.equity + lost["prod"], 0))
    return found


@dataclass(frozen=True)
class Study:
    """What each policy took ``[books, waves]``, USD, and the largest haircuts."""

    usd: dict[str, Floats]
    largest: dict[str, Floats]


def accounts_of(users: pd.DataFrame, *, sound: bool) -> Accounts:
    """The accounts of the file; ``sound``: without those worth less than what they had won."""
    found = Accounts(
        users["adl_notional"].to_numpy(float),
        users["closed_pnl"].to_numpy(float),
        users["account_value_realtime"].to_numpy(float),
        np.zeros(len(users), np.int64),
    )
    return found.of(found.equity >= np.maximum(found.profit, 0.0)) if sound else found


def study(
    document: pd.DataFrame, accounts: Accounts, gap: float, minutes: Minutes, books: int
) -> Study:
    """Draw the books, and take of each.

    ``gap``: what was needed over the notional that was closed for it, known of all waves together.
    """
    usd: dict[str, list[list[float]]] = {}
    largest: dict[str, list[list[float]]] = {}
    for number in range(books):
        rng = np.random.default_rng([SEED, number])
        rows: dict[str, list[Taken]] = {}
        for wave in waves(document):
            book = drawn(accounts, wave, minutes, rng)
            after = forgone(wave, minutes, rng)
            found = of_wealth(book, wave.needed)
            found |= of_wholes(book, wave.needed, gap)
            found |= of_contracts(book, wave.needed, gap, minutes, after)
            for name, taken in found.items():
                rows.setdefault(name, []).append(taken)
        for name, row in rows.items():
            usd.setdefault(name, []).append([taken.usd for taken in row])
            largest.setdefault(name, []).append([taken.largest for taken in row])
    return Study(*({k: np.array(v) for k, v in found.items()} for found in (usd, largest)))
