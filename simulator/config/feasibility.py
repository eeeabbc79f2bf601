"""Whether a vault's limits fit the hedge it will want with its first deposit, and its keepers' pay.

What can never work at the first step is :attr:`Misfit.certain`, and a run refuses it; what is only
tight is said. A designer may want to see a limit bind in a crash or a gas spike: prices, depth and
gas that move later make nothing certain, and are left to the diagnosis of the run. Checked by a run
and not when a configuration is read: both worlds are compared on vaults that never open, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, log10, sqrt
from typing import TYPE_CHECKING

import numpy as np

from simulator.config import lending
from simulator.config.bounds import bounds
from simulator.config.resolve import initial_betas
from simulator.hedging import stable_lp
from simulator.types import GWEI, USDC
from simulator.world.actions import Rebalance, Recenter
from simulator.world.gas import GAS_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.models import Config
    from simulator.config.venues import StablePool
    from simulator.world.actions import Action

#: How the liquidity's delta grows from the middle of its range to the lower end, at least.
_AT_THE_LOWER_END = 2.0


@dataclass(frozen=True)
class Misfit:
    """A value that does not fit the rest.

    ``finding``: what the run will come to (a name of :mod:`simulator.results.diagnosis`);
    ``needed``: the value that would do, by itself; ``certain``: nothing can come of it.
    ``most``: what is allowed of it at most, where that is less.
    """

    finding: str
    field: str
    value: float
    needed: float
    why: str
    certain: bool
    most: float | None = None

    @property
    def text(self) -> str:
        """Field, value, what it has to be and why."""
        if self.most is not None:
            return (
                f"{self.field} = {self.value:g}: {written(self.needed)} would be needed, and at "
                f"most {self.most:.4g} is allowed: {self.why}"
            )
        must = "must be" if self.certain else "should be"
        side = "at most" if self.needed < self.value else "at least"
        return f"{self.field} = {self.value:g}: {must} {side} {written(self.needed)}: {self.why}"


def written(value: float) -> str:
    """A value that would do, as it can be written into a configuration: rounded up."""
    if value == 0.0:
        return "0"
    digit = 10.0 ** (floor(log10(abs(value))) - 3)
    rounded = ceil(value / digit * (1.0 - 1e-12)) * digit
    return f"{rounded:.0f}" if abs(rounded) >= 1_000.0 else f"{rounded:.4g}"


def misfits(config: Config) -> list[Misfit]:
    """What does not fit, most certain first; nothing is known of a vault that others open."""
    if config.agents.depositor is None:
        return []
    found = [*_pay(config), *_depth(config), *_spot(config)]
    if config.agents.risk_manager is not None:
        wanted = first_hedge(config)
        found += [*_ratios(config, wanted), *_band(config, wanted), *_margin(config, wanted)]
        for symbol, usd in wanted.items():
            if usd > 0.0 and symbol not in lending.lent(config):
                found += _market(config, symbol, usd)
    return sorted((_allowed(config, one) for one in found), key=lambda one: not one.certain)


def _allowed(config: Config, misfit: Misfit) -> Misfit:
    """With what is allowed of its field, where what would do is more."""
    most = bounds(config, misfit.field)[1]
    return replace(misfit, most=most) if float(written(misfit.needed)) > most else misfit


def first_hedge(config: Config) -> dict[str, float]:
    """USD that the first deposit wants to be short, by market: the LP delta times |β|."""
    delta = 0.5 * config.vault.lp_allocation * _deposit(config)  # half is base in mid-range
    betas = initial_betas(config)
    return {s: abs(beta) * delta for s, beta in zip(config.markets, betas, strict=True)}


def _deposit(config: Config) -> float:
    """USD of the first deposit."""
    assert config.agents.depositor is not None
    return config.agents.depositor.initial_deposit * config.assets[USDC].price


def _market(config: Config, symbol: str, usd: float) -> Iterator[Misfit]:
    """The limits of one market of the clearing house."""
    clearing, market = config.clearing, config.clearing.markets[symbol]
    field, later = f"clearing.markets.{symbol}", _AT_THE_LOWER_END * usd
    bound = clearing.skew_bound_usd(symbol)
    short = f"the first deposit wants ${usd:,.0f} of {symbol} short"
    grows = f"{short}, twice that at the lower end of its range"
    for name, limit, of_field in (
        ("max_skew_usd", market.max_skew_usd, 1.0),
        ("skew_scale_usd", bound, market.skew_scale_usd / bound),
    ):
        rule = f" (the skew is at most skew_scale_usd · φ · maintenance_rate / 2 = ${bound:,.0f})"
        rule = rule if name == "skew_scale_usd" else ""
        value = limit * of_field
        # Others' longs, which may reach the limit, make as much room again.
        if usd > 2.0 * limit:
            why = f"{short}{rule}, and a rebalance trades all or nothing"
            yield Misfit("never_hedged", f"{field}.{name}", value, usd * of_field, why, True)
        elif later > limit:
            why = f"{grows}{rule}"
            yield Misfit("tight_limit", f"{field}.{name}", value, later * of_field, why, False)
    most = market.max_open_interest_usd
    if later > most:
        certain = usd > most
        yield Misfit(
            "never_hedged" if certain else "tight_limit", f"{field}.max_open_interest_usd", most,
            usd if certain else later, short if certain else grows, certain,
        )  # fmt: skip
    # As contracts/SPEC.md §3.2 and world/units.maker_shares: by what the inventory limit is worth.
    share = market.max_skew_usd / sum(m.max_skew_usd for m in clearing.markets.values())
    spread = config.half_spread(symbol)
    reserve, earned = usd * market.maintenance_rate, usd * (spread + market.taker_fee)
    behind = share * clearing.maker_funds
    if _AT_THE_LOWER_END * reserve > behind and usd <= 2.0 * market.max_skew_usd:
        certain = reserve - earned > behind
        needed = (reserve if certain else _AT_THE_LOWER_END * reserve) / share
        why = f"{symbol}'s part of it, {share:.0%}, must cover a move by maintenance_rate: {grows}"
        name = "never_hedged" if certain else "tight_limit"
        yield Misfit(name, "clearing.maker_funds", clearing.maker_funds, needed, why, certain)
    cost = spread + 0.5 * min(usd, bound) / market.skew_scale_usd
    if cost > config.vault.max_slippage:
        why = f"{short}; in one order that costs {cost:.2%}, half the spread and the premium"
        yield Misfit(
            "tight_limit", "vault.max_slippage", config.vault.max_slippage, cost, why, False
        )


def _margin(config: Config, wanted: dict[str, float]) -> Iterator[Misfit]:
    """Equity that the first hedge takes by the gross rule; netted risk and pledges take less."""
    clearing, vault = config.clearing, config.vault
    if config.pledged or clearing.margin == "portfolio":
        return
    here = {s: usd for s, usd in wanted.items() if s not in lending.lent(config)}
    rates = {s: clearing.markets[s].maintenance_rate for s in here}
    multiple = max(clearing.initial_multiple, vault.deleverage_ratio)
    needed = multiple * sum(rates[s] * usd for s, usd in here.items())
    needed /= (1.0 - clearing.collaterals[USDC].haircut) * _deposit(config)
    if needed > vault.margin_allocation:
        certain = needed > 1.0 - vault.lp_allocation
        why = "margin of the first hedge at the greater of initial_multiple and deleverage_ratio"
        name = "never_hedged" if certain else "tight_limit"
        yield Misfit(name, "vault.margin_allocation", vault.margin_allocation, needed, why, certain)


def _band(config: Config, wanted: dict[str, float]) -> Iterator[Misfit]:
    largest = max(wanted.values(), default=0.0) / _deposit(config)
    if 0.0 < largest <= config.vault.hedge_band:
        why = f"the largest hedge the first deposit wants is {largest:.4g} of NAV, within the band"
        yield Misfit(
            "tight_limit", "vault.hedge_band", config.vault.hedge_band, 0.5 * largest, why, False
        )


def _ratios(config: Config, wanted: dict[str, float]) -> Iterator[Misfit]:
    """Ratios nobody chose, of prices that do not move together."""
    if config.vault.betas is None and not any(wanted.values()):
        base = config.pool.base
        volatility = config.assets[base].volatility
        field = f"assets.{base}.volatility" if volatility == 0.0 else "correlation.default"
        value = volatility if volatility == 0.0 else config.correlation.default
        why = "else the first hedge ratios are zero and nothing is hedged; or give vault.betas"
        yield Misfit("tight_limit", field, value, 0.6, why, False)


def _pay(config: Config) -> Iterator[Misfit]:
    """What keepers are paid for the first recentring and the first hedge, against their gas."""
    keeper, vault = config.agents.keeper, config.vault
    if keeper is None:
        return
    found: dict[str, Misfit] = {}
    protected: dict[type[Action], float] = {Recenter: vault.lp_allocation * _deposit(config)}
    if config.agents.risk_manager is not None:
        protected[Rebalance] = sum(first_hedge(config).values())
    for kind, usd in protected.items():
        if usd == 0.0:
            continue
        what, finding = "recentring", "never_invested"
        if kind is Rebalance:
            what, finding = "rebalance", "never_hedged"
        gas = GAS_UNITS[kind] * _gas_usd(config)
        least = gas + keeper.minimum_profit_usd
        paid = {
            "keeper_reward": (vault.keeper_reward * config.assets[USDC].price, vault.keeper_reward),
            "keeper_share": (vault.keeper_share * usd, vault.keeper_share),
        }
        for name, (reward, value) in paid.items():
            if reward > least:
                continue
            certain = reward <= keeper.minimum_profit_usd  # were gas free
            needed = least / (config.assets[USDC].price if name == "keeper_reward" else usd)
            why = f"a first {what} pays ${reward:,.2f} and costs a keeper ${gas:,.2f} of gas"
            why += f" at gas.gwei = {config.gas.gwei:g}"
            misfit = Misfit(
                finding if certain else "tight_reward", f"vault.{name}", value, needed, why, certain
            )
            if name not in found or found[name].needed < needed:
                found[name] = misfit
    yield from found.values()


def _gas_usd(config: Config) -> float:
    """USD per unit of gas at the mean gas price and the first prices."""
    gas = config.gas
    native = gas.native_price if gas.native_asset is None else config.assets[gas.native_asset].price
    return gas.gwei * GWEI * native


def _depth(config: Config) -> Iterator[Misfit]:
    """The swap that the first investment begins with against the pool's liquidity.

    A range from P/r² to P·r² worth V has L√P = V / (2 − 2/r), the USDC that double √P.
    """
    vault = config.vault
    if config.pool.stable is not None:
        yield from _stable_depth(config, config.pool.stable)
        return
    reserve = 0.0
    for item in config.pool.background:
        part = 1.0 if item.half_width_percent is None else 1.0 - _root(item.half_width_percent)
        if item.half_width_ticks is not None:
            part = 1.0 - 1.0001 ** (-item.half_width_ticks / 2)
        reserve += item.value_usd / (2.0 * part)
    usd = 0.5 * vault.lp_allocation * _deposit(config)
    moved, room = usd * (1.0 - config.pool.fee_ppm * 1e-6) / reserve, sqrt(1 + vault.max_slippage)
    if 1.0 + moved > room:
        # The spot price may begin as far on the other side of the oracle's, with less to buy.
        certain = moved > 3.0 * (room - 1.0)
        times = moved / (room - 1.0)
        deep = ceil(times * sum(item.value_usd for item in config.pool.background))
        why = (
            f"the first investment buys ${usd:,.0f} of {config.pool.base} at once, which moves the "
            f"pool's price by {(1 + moved) ** 2 - 1:.2%}; or a pool.background of ${deep:,} in "
            f"the same ranges ({_ranges(config)}), {written(times)} times as deep as it is"
        )
        finding, needed = "never_invested" if certain else "tight_limit", (1 + moved) ** 2 - 1
        yield Misfit(finding, "vault.max_slippage", vault.max_slippage, needed, why, certain)


def _stable_depth(config: Config, terms: StablePool) -> Iterator[Misfit]:
    """The same of a StableSwap: what of the base asset can be bought before the price is beyond."""
    vault, coins = config.vault, (config.assets[config.pool.base], config.assets[USDC])
    prices = np.array([coin.price for coin in coins])
    # Up to three times the bound: the spot price may begin on the other side of the oracle's.
    reached = np.outer(1.0 + vault.max_slippage * np.array([0.0, 1.0, 3.0]), [prices[0], 0.0])
    reached[:, 1] = prices[1]
    held = stable_lp.balances(reached, 1.0, terms.amplification)
    size = terms.value_usd / float(held[0] @ prices)
    room, far = ((held[0, 0] - held[1:, 0]) * size * prices[0]).tolist()
    usd = 0.5 * vault.lp_allocation * _deposit(config)
    if usd > room:
        certain, deep = usd > far, usd / room * terms.value_usd
        why = (
            f"the first investment buys ${usd:,.0f} of {config.pool.base} at once, and the pool "
            f"sells ${room:,.0f} before its price is beyond vault.max_slippage = "
            f"{vault.max_slippage:g}"
        )
        finding = "never_invested" if certain else "tight_limit"
        yield Misfit(finding, "pool.stableswap.value_usd", terms.value_usd, deep, why, certain)


def _ranges(config: Config) -> str:
    """The ranges of the background liquidity, whose depth is its value over their width."""
    named = []
    for item in config.pool.background:
        for name in ("half_width_percent", "half_width_ticks"):
            if (width := getattr(item, name)) is not None:
                named.append(f"{name} {width:g}")
                break
        else:
            named.append("the full range")
    return ", ".join(dict.fromkeys(named))


def _root(half_width_percent: float) -> float:
    """√ of the centre's price over the upper end's."""
    return 1.0 / sqrt(1.0 + half_width_percent / 100.0)


def _spot(config: Config) -> Iterator[Misfit]:
    """What arbitrage leaves between the pool's price and the oracle's against the bound on it."""
    stable = config.pool.stable
    fee = config.pool.fee_ppm * 1e-6 if stable is None else stable.fee
    lag = config.feed(config.pool.base).deviation
    if config.vault.max_slippage < fee + lag:
        why = (
            f"no recentring while the pool's price is further from the oracle's; arbitrage leaves "
            f"its fee, {fee:.2%}, and the feed's deviation, {lag:.2%}"
        )
        value = config.vault.max_slippage
        yield Misfit("tight_limit", "vault.max_slippage", value, fee + lag, why, False)
