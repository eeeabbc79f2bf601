"""The frictions, each declared once: what it is, how it is removed, what is left of it.

A friction is added here: its :class:`~simulator.explain.scene.Friction`, whose removal is a
function of :mod:`simulator.explain.removed`, and its traces one of
:mod:`simulator.explain.evidence`. They are removed in this order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.config.faults import VenueOutage
from simulator.config.resolve import initial_betas
from simulator.config.shocks import OracleFreeze, OracleOutlier, WithdrawalRun
from simulator.explain import evidence, removed
from simulator.explain.scene import Friction
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config import Config


def _never(config: Config) -> str:
    return ""


def _unhedged(config: Config) -> str:
    if not config.markets:
        return "there is no hedge market"
    if config.agents.risk_manager is None:
        return "nobody posts hedge ratios, so nothing is hedged"
    return ""


def _own(config: Config) -> str:
    if not _unhedged(config) and set(config.markets) == {config.pool.base}:
        return f"{config.pool.base} is hedged with itself"
    return _unhedged(config)


def _own_wholly(config: Config) -> str:
    """Nothing to know of betas: they are one, for ever."""
    return _own(config) if initial_betas(config) == (1.0,) or _unhedged(config) else ""


def _no_market(config: Config) -> str:
    return "" if config.markets else "there is no hedge market"


def _not_backed(config: Config) -> str:
    """Without it all liquidity backs the hedge, which shares of a StableSwap cannot."""
    if config.pool.stable is not None:
        return "not measured: shares of a StableSwap back no account, so that it cannot be removed"
    return _no_market(config)


def _prompt_oracle(config: Config) -> str:
    feeds = [config.market.feed(symbol) for symbol in config.symbols]
    faults = any(
        isinstance(shock, OracleFreeze | OracleOutlier)
        or (isinstance(shock, VenueOutage) and shock.venue == "chain")  # then there is no round
        for shock in config.shocks
    )
    late = any(feed.deviation > 0.0 or feed.lag_steps > 0 for feed in feeds)
    elsewhere = any(feed.source != "market" for feed in feeds)
    if faults or late or elsewhere or config.history.oracle:
        return ""
    return "rounds follow every move at once"


def _no_run(config: Config) -> str:
    depositor = config.agents.depositor
    looks = depositor is not None and depositor.run_from < 1.0
    if looks or any(isinstance(shock, WithdrawalRun) for shock in config.shocks):
        return ""
    return "there is no withdrawal run"


def _no_crowd(config: Config) -> str:
    agents = config.agents
    if agents.leveraged_long is None and agents.leveraged_short is None and not config.population:
        return "no leveraged traders act, here or elsewhere"
    return ""


FRICTIONS: tuple[Friction, ...] = (
    Friction(
        "proxy",
        "Basis (imperfect proxy)",
        "basis",
        "The hedge is sold in other assets than the pool's, which move otherwise.",
        "Every hedge asset moves as the pool's base asset does. Betas sum to one, and what the "
        "posted ones are off the best ones stays an error of the hedge, of the same size.",
        "What happens within a step, and what flows do to one asset and not to another. Betas that "
        "a breakdown monitor posts go with it, those of an agent of one's own do not.",
        _own,
        evidence.legs_apart,
        market=removed.own_asset,
        scene=removed.one_for_one,
    ),
    Friction(
        "beta",
        "Betas known from the past",
        "hedge ratios that only the past was known for",
        "Hedge ratios are estimated from past returns, and move by limited steps.",
        "At each post the betas are the minimum-variance ones of the window that begins then, as "
        "long as the one looked back on, and may be as far as they like from those before.",
        "Within a window one beta stands for all of it.",
        _own_wholly,
        evidence.betas_off,
        scene=removed.foreseen,
    ),
    Friction(
        "rebalancing",
        "Bands and blocks",
        "rebalancing in bands and blocks",
        "The hedge is left alone within its band, and orders for the vault wait for their blocks.",
        "No band, and no latency of keeper, risk manager and monitor.",
        "The hedge is traded once a step at most, if a keeper is paid for it.",
        _unhedged,
        evidence.off_target,
        scene=removed.every_step,
    ),
    Friction(
        "depth",
        "Depth and slippage",
        "thin markets",
        "Trades pay spread, fee and premium, are refused where inventory or slippage is limited, "
        "and depth is withdrawn in stress; skew makes funding.",
        "Perps of any size trade at the oracle's price, and no depth is withdrawn.",
        "The vault's own swaps in a pool pay its fee and impact at full depth, and are refused "
        "beyond vault.max_slippage.",
        _never,
        evidence.no_room,
        market=removed.full_depth,
        scene=removed.no_slippage,
    ),
    Friction(
        "oracle",
        "Oracle lag and faults",
        "the oracle",
        "Contracts see the price of the last round: late, frozen or wrong; the venue charges a "
        "spread for it.",
        "A round at every step with the price of that step, and no spread for lag.",
        "",
        _prompt_oracle,
        evidence.oracle_off,
        market=removed.fresh_rounds,
        scene=removed.fresh_oracle,
    ),
    Friction(
        "margin",
        "Margin and liquidation",
        "margin that ran short: the hedge was deleveraged or liquidated",
        "The hedge is margined by a part of the vault alone, is shrunk when that runs low and "
        "closed when it is gone.",
        "One account, backed by all liquidity without haircut, never deleveraged; risk is not "
        "netted.",
        "Below maintenance margin of its whole net asset value the vault is liquidated still; on "
        "Aave, once USDC no longer covers the debt.",
        _not_backed,
        evidence.margin_short,
        scene=removed.backed_by_all,
    ),
    Friction(
        "adl",
        "ADL, socialised loss",
        "auto-deleveraging and socialised loss",
        "Debts that the insurance fund cannot pay are taken from winners, or shared out.",
        "The insurance fund pays every debt.",
        "",
        _no_market,
        evidence.losses_shared,
        scene=removed.endless_insurance,
        touched=removed.insurance_used,
    ),
    Friction(
        "keeping",
        "Gas and keeper outage",
        "gas and keepers who did not come",
        "Keepers call when the vault pays them more than gas costs, if there are any.",
        "A keeper calls for nothing whatever is due. Gas of everybody else stays.",
        "A keeper acts once a step, and cannot do what is refused.",
        _never,
        evidence.keepers_unpaid,
        scene=removed.devoted_keeper,
    ),
    Friction(
        "run",
        "Depositors' run",
        "the depositors' run",
        "Depositors leave at once, and the vault unwinds to pay them.",
        "Nobody runs, in a shock or from a loss; the calm coming and going of the days stays.",
        "",
        _no_run,
        evidence.left,
        market=removed.no_run,
        scene=removed.nobody_looks,
    ),
    Friction(
        "crowd",
        "Forced selling by others",
        "forced selling by others",
        "Leveraged traders crowd one side, and are liquidated into a falling market.",
        "Leveraged traders open nothing, here or elsewhere.",
        "Noise traders and arbitrageurs trade on, and where flows move prices theirs still do.",
        _no_crowd,
        evidence.others_liquidated,
        scene=removed.no_crowd,
    ),
)
BY_NAME = {friction.name: friction for friction in FRICTIONS}


def chosen(names: Sequence[str]) -> tuple[Friction, ...]:
    """Frictions by name, in their own order; all where none is named.

    Raises:
        InputError: there is none of that name.
    """
    for name in names:
        if name not in BY_NAME:
            raise InputError(f"friction = {name}: unknown; allowed: {', '.join(BY_NAME)}")
    return tuple(one for one in FRICTIONS if not names or one.name in names)


def present(config: Config, frictions: Sequence[Friction]) -> tuple[Friction, ...]:
    """Those of which the configuration has something."""
    return tuple(one for one in frictions if not one.absent(config))
