"""The record of a path: the state variables that are declared in :mod:`simulator.protocol.state`.

A record holds one path, contiguous: a snapshot is a copy of it. Integer token units are held as
float64: exact for USDC (< 2⁵³ raw), to the last bits for 18-decimal tokens. P paths; the other axes
are named by what is counted along them (:class:`~simulator.model.kernel.record.Counts`).
"""

from __future__ import annotations

from simulator.model.kernel.record import Layout, Member, each
from simulator.protocol.state.pool import Pool, Position, Stable
from simulator.protocol.state.table import SUBJECTS, kept
from simulator.protocol.state.variable import Subject


def _numbers(subject: type[Subject]) -> Layout:
    return tuple(
        Member(name, "f8", tuple(row.axes.split()), row.unit, row.what)
        for name, row in kept(subject).items()
    )


#: A Uniswap v3 pool.
POOL = _numbers(Pool)
#: A StableSwap.
STABLE = _numbers(Stable)
#: A position in a pool.
POSITION = _numbers(Position)
# Records inside a subject's record that are those of another.
_INSIDE: dict[str, Layout] = {
    "aave": (
        Member("pools", POOL, ("legs",), what="in which the legs' assets are sold"),
        Member("nothing", POSITION, what="the vault's position in those pools: none"),
    )
}
#: The record of a path.
STATE: Layout = tuple(
    Member(name, (*_numbers(subject), *_INSIDE.get(name, ()))) for name, subject in SUBJECTS.items()
)
#: How a margin account stands between two actions.
STANDING = (
    Member("version", "f8", (), "1", "of the path"),
    Member("fresh", "?", (), "", "whether no price it depends on is stale"),
    Member("has_position", "?"),
    *each(
        "",
        ("value", "USD", "without haircuts"),
        ("equity", "USD", "E"),
        ("maintenance", "USD", "M"),
    ),
)
#: What has been worked out of a path (:mod:`~simulator.model.known`); ``version``: of what.
KNOWN = (
    Member("kept", "?", (), "", "whether anything is to be known at all"),
    *each("", ("version", "1", "of the path as it is")),
    Member(
        "market",
        each(
            "",
            ("version", "1", "of the path"),
            ("funding", "USD per unit of size", "its index, up to now"),
            ("unpaid_long", "USDC", "that the maker lacks, per unit of long size"),
            ("unpaid_short", "USDC", "that the maker lacks, per unit of short size"),
            ("loss_long", "USDC", "socialised loss per unit of long size"),
            ("loss_short", "USDC", "socialised loss per unit of short size"),
        ),
        ("markets",),
    ),
    Member("account", STANDING, ("accounts",), what="at the ClearingHouse"),
    Member("sub", STANDING, ("subs",), what="of the vault's, at whichever venue"),
    Member(
        "vault",
        (
            Member("version", "f8", (), "1", "of the path"),
            Member("fresh", "?", (), "", "whether no price it depends on is stale"),
            *each(
                "",
                ("usdc_price", "USD", "P_u"),
                ("base_price", "USD", "P_x"),
                ("sqrt_price", "raw", "√P_o"),
                ("lp_base", "raw", "in the position"),
                ("lp_usdc", "raw", "in the position"),
                ("fees_base", "raw", "uncollected"),
                ("fees_usdc", "raw", "uncollected"),
                ("accounts", "USD", "Σ value of the margin accounts"),
                ("nav", "USD", "may be negative"),
            ),
        ),
    ),
    Member(
        "due",
        each(
            "",
            ("version", "1", "of the path"),
            ("recenter", "USD", "that it would protect"),
            ("top_up", "USD", "that it would protect"),
            ("deleverage", "USD", "that it would protect"),
            ("rebalance", "USD", "that it would protect"),
        ),
    ),
)
#: What the market does to a path at one step.
MOMENT = (
    *each(
        "",
        ("clock", "seconds", "since the start"),
        ("step", "1", "of the run"),
        ("gas_usd", "USD", "per unit of gas"),
        ("pool_depth", "1", "factor of the background liquidity"),
        ("perp_depth", "1", "factor of the skew scales"),
        ("outside_depth", "1", "factor of the depths outside"),
        ("noise_swap", "USD", "of the noise traders: > 0 buys the base asset"),
        (
            "deposit_flow",
            "1",
            "what comes, of the first deposit; (< 0) the fraction of shares that leaves",
        ),
    ),
    *each(
        "assets",
        ("price", "USD", "per whole token, the oracle's last round"),
        ("updated_at", "seconds", "since the start, of that round"),
        ("index", "USD", "per whole token, elsewhere"),
        ("special", "1", "what is particular of its round, as config/rounds.py says"),
    ),
    *each("markets", ("noise_trade", "USD", "of the noise traders: > 0 buys")),
    Member("down", "i8", (), "", "agents that do nothing, a bit each by index"),
    Member("halted", "i8", (), "", "venues that refuse calls, a bit each"),
)
#: The market outside, of a path (:mod:`~simulator.model.outside`).
OUTSIDE = (
    *each(
        "",
        ("clock", "seconds", "since the start, at the last step"),
        ("depth", "1", "factor on all depths at that step"),
    ),
    *each(
        "assets",
        ("lasting", "depths", "net volume bought there that is never forgotten"),
        ("passing", "depths", "that is, as it is left"),
        ("felt", "hundredths", "of the log price, by which all of it moves the index now"),
        ("factor", "1", "on the index"),
        ("held", "tokens", "by those who trade there what they take here"),
        ("price", "USD", "of the oracle's last round"),
        ("updated_at", "seconds", "since the start, of that round"),
    ),
    *each(
        "parties assets",
        ("due", "tokens", "bought there for its liquidations since the last step; < 0: sold"),
    ),
    *each(
        "parties markets",
        ("skewed", "base units", "of the skew, left by its liquidations and not yet taken back"),
    ),
    *each("assets lags", ("past", "USD", "the index at recent steps, by step modulo their number")),
    *each(
        "crowds",
        ("gone", "1", "forced orders carried out so far"),
        ("closed", "USD at the start's price", "that these were"),
        ("sold", "USD", "that they sold or bought, whichever it is"),
        ("deficit", "USD", "that they left owed"),
    ),
)
