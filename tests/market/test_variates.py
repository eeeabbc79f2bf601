"""Compiled draws are those of NumPy's own generators, to the bit, in every branch."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.config import Config, load
from simulator.market import variates
from simulator.market.prices import draw_index
from simulator.market.streams import Stream
from simulator.types import SECONDS_PER_YEAR, Floats

# First paths: small ones, and those whose number fills more than 32 bits.
FIRSTS = (0, 5, 2**40 - 3)
TAIL = 3.6541528853610088  # of the ziggurat


def _plain(stream: Stream, path: int) -> np.random.Generator:
    """NumPy's generator at the start of a path."""
    return np.random.Generator(np.random.Philox(key=stream.key, counter=[0, 0, 0, path]))


@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 31, 720])
@pytest.mark.parametrize("paths", [1, variates.LANES, variates.LANES + 3])
def test_every_draw_is_numpys(first: int, count: int, paths: int) -> None:
    stream = Stream(3, f"test/{count}")
    normals = stream.normals(first, paths, count)
    uniforms = stream.uniforms(first, paths, count)
    squares = stream.chi_squares(first, paths, count, 4.5)
    for number in range(paths):
        path = first + number
        assert np.array_equal(normals[:, number], _plain(stream, path).standard_normal(count))
        assert np.array_equal(uniforms[:, number], _plain(stream, path).random(count))
        gamma = _plain(stream, path).standard_gamma(2.25, count)
        assert np.array_equal(squares[:, number], 2.0 * gamma)


def test_two_million_normals_of_many_seeds_are_numpys_tail_included() -> None:
    paths, count, beyond = 10, 2_000, 0
    for seed in range(100):
        stream = Stream(seed, "normals")
        drawn = stream.normals(0, paths, count)
        theirs = np.column_stack([g.standard_normal(count) for g in stream.paths(0, paths)])
        assert np.array_equal(drawn, theirs)
        beyond += np.count_nonzero(np.abs(drawn) > TAIL)
    # 526 expected of a normal law: only the branch of the tail gives them.
    assert 400 < beyond < 660


@pytest.mark.parametrize("dof", [2.01, 2.5, 4.0, 30.0, 1e4])
def test_chi_squares_are_numpys_for_every_shape(dof: float) -> None:
    for seed in range(5):
        stream = Stream(seed, "squares")
        theirs = [2.0 * g.standard_gamma(dof / 2, size=1_500) for g in stream.paths(7, 10)]
        assert np.array_equal(stream.chi_squares(7, 10, 1_500, dof), np.column_stack(theirs))


@pytest.mark.parametrize("room", [0, 4, 100, 700])
def test_a_path_that_needs_more_words_than_there_is_room_for_computes_them(room: int) -> None:
    stream, count = Stream(11, "room"), 720
    words, drawn = np.empty(room, np.uint64), np.empty((variates.LANES, count))
    out = np.empty((count, 20))
    variates.normals(stream.key, 2, out, words, drawn)
    assert np.array_equal(out, stream.normals(2, 20, count))
    variates.gammas(stream.key, 2, out, 2.5, words, drawn)
    assert np.array_equal(2.0 * out, stream.chi_squares(2, 20, count, 5.0))


def test_draws_are_put_where_they_are_wanted_and_nowhere_else() -> None:
    stream, room = Stream(1, "out"), np.full((9, 5), -7.0)
    assert stream.normals(0, 5, 8, out=room[1:]).base is room
    assert np.all(room[0] == -7.0)
    assert np.array_equal(room[1:], stream.normals(0, 5, 8))
    assert stream.uniforms(0, 5, 8, out=room[:-1]).base is room
    assert np.array_equal(room[:-1], stream.uniforms(0, 5, 8))


# -------------------------------------------------------------------------------------------- jumps


def _jumps_by_numpy(config: Config, first: int, paths: int) -> Floats:
    """Log jumps of SOL ``[T, P]`` by NumPy's Poisson, uniforms and normals, one path at a time."""
    jumps, steps = config.assets["SOL"].jumps, config.steps
    assert jumps is not None
    expected = jumps.intensity * steps * config.step_seconds / SECONDS_PER_YEAR
    result = np.zeros((steps, paths))
    for path, generator in enumerate(Stream(config.seed, "jumps/SOL").paths(first, paths)):
        count = generator.poisson(expected)
        moments = (generator.random(count) * steps).astype(np.int64)
        sizes = jumps.mean + jumps.std * generator.standard_normal(count)
        np.add.at(result[:, path], moments, sizes)
    return result


@pytest.mark.parametrize("expected", [0.0, 0.3, 3.0, 9.999, 10.0, 40.0])
def test_jumps_are_numpys_few_or_many(expected: float) -> None:
    plain = load("calm", ["assets.SOL.volatility=1e-9", "assets.SOL.drift=0"])
    intensity = expected * SECONDS_PER_YEAR / (plain.steps * plain.step_seconds)
    jumps = f"assets.SOL.jumps={{intensity: {intensity!r}, mean: 0.0, std: 0.05}}"
    config = load("calm", ["assets.SOL.volatility=1e-9", "assets.SOL.drift=0", jumps])
    first, paths = 31, 90
    row = config.symbols.index("SOL")
    returns = np.diff(np.log(draw_index(config.market, first, paths)[row]), axis=0)
    by_numpy = _jumps_by_numpy(config, first, paths)
    assert np.count_nonzero(by_numpy) == pytest.approx(
        expected * paths, abs=5 * np.sqrt(expected * paths) + expected
    )
    # All but the compensator, the same every step, and a volatility of nothing.
    assert returns - np.median(returns) == pytest.approx(by_numpy, abs=1e-9)
