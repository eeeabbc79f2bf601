"""A scenario recast on other assets: vault, venues and agents keep their places and their value."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config import correlation
from simulator.config.shocks import Convergence, Decoupling, Depeg, RateCap, RateFreeze, Slashing
from simulator.market.assumed import LEAST_RETURNS, Moments
from simulator.types import USDC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.config.models import Config
    from simulator.types import Floats


class Recast:
    """A scenario for recorded assets: its base asset and its markets keep their places.

    ``notes`` says, a line each, what that changed.
    """

    def __init__(self, config: Config, prices: dict[str, float], hedges: Sequence[str]) -> None:
        """``prices`` at the start by recorded asset, USDC (if recorded) first and then the LP's.

        ``hedges``: the assets of the perp markets in order; the LP's own may be among them.
        """
        self.config, self.prices, self.hedges = config, prices, list(hedges)
        self.names = list(prices)
        self.lp = next(name for name in self.names if name != USDC)
        self.notes: list[str] = []
        markets = config.markets
        # Spare hedges copy the last market.
        self.markets = [markets[min(n, len(markets) - 1)] for n in range(len(self.hedges))]
        #: The scenario's asset that each recorded one takes the place of.
        self.places = {USDC: USDC, **dict(zip(self.hedges, self.markets, strict=True))}
        self.places[self.lp] = config.pool.base
        #: The other way round; where several take one place, the first does.
        self.renamed = {USDC: USDC}
        for name, place in (
            (self.lp, config.pool.base),
            *zip(self.hedges, self.markets, strict=True),
        ):
            self.renamed.setdefault(place, name)

    def scenario_moments(self) -> Moments:
        """Volatilities and correlations of the scenario, where history has nothing earlier."""
        places = [self.places[name] for name in self.names]
        rows, volatilities = correlation.followed(self.config, places)
        matrix = correlation.initial(self.config)[np.ix_(rows, rows)]
        return Moments(
            volatilities,
            matrix,
            "too little data before the window: volatilities and correlations are the scenario's, "
            "and so are the first hedge ratios",
        )

    def data(
        self, moments: Moments, step_minutes: int, fall: float, *, keep_shocks: bool
    ) -> dict[str, Any]:
        """The recast configuration as plain data, its history and horizon still missing.

        ``fall``: the LP asset's lowest price over its first.
        """
        data = self.config.model_dump(mode="json")
        old = data["assets"]
        self._assets(data, moments)
        self._drawing(data)
        data["pool"]["base"] = self.lp
        for item in data["pool"]["background"]:  # how far it follows goes by the record
            item["lowest_price"] = item["highest_price"] = None
        data["vault"]["venues"] = self._borrowed(data["vault"]["venues"])
        markets = data["clearing"]["markets"]
        data["clearing"]["markets"] = {
            name: markets[place] for name, place in zip(self.hedges, self.markets, strict=True)
        }
        self._flows(data)
        self._gas(data, old)
        self._collaterals(data, old)
        self._aave(data, old)
        self._lending(data, old)
        self._agents(data, old, fall)
        self._shocks(data, keep_shocks=keep_shocks)
        self._longer_steps(data, step_minutes)
        self._changes(data)
        return data

    def _drawing(self, data: dict[str, Any]) -> None:
        """Leave out what draws prices, and what was assumed of prices drawn that way."""
        config = self.config
        gone = [
            *(["process"] if config.process.kind != "gbm" else []),
            *(["jumps"] if any(asset.jumps for asset in config.assets.values()) else []),
            *(["common_jumps"] if config.common_jumps is not None else []),
            *(["sampling"] if config.sampling is not None else []),
        ]
        if gone:
            self.notes.append(f"left out, as it draws prices: the scenario's {', '.join(gone)}")
        data["process"] = {"kind": "gbm"}  # what is not recorded has no other asset's law
        data["common_jumps"] = data["sampling"] = None
        assumed = [name for name in ("betas", "assumed_correlation") if data["vault"][name]]
        if assumed:
            self.notes.append(f"left out, as it is measured: the scenario's {', '.join(assumed)}")
        data["vault"] |= dict.fromkeys(("betas", "assumed_correlation"))

    def _flows(self, data: dict[str, Any]) -> None:
        """Leave out what flows do to prices: recorded ones hold what flows did."""
        gone = [name for name in ("impact", "population") if data[name]]
        if gone:
            self.notes.append(
                f"left out, as recorded prices hold what flows did to them: the scenario's "
                f"{', '.join(gone)}"
            )
        if data["documented"]:
            self.notes.append("left out, as it is of another market: what is documented of it")
        data |= {"impact": None, "population": {}, "documented": []}

    def beside(self) -> dict[str, Any]:
        """What the scenario has recorded beside prices, under the new names."""
        history = self.config.model_dump(mode="json")["history"]
        return {
            "gas": history["gas"],
            "depth": history["depth"],
            "oracle": self._renamed_keys(history["oracle"]),
            "funding": self._renamed_keys(history["funding"]),
        }

    def _renamed_keys(self, section: dict[str, Any]) -> dict[str, Any]:
        """A mapping by asset under the new names, without what is not replayed."""
        named = {self.renamed.get(name, name): value for name, value in section.items()}
        return {name: value for name, value in named.items() if name in {USDC, *self.names}}

    def _borrowed(self, section: dict[str, Any]) -> dict[str, Any]:
        """The same without the LP's own asset, which the vault cannot borrow."""
        named = self._renamed_keys(section)
        return {name: value for name, value in named.items() if name != self.lp}

    def _assets(self, data: dict[str, Any], moments: Moments) -> None:
        old = data["assets"]
        data["assets"] = {USDC: old[USDC]}
        for name, sigma in zip(self.names, moments.volatilities, strict=True):
            data["assets"][name] = {
                "price": self.prices[name],
                "volatility": float(sigma),
                "decimals": old[self.places[name]]["decimals"],
            }
        pairs = {
            f"{self.names[row]}/{self.names[column]}": float(moments.correlations[row, column])
            for row in range(len(self.names))
            for column in range(row)
        }
        data["correlation"] = {"default": 0.0, "pairs": pairs}
        data["oracle"]["feeds"] = self._renamed_keys(data["oracle"]["feeds"])
        for name, feed in data["oracle"]["feeds"].items():
            if feed["source"] != "market":
                feed["source"] = "market"
                self.notes.append(f"the {name} feed reads the recorded price, not an exchange rate")

    def _changes(self, data: dict[str, Any]) -> None:
        """Note whose place each asset takes, and what of the scenario is gone."""
        base = self.config.pool.base
        if self.lp != base:
            self.notes.append(
                f"{self.lp} takes the place of {base}: wallets keep their value in USD"
            )
        self.notes += [
            f"the {name} perp has the terms of the scenario's {place} perp"
            for name, place in zip(self.hedges, self.markets, strict=True)
            if name != place
        ]
        closed = [name for name in self.config.markets if name not in self.markets]
        if closed:
            every = self.config.markets
            self.notes.append(
                f"perp markets of the scenario left out: {', '.join(closed)}; --hedge names "
                f"{len(self.hedges)} for its {len(every)} ({', '.join(every)})"
            )
        gone = [name for name in self.config.assets if name not in data["assets"]]
        if gone:
            self.notes.append(f"assets of the scenario left out: {', '.join(gone)}")

    def _gas(self, data: dict[str, Any], old: dict[str, Any]) -> None:
        native = data["gas"]["native_asset"]
        if native is not None and native not in data["assets"]:
            data["gas"] |= {"native_asset": None, "native_price": old[native]["price"]}
            self.notes.append(
                f"gas is paid at the scenario's {native} price, {native} not replayed"
            )

    def _collaterals(self, data: dict[str, Any], old: dict[str, Any]) -> None:
        """The basket, and what agents pledge, under the new names and at the same value."""
        collaterals = data["clearing"]["collaterals"]
        for name in collaterals:
            if self.renamed.get(name, name) not in data["assets"]:
                self.notes.append(f"collateral {name} left out: it is not replayed")
        kept = self._at_value(collaterals, old, "cap")
        data["clearing"]["collaterals"] = kept
        for _, agent in _sections(data["agents"]):
            if agent.get("margin") is not None:
                margin = self._at_value(agent["margin"], old)
                agent["margin"] = {c: q for c, q in margin.items() if c in kept}

    def _at_value(
        self, section: dict[str, Any], old: dict[str, Any], *fields: str
    ) -> dict[str, Any]:
        """A mapping by asset under the new names, its tokens (of ``fields``) worth the same."""
        result = self._renamed_keys(section)
        for name, entry in result.items():
            scale = 1.0 if name == USDC else self._scale(name, old)
            if fields:
                result[name] = entry | {field: entry[field] * scale for field in fields}
            else:
                result[name] = entry * scale
        return result

    def _scale(self, name: str, old: dict[str, Any]) -> float:
        """Tokens of an asset worth one of the scenario's asset it takes the place of."""
        return float(old[self.places[name]]["price"]) / self.prices[name]

    def _aave(self, data: dict[str, Any], old: dict[str, Any]) -> None:
        if data["aave"] is None:
            return
        reserves = self._borrowed(data["aave"]["assets"])
        for name, reserve in reserves.items():
            for field in ("supplied", "borrowed"):
                reserve[field] *= self._scale(name, old)
        if reserves:
            data["aave"]["assets"] = reserves
        else:
            data["aave"] = data["agents"]["leg_arbitrageur"] = None
            self.notes.append("Aave left out: none of its assets is replayed as a hedge to borrow")

    def _lending(self, data: dict[str, Any], old: dict[str, Any]) -> None:
        """The lending market where all of it is replayed, its tokens worth the same."""
        lending = data["lending"]
        if lending is None:
            return
        reserves = self._at_value(lending["reserves"], old, "supplied", "borrowed")
        if len(reserves) < len(lending["reserves"]):
            data["lending"] = data["agents"]["borrower_liquidator"] = None
            self.notes.append("lending left out: not all of its reserves are replayed")
            return
        for name, reserve in reserves.items():
            scale = 1.0 if name == USDC else self._scale(name, old)
            for cap in ("supply_cap", "borrow_cap"):
                reserve[cap] = ceil(reserve[cap] * scale)
        lending["reserves"] = reserves
        for borrower in lending["borrowers"].values():
            borrower["collateral"] = self._at_value(borrower["collateral"], old)
            borrower["debt"] = self._renamed_keys(borrower["debt"])

    def _agents(self, data: dict[str, Any], old: dict[str, Any], fall: float) -> None:
        """Wallets of base tokens keep their value in USD.

        The arbitrageur restocks outside as a price falls: what a pool takes grows as 1/√P (Uniswap
        v3 whitepaper, eq. 6.29), so its wallet holds that much for the lowest price replayed.
        """
        for name, agent in _sections(data["agents"]):
            if agent.get("base") is not None:
                restocked = fall if name == "amm_arbitrageur" else 1.0
                agent["base"] *= self._scale(self.lp, old) / sqrt(restocked)
            if "assets" in agent:
                agent["assets"] = {
                    asset: tokens * self._scale(asset, old)
                    for asset, tokens in self._renamed_keys(agent["assets"]).items()
                }
            if agent.get("market") is not None:
                agent["market"] = self.renamed.get(agent["market"], agent["market"])

    def _shocks(self, data: dict[str, Any], *, keep_shocks: bool) -> None:
        kept: list[dict[str, Any]] = []
        gone: list[dict[str, Any]] = []
        for section, shock in zip(data["shocks"], self.config.shocks, strict=True):
            acts = not isinstance(shock, Decoupling | Convergence | Slashing | RateFreeze | RateCap)
            if isinstance(shock, Depeg):
                acts = shock.asset == USDC and USDC not in self.prices
            if "asset" in section:
                section["asset"] = self.renamed.get(section["asset"], section["asset"])
                acts = acts and section["asset"] in data["assets"]
            if "assets" in section:
                names = [self.renamed.get(name, name) for name in section["assets"]]
                section["assets"] = [name for name in names if name in data["assets"]]
                acts = acts and bool(section["assets"])
            (kept if keep_shocks and acts else gone).append(section)
        data["shocks"] = kept
        if gone:
            kinds = ", ".join(section["kind"] for section in gone)
            why = ", which act on drawn prices or on assets not replayed" if keep_shocks else ""
            self.notes.append(f"shocks of the scenario left out{why}: {kinds}")

    def _longer_steps(self, data: dict[str, Any], step_minutes: int) -> None:
        """What is given in minutes and hours for steps of an hour has to hold on longer ones."""
        for where, section in (("oracle", data["oracle"]), *data["oracle"]["feeds"].items()):
            # A feed not named in `feeds` is the oracle's own.
            beat = self.config.feed(self.places.get(where, where)).beat(step_minutes)
            if section["max_age_minutes"] < beat:
                self.notes.append(
                    f"{where}: prices of up to {beat} minutes are accepted "
                    f"({section['max_age_minutes']:g} in the scenario), rounds are posted on steps"
                )
                section["max_age_minutes"] = float(beat)
        manager = data["agents"]["risk_manager"]
        least = LEAST_RETURNS * step_minutes / 60
        if (
            manager is not None
            and manager["estimator"] != "fixed"
            and manager["window_hours"] < least
        ):
            self.notes.append(
                f"the risk manager estimates on {least:g} hours, {LEAST_RETURNS} returns of "
                f"{step_minutes} minutes ({manager['window_hours']:g} hours in the scenario)"
            )
            manager["window_hours"] = least


def followed(config: Config, replayed: dict[str, Floats], moves: Floats) -> tuple[float, float]:
    """Lowest and highest price of the pool over a replay, USDC per base token.

    ``replayed`` ``[T + 1]`` by asset, ``moves`` ``[A, T + 1]`` log factors of the shocks on top, in
    the order they are drawn in.
    """
    symbols = config.market.symbols
    base = symbols.index(config.pool.base)
    prices = replayed[config.pool.base] * np.exp(moves[base])
    dollars = replayed.get(USDC, np.full_like(prices, config.assets[USDC].price))
    dollars = dollars * np.exp(moves[symbols.index(USDC)])
    pegs = [
        price
        for shock in config.shocks
        if isinstance(shock, Depeg) and shock.asset == USDC
        for _, price in shock.anchors
    ]
    ratio = prices / dollars
    highest = max(float(np.max(ratio)), *(float(np.max(prices)) / peg for peg in pegs), 0.0)
    return float(np.min(ratio)), highest


def _sections(agents: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those who are there, by name, one's own among them."""
    for name, agent in (agents | agents["custom"]).items():
        if name != "custom" and agent is not None:
            yield name, agent
