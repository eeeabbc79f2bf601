"""What a symbol names: base and quote by the rules exchanges write them with."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from simulator.types import USDC, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Quotes that count as one dollar, the longer first: BTCFDUSD is BTC in FDUSD, not BTCFD in USD.
DOLLARS = (
    "FDUSD", "PYUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "GUSD", "USDE", "USDS", "DAI", "USD",
)  # fmt: skip
FIAT = ("EUR", "GBP", "JPY", "KRW", "TRY", "BRL", "AUD", "CAD", "CHF", "RUB", "UAH", "INR")
COINS = ("BTC", "ETH", "BNB", "XBT")
#: Coins whose own names end like a quote.
_WHOLE = {
    *DOLLARS, "LUSD", "SUSD", "CRVUSD", "USDD", "RLUSD", "CBBTC", "SOLVBTC", "RENBTC", "STETH",
    "WSTETH", "CBETH", "WEETH", "EZETH", "RSETH", "FRXETH", "SFRXETH", "CMETH", "OSETH", "WBETH",
    "SWETH", "ANKRETH", "SLISBNB",
}  # fmt: skip
#: DOTUSD is DOT in USD, BTCBUSD is BTC in BUSD: these quotes are meant only beside such a coin.
_SELDOM = ("BUSD", "TUSD", "GUSD", "USDP", "USDE", "USDS")
_BESIDE = {
    "BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE", "LTC", "DOT", "LINK", "MATIC", "AVAX", "SHIB",
    "TRX", "UNI", "ATOM", "BCH", "ETC", "FIL", "EOS", "XLM", "ARB", "OP", "APT", "SUI", "NEAR",
    "FTM", "SAND", "MANA", "AAVE", "LUNA", "LUNC", "PEPE", "GMT", "APE", "USDT", "USDC", "WBTC",
}  # fmt: skip
#: What some exchanges call a coin.
_ALIASES = {"XBT": "BTC", "XXBT": "BTC", "XDG": "DOGE", "XETH": "ETH"}
_CONTRACTS = {"PERP", "SWAP", "FUTURES", "SPOT", "P", "PERPETUAL"}


def split(symbol: str) -> tuple[str, str | None]:
    """Base and quote of ``SOL/USDT``, ``SOL-USD``, ``SOL_USDT``, ``SOL-USDT-SWAP`` or ``SOLUSDT``.

    The quote is None where the symbol has none (``SOL``, ``SOL-PERP``).
    """
    text = symbol.strip().upper()
    if "/" in text:
        text = text.split(":")[0]  # ccxt: SOL/USDT:USDT is a swap settled in USDT
    elif ":" in text:
        text = text.split(":")[-1]  # EXCHANGE:SOLUSDT
    parts = [part for part in re.split(r"[/\-_. ]", text) if part]
    parts = [part for n, part in enumerate(parts) if n == 0 or part not in _CONTRACTS]
    if not parts:
        return text, None
    if len(parts) > 1 and parts[1] in (*DOLLARS, *FIAT, *COINS, *_WHOLE):
        return _named(parts[0]), _named(parts[1])
    return _unseparated(parts[0])


def _unseparated(text: str) -> tuple[str, str | None]:
    if text in _WHOLE:
        return text, None
    for quote in (*DOLLARS, *FIAT, *COINS):
        base = text.removesuffix(quote)
        if quote in _SELDOM and base not in _BESIDE:
            continue
        if base != text and len(base) >= (1 if quote in DOLLARS else 2):
            if len(base) == 5 and base[0] in "XZ" and base[-1] == "Z":
                base = base[:-1]  # Kraken: XXBTZUSD
            return _named(base), _named(quote)
    return _named(text), None


def _named(coin: str) -> str:
    return _ALIASES.get(coin, coin)


def in_dollars(symbol: str) -> bool:
    """Whether a symbol is quoted in dollars, or says nothing about it."""
    quote = split(symbol)[1]
    return quote is None or quote in DOLLARS


def find(text: str, known: Sequence[str], where: str) -> str:
    """The symbol of a file that ``text`` means: its own name, or the only one that fits.

    Raises:
        InputError: none fits, or several do.
    """
    if text in known:
        return text
    wanted, quote = split(text)
    fits = [name for name in known if _fits(split(name), wanted, quote)]
    dollars = [name for name in fits if in_dollars(name)]
    fits = dollars if len(dollars) == 1 else fits
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise InputError(f"{where}: {text} may be {', '.join(fits)}: name one of them")
    raise missing(text, known, where)


def missing(text: str, known: Sequence[str], where: str) -> InputError:
    """What to say of a symbol that is not there: those near it, else all."""
    near = get_close_matches(text, known, n=3) or sorted(known)
    shown = ", ".join(near[:12]) + (" …" if len(near) > 12 else "")
    return InputError(f"{where}: symbol {text} is not there; did you mean {shown}?")


def _fits(pair: tuple[str, str | None], base: str, quote: str | None) -> bool:
    return pair[0] == base and (quote is None or pair[1] == quote)


def asset_names(symbols: Sequence[str]) -> list[str]:
    """A name for the asset behind each symbol: its base; whole symbols where bases are the same.

    BTCUSDT beside BTCUSDC are two assets. USDC is the accounting asset's own name, so a leg in it
    is called by its symbol.
    """
    bases = [re.sub(r"[^A-Z0-9]", "", split(symbol)[0])[:16] for symbol in symbols]
    whole = [re.sub(r"[^A-Za-z0-9]", "", symbol)[:16] for symbol in symbols]
    behind: dict[str, set[str]] = {}
    for base, symbol in zip(bases, symbols, strict=True):
        behind.setdefault(base, set()).add(symbol)
    names = [
        full if len(behind[base]) > 1 or base in ("", USDC) else base
        for base, full in zip(bases, whole, strict=True)
    ]
    return [f"{USDC}USD" if name.upper() == USDC else name for name in names]


def refuse_other_quotes(symbols: Iterable[str], where: str, *, named: Iterable[str] = ()) -> None:
    """Refuse symbols quoted in anything but dollars, unless the user named their asset himself.

    Raises:
        InputError: naming the symbol and what it is quoted in.
    """
    for symbol in symbols:
        if not in_dollars(symbol) and symbol not in set(named):
            base, quote = split(symbol)
            raise InputError(
                f"{where}: {symbol} is quoted in {quote}, not in dollars; give {base} in USD, or "
                f"say that its numbers are to be taken as dollars: {base}={symbol}"
            )


def refuse_mixed_quotes(symbols: Sequence[str], where: str) -> None:
    """Refuse series quoted in unlike currencies side by side: what moves together is the quote.

    Raises:
        InputError: naming two symbols and their quotes.
    """
    quotes = {symbol: "USD" if in_dollars(symbol) else str(split(symbol)[1]) for symbol in symbols}
    first = next(iter(quotes))
    for symbol, quote in quotes.items():
        if quote != quotes[first]:
            raise InputError(
                f"{where}: {first} is quoted in {quotes[first]}, {symbol} in {quote}; give all in "
                "one currency"
            )
