"""Staked assets: what they are redeemed for, how their market strays, what their feeds read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.config import Config, from_mapping, initial_betas, load
from simulator.config.correlation import assumed_covariance
from simulator.market import staked
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.types import Floats, InputError

RATE = 1.2  # ETH per token at the start
WORTH = RATE * 1824  # USD
HOURS_PER_YEAR = 365 * 24
QUIET = (
    "step_minutes=60",
    "shocks=[]",
    f"assets.STETH.price={WORTH}",
    f"assets.STETH.staked.exchange_rate={RATE}",
    "assets.STETH.staked.discount_volatility=0",
)


def market(*settings: str, paths: int = 5) -> tuple[Config, MarketPaths]:
    config = load("lst-discount", [*QUIET, *settings])
    return config, draw(config.market, 0, paths)


def over_eth(drawn: MarketPaths, of: Floats | None = None) -> Floats:
    """STETH's index, or what is given, over ETH's index ``[T + 1, P]``."""
    price = drawn.index[drawn.assets.index("STETH")] if of is None else of
    return np.asarray(price / drawn.index[drawn.assets.index("ETH")])


def test_without_a_premium_it_is_worth_what_has_accrued() -> None:
    config, drawn = market()
    years = np.arange(config.steps + 1) / HOURS_PER_YEAR
    assert over_eth(drawn) == pytest.approx(np.outer(RATE * 1.04**years, np.ones(5)), rel=1e-12)


def test_it_moves_no_other_price_by_a_bit() -> None:
    _, with_it = market("assets.STETH.staked.discount_volatility=0.01")
    data = load("calm").model_dump(mode="json")
    data["assets"]["WSTETH"] = {
        "price": 1.1 * data["assets"]["ETH"]["price"],
        "staked": {"underlying": "ETH", "exchange_rate": 1.2, "discount_volatility": 0.01},
    }
    calm, more = load("calm"), from_mapping(data)
    before, after = draw(calm.market, 3, 4), draw(more.market, 3, 4)
    for symbol in calm.symbols:
        one, other = before.assets.index(symbol), after.assets.index(symbol)
        assert np.array_equal(before.index[one], after.index[other])
        assert np.array_equal(before.oracle_price[one], after.oracle_price[other])
    assert np.array_equal(before.gas_usd, after.gas_usd)
    assert np.array_equal(before.noise_trade, after.noise_trade)
    assert np.std(np.log(over_eth(with_it))) > 0.001


def test_a_path_is_the_same_in_any_chunk() -> None:
    settings = (
        "assets.STETH.staked.discount_volatility=0.01",
        "assets.STETH.staked.slashings_per_year=50",
        "assets.STETH.staked.slashing_loss=0.01",
    )
    _, all_of_them = market(*settings, paths=6)
    config = load("lst-discount", [*QUIET, *settings])
    assert np.array_equal(draw(config.market, 4, 2).index, all_of_them.index[:, :, 4:])


def test_the_premium_returns_as_fast_and_strays_as_far_as_said() -> None:
    begins, hours, strays = 0.95, 24.0, 0.02
    config, drawn = market(
        f"assets.STETH.price={begins * WORTH}",
        f"assets.STETH.staked.discount_volatility={strays}",
        f"assets.STETH.staked.reversion_hours={hours}",
        "assets.STETH.staked.yield_per_year=0",
        paths=4_000,
    )
    log = np.log(over_eth(drawn) / RATE)
    time = np.arange(config.steps + 1)
    # Uhlenbeck and Ornstein (1930): mean x0 e^(-t/τ), variance v² (1 − e^(−2t/τ)).
    deviation = strays * np.sqrt(1 - np.exp(-2 * time / hours))
    error = log.mean(axis=1) - np.log(begins) * np.exp(-time / hours)
    assert np.all(np.abs(error) <= 4.5 * deviation / np.sqrt(4_000) + 1e-12)
    assert log.std(axis=1)[10:] == pytest.approx(deviation[10:], rel=0.06)


def test_its_anchors_are_of_what_a_token_is_redeemed_for() -> None:
    depeg = (
        'shocks=[{"kind": "depeg", "asset": "STETH", "anchors": [[0, 1], [24, 0.93], [48, 0.97]]},'
        '{"kind": "crash", "assets": ["ETH"], "size": -0.5, "at_hours": 12}]'
    )
    _, drawn = market(depeg, "assets.STETH.staked.yield_per_year=0")
    ratio = over_eth(drawn) / RATE
    assert ratio[[0, 24, 48]] == pytest.approx(np.outer([1.0, 0.93, 0.97], np.ones(5)))
    assert ratio[-1] == pytest.approx(0.97)  # and from there on its own way: none here


def test_a_slashing_takes_its_part_for_good_and_of_every_holder() -> None:
    slashing = 'shocks=[{"kind": "slashing", "asset": "STETH", "at_hours": 30, "loss": 0.08}]'
    _, drawn = market(slashing, "assets.STETH.staked.yield_per_year=0")
    ratio = over_eth(drawn) / RATE
    assert ratio[:30] == pytest.approx(1.0)
    assert ratio[30:] == pytest.approx(0.92)


def test_drawn_slashings_are_as_many_as_said() -> None:
    config, _ = market(
        "assets.STETH.staked.slashings_per_year=26",
        "assets.STETH.staked.slashing_loss=0.01",
        "assets.STETH.staked.yield_per_year=0",
    )
    rate = staked.exchange_rate(config.market, "STETH", 0, 5_000)
    times = np.log(rate[-1] / RATE) / np.log(0.99)
    assert times == pytest.approx(np.round(times))
    expected = 26 * config.steps / HOURS_PER_YEAR
    assert times.mean() == pytest.approx(expected, abs=4.5 * np.sqrt(expected / 5_000))


# ------------------------------------------------------------------------------------- its feed

EVERY_STEP = (
    "oracle.feeds.STETH.heartbeat_minutes=60",
    "oracle.feeds.STETH.deviation=0",
)
AT_A_DISCOUNT = f"assets.STETH.price={0.9 * WORTH}"
BY_RATE = "oracle.feeds.STETH.source=exchange_rate"


@pytest.mark.parametrize(("source", "sees"), [("market", 0.9), ("exchange_rate", 1.0)])
def test_a_feed_reads_the_market_or_the_exchange_rate(source: str, sees: float) -> None:
    _, drawn = market(*EVERY_STEP, AT_A_DISCOUNT, f"oracle.feeds.STETH.source={source}")
    read = over_eth(drawn, drawn.oracle_price[drawn.assets.index("STETH")]) / RATE
    assert read[0] == pytest.approx(sees)
    market_price = over_eth(drawn) / RATE
    assert (read == pytest.approx(market_price)) == (source == "market")


def test_a_slashing_reaches_a_frozen_rate_when_it_is_read_again() -> None:
    shocks = (
        'shocks=[{"kind": "slashing", "asset": "STETH", "at_hours": 30, "loss": 0.08},'
        '{"kind": "rate_freeze", "asset": "STETH", "at_hours": 20, "duration_hours": 40}]'
    )
    _, drawn = market(shocks, *EVERY_STEP, BY_RATE, "assets.STETH.staked.yield_per_year=0")
    read = over_eth(drawn, drawn.oracle_price[drawn.assets.index("STETH")]) / RATE
    assert read[:60] == pytest.approx(1.0)
    assert read[60:] == pytest.approx(0.92)
    assert over_eth(drawn)[30:] / RATE == pytest.approx(0.92)


def test_feeds_read_no_more_than_a_cap_while_it_is_posted() -> None:
    shocks = (
        'shocks=[{"kind": "rate_cap", "asset": "STETH", "cap": 0.97, '
        '"at_hours": 20, "duration_hours": 40}]'
    )
    _, drawn = market(shocks, *EVERY_STEP, BY_RATE)
    read = over_eth(drawn, drawn.oracle_price[drawn.assets.index("STETH")])
    _, free = market("shocks=[]", *EVERY_STEP, BY_RATE)
    true = over_eth(free, free.oracle_price[free.assets.index("STETH")])
    capped = slice(20, 60)
    assert read[capped] == pytest.approx(np.minimum(true[capped], 0.97))
    assert read[:20] == pytest.approx(true[:20])
    assert read[60:] == pytest.approx(true[60:])
    # The market, and what a token is redeemed for, know nothing of it.
    np.testing.assert_array_equal(drawn.index, free.index)


# ---------------------------------------------------------------------------------- assumptions


def test_the_first_hedge_of_a_staked_asset_is_of_its_underlying_one_for_one() -> None:
    assert initial_betas(load("lst-discount")) == pytest.approx((1.0,))


def test_the_covariance_assumed_is_that_of_what_is_drawn() -> None:
    config, drawn = market(
        "assets.STETH.staked.discount_volatility=0.03",
        "assets.STETH.staked.reversion_hours=20",
        "assets.STETH.staked.yield_per_year=0",
        paths=3_000,
    )
    symbols = ("STETH", "ETH")
    daily = np.array(
        [np.diff(np.log(drawn.index[drawn.assets.index(name)][24::24]), axis=0) for name in symbols]
    ).reshape(2, -1)
    assert np.cov(daily) * 365 == pytest.approx(assumed_covariance(config, symbols), rel=0.03)


# -------------------------------------------------------------------------------- what is refused


def refused(changes: dict[str, Any], *settings: str) -> str:
    data = load("lst-discount", list(settings)).model_dump(mode="json")
    for path, value in changes.items():
        *above, last = path.split(".")
        node = data
        for part in above:
            node = node[part]
        node[last] = value
    with pytest.raises(InputError) as error:
        from_mapping(data)
    return str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("assets.STETH.volatility", 0.5, "assets.STETH.volatility = 0.5: must be 0"),
        ("assets.STETH.drift", 0.5, "assets.STETH.drift = 0.5: must be 0"),
        (
            "assets.STETH.jumps",
            {"intensity": 1, "mean": 0, "std": 0.1},
            "STETH.jumps: must be null",
        ),
        ("assets.STETH.price", 800, "assets.STETH.price = 800: must be from 912 to 3648"),
        ("assets.STETH.staked.underlying", "SOL", "underlying = SOL: must be one of USDC, ETH"),
        ("assets.STETH.staked.underlying", "STETH", "underlying = STETH: must be one of USDC, ETH"),
        ("assets.STETH.staked.slashing_loss", 0.1, "slashings_per_year = 0, slashing_loss = 0.1"),
        ("assets.STETH.staked.slashing_loss", 1, "must be a number at least 0 and less than 1"),
        ("correlation.pairs", {"STETH/ETH": 0.9}, "correlation.pairs = STETH/ETH: must be"),
        ("vault.assumed_correlation", {"STETH/ETH": 0.9}, "assumed_correlation = STETH/ETH"),
        ("oracle.source", "exchange_rate", "oracle.source = exchange_rate: must be market"),
        ("oracle.feeds.ETH", {"source": "exchange_rate"}, "oracle.feeds.ETH.source"),
        ("impact", {"depth_usd": {"ETH": 1e7}}, "impact.depth_usd.ETH: must be left out"),
        ("impact", {"depth_usd": {"STETH": 1e7}}, "impact.depth_usd.STETH: must be left out"),
        (
            "shocks",
            [{"kind": "slashing", "asset": "ETH", "at_hours": 1, "loss": 0.1}],
            "shocks.0 (slashing).asset = ETH: must be a staked asset",
        ),
        (
            "shocks",
            [{"kind": "rate_freeze", "asset": "STETH", "at_hours": 1, "duration_hours": 2}],
            "oracle.feeds.STETH.source = market: must be exchange_rate",
        ),
        (
            "shocks",
            [{"kind": "rate_cap", "asset": "ETH", "cap": 1, "at_hours": 1, "duration_hours": 2}],
            "shocks.0 (rate_cap).asset = ETH: must be a staked asset",
        ),
        (
            "shocks",
            [
                {"kind": "rate_freeze", "asset": "STETH", "at_hours": at, "duration_hours": 4}
                for at in (3, 1)
            ],
            "at_hours = 3: must be at least 5, where the freeze of STETH before it ends",
        ),
        (
            "shocks",
            [{"kind": "decoupling", "asset": "STETH", "at_hours": 1, "duration_hours": 2}],
            "shocks.0 (decoupling) = STETH: must be one of USDC, ETH",
        ),
        (
            "common_jumps",
            {"intensity": 1, "mean": 0, "std": 0.1, "loading": {"STETH": 1}},
            "common_jumps.loading = STETH: must be one of",
        ),
        (
            "process",
            {"kind": "factor", "market_volatility": 0.5, "betas": {"STETH": 1}},
            "process.betas = STETH",
        ),
        ("sampling", {"shift": {"STETH": -1}}, "sampling.shift.STETH: no such asset"),
    ],
)
def test_what_would_do_nothing_or_contradict_is_refused(path: str, value: Any, says: str) -> None:
    assert says in refused({path: value})
