"""Path i is the same whatever it is drawn with, and every use of randomness has its own stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config import Config, load
from simulator.market.draw import draw
from simulator.market.paths import SINGLE, STACKED, MarketPaths
from simulator.market.streams import Stream
from tests.scenarios import CHECKED

ARRAYS = (*STACKED, *SINGLE)
PATHS = 37


def _short(name: str, *overrides: str) -> Config:
    return load(name, overrides)


@pytest.fixture(scope="module")
def whole() -> dict[str, MarketPaths]:
    return {name: draw(load(name).market, 0, PATHS) for name in {*CHECKED, "calm"}}


def _same(one: MarketPaths, other: MarketPaths, names: tuple[str, ...] = ARRAYS) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize("name", CHECKED)
def test_arrays_have_their_shapes_and_hold_what_they_should(
    whole: dict[str, MarketPaths], name: str
) -> None:
    config, market = load(name), whole[name]
    points = config.steps + 1
    assert market.index.shape == (len(config.symbols), points, PATHS)
    assert market.noise_trade.shape == (len(config.markets), points, PATHS)
    assert market.gas_usd.shape == market.deposit_flow.shape == (points, PATHS)
    for array in ARRAYS:
        values = getattr(market, array)
        assert values.dtype == np.float64
        assert values.flags.c_contiguous
        assert np.all(np.isfinite(values))
    for array in ("index", "oracle_price", "gas_usd", "pool_depth", "perp_depth", "outside_depth"):
        assert np.all(getattr(market, array) > 0)
    assert np.all(market.index[:, 0] == [[config.assets[s].price] for s in config.symbols])
    assert np.all(market.deposit_flow >= -1)


@pytest.mark.parametrize("name", CHECKED)
@given(cut=st.integers(1, PATHS - 1))
@settings(max_examples=3, deadline=None)
def test_a_path_is_bit_identical_in_every_chunk(
    whole: dict[str, MarketPaths], name: str, cut: int
) -> None:
    config = load(name)
    for first, paths in ((0, cut), (cut, PATHS - cut), (cut, 1)):
        assert _same(draw(config.market, first, paths), whole[name].chunk(first, paths))


def test_paths_differ_from_each_other_and_between_seeds(whole: dict[str, MarketPaths]) -> None:
    calm = whole["calm"]
    assert len({column.tobytes() for column in calm.index[1].T}) == PATHS
    other = draw(_short("calm", "seed=2").market, 0, 2)
    assert not np.any(other.index[1, 1:, 0] == calm.index[1, 1:, 0])


def test_adding_an_asset_or_a_shock_leaves_the_other_draws_alone(
    whole: dict[str, MarketPaths],
) -> None:
    more = draw(_short("calm", "assets.DOGE={price: 0.1, volatility: 1.0}").market, 0, PATHS)
    assert np.array_equal(more.index[:4], whole["calm"].index)
    assert _same(more, whole["calm"], SINGLE)
    crash = "shocks=[{kind: crash, assets: [SOL], size: -0.5, at_hours: 100}]"
    shocked = draw(_short("calm", crash).market, 0, PATHS)
    assert np.array_equal(shocked.index[:3], whole["calm"].index[:3])
    assert np.array_equal(shocked.noise_swap, whole["calm"].noise_swap)


def test_streams_of_different_names_paths_and_seeds_are_independent() -> None:
    count = 4_000
    draws = [
        Stream(seed, name).normals(path, 1, count)[:, 0]
        for seed in (1, 2)
        for name in ("a", "b")
        for path in (0, 1)
    ]
    correlations = np.corrcoef(draws)[np.triu_indices(len(draws), 1)]
    assert np.all(np.abs(correlations) < 4.5 / np.sqrt(count))


def test_a_stream_is_numpys_philox_at_the_counter_of_its_path() -> None:
    stream = Stream(5, "gas")
    plain = np.random.Generator(np.random.Philox(key=stream.key, counter=[0, 0, 0, 11]))
    assert np.array_equal(stream.normals(10, 3, 7)[:, 1], plain.standard_normal(7))


def test_chunks_and_cuts_outside_the_paths_are_refused(whole: dict[str, MarketPaths]) -> None:
    calm = whole["calm"].chunk(5, 10)
    for first, paths in ((4, 2), (14, 2), (5, 0)):
        with pytest.raises(ValueError, match="must be from 5 to 14"):
            calm.chunk(first, paths)
    with pytest.raises(ValueError, match="must be from 1 to 720"):
        calm.first_steps(721)
    assert np.array_equal(calm.first_steps(9).index, calm.index[:, :10])


# ------------------------------------------------------------------------------------------ depth

TIDE = "depth={volatility: 0.6, reversion_hours: 10, venues: [outside, perp]}"


def test_depth_begins_as_written_and_is_that_on_average() -> None:
    market = draw(_short("calm", TIDE).market, 0, 4_000)
    tide = market.outside_depth
    assert np.all(tide[0] == 1.0)
    np.testing.assert_array_equal(tide, market.perp_depth)
    assert np.all(market.pool_depth == 1.0)
    steps = np.arange(len(tide))
    deviation = 0.6 * np.sqrt(1.0 - np.exp(-2.0 * steps / 10.0))
    assert np.log(tide).std(axis=1) == pytest.approx(deviation, rel=0.06, abs=1e-12)
    assert tide.mean(axis=1) == pytest.approx(np.ones(len(tide)), abs=0.05)
    later, now = np.log(tide[-1]), np.log(tide[-6])
    assert np.corrcoef(now, later)[0, 1] == pytest.approx(
        np.exp(-0.5) * deviation[-6] / deviation[-1], abs=0.04
    )


def test_depth_that_comes_and_goes_moves_nothing_else_and_is_cut_as_it_is() -> None:
    cut = "shocks=[{kind: depth_cut, venue: all, factor: 0.1, at_hours: 2, duration_hours: 3}]"
    still, moving = (draw(_short("calm", cut, *more).market, 0, 3) for more in ((), (TIDE,)))
    for name in (*STACKED, *SINGLE):
        same = np.array_equal(getattr(still, name), getattr(moving, name))
        assert same == (name not in ("outside_depth", "perp_depth")), name
    whole = draw(_short("calm", TIDE).market, 0, 3)
    np.testing.assert_allclose(moving.outside_depth[2:5], 0.1 * whole.outside_depth[2:5])
    np.testing.assert_array_equal(moving.outside_depth[5:], whole.outside_depth[5:])
    assert np.all(still.pool_depth[2:5] == 0.1)


def test_depth_is_the_same_in_every_chunk() -> None:
    config = _short("calm", TIDE)
    whole = draw(config.market, 0, 5)
    assert _same(draw(config.market, 2, 3), whole.chunk(2, 3))
