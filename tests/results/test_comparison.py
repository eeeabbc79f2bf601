from __future__ import annotations

import json
from pathlib import Path

import pytest

import simulator
from simulator.comparison import SideBySide, compare, expand, folder, settings
from simulator.config import load
from simulator.types import InputError

MODES = ("isolated", "gross", "portfolio")
SMALL = ["horizon_hours=36", "paths=3", "shocks=[]"]


def test_a_field_with_alternatives_gives_one_set_of_overrides_each() -> None:
    assert expand(["a.b=1 | x", "c=3"]) == {"1": ["a.b=1", "c=3"], "x": ["a.b=x", "c=3"]}
    assert expand(["a=1"]) == {"": ["a=1"]}
    both = expand(["a=1|2", "b=3|4"])
    assert list(both) == ["a=1, b=3", "a=1, b=4", "a=2, b=3", "a=2, b=4"]
    assert folder("a=1, b=3") == "a=1_b=3"


@pytest.mark.parametrize("override", ["a=1|", "a=|1", "a=1|1"])
def test_an_alternative_that_is_missing_or_given_twice_is_refused(override: str) -> None:
    with pytest.raises(InputError, match=r"a = .*: alternatives \(separated by \|\)"):
        expand([override])


def test_fields_are_named_by_the_shortest_ends_that_tell_them_apart() -> None:
    overrides = [
        "clearing.markets.BTC.taker_fee=1|2",
        "clearing.markets.SOL.taker_fee=3|4",
        "clearing.margin=gross|portfolio",
        "seed=1",
    ]
    first = next(iter(settings(overrides).values()))
    assert first == {"BTC.taker_fee": "1", "SOL.taker_fee": "3", "margin": "gross"}
    assert list(settings(overrides)) == list(expand(overrides))
    assert next(iter(expand(overrides))) == "BTC.taker_fee=1, SOL.taker_fee=3, margin=gross"
    assert next(iter(settings(["assets.ETH.volatility=1|2"]).values())) == {"ETH.volatility": "1"}
    # One field's whole name may be the end of another's.
    assert next(iter(settings(["a.b=1|2", "b=3|4"]))) == "a.b=1, b=3"


def test_a_grid_of_a_hundred_is_made_whole() -> None:
    values = "|".join(map(str, range(10)))
    names = expand([f"vault.hedge_band={values}", f"vault.lp_allocation={values}"])
    assert len(names) == 100
    assert len({folder(name) for name in names}) == 100


def test_alternatives_of_different_paths_are_refused() -> None:
    configs = {seed: load("calm", [f"seed={seed}"]) for seed in ("1", "2")}
    with pytest.raises(InputError, match="leave seed, paths"):
        compare(configs)


def test_a_hedge_wholly_on_aave_ties_up_the_part_of_its_notional_that_ltv_says() -> None:
    everything = (
        "vault.venues={BTC: aave, SOL: aave}",
        "aave.assets={BTC: {supplied: 2000, pool_usd: 5e8}, SOL: {supplied: 1e5, pool_usd: 3e8}}",
    )
    config = load("aave-hedge", [*SMALL, *everything])
    assert config.aave is not None
    paths = simulator.run(config, workers=1).paths
    assert paths["capital_efficiency"].to_numpy() == pytest.approx(1 / (1 / config.aave.ltv - 1))
    assert (paths["margin_to_nav"] > 0.01).all()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[SideBySide, Path]:
    out = tmp_path_factory.mktemp("compared")
    configs = {mode: load("calm", [*SMALL, f"clearing.margin={mode}"]) for mode in MODES}
    return compare(configs, out=out, workers=1), out


def test_margin_modes_are_compared_on_the_same_paths(
    compared: tuple[SideBySide, Path],
) -> None:
    together, _ = compared
    prices = [result.series.filter(like="index_") for result in together.results.values()]
    for other in prices[1:]:
        assert other.equals(prices[0])
    found = together.summary["alternatives"]
    assert list(found) == list(MODES)
    for mode, result in together.results.items():
        assert found[mode]["return"]["mean"] == pytest.approx(result.paths["return"].mean())
        assert found[mode]["liquidation"]["high"] > found[mode]["liquidation"]["estimate"] == 0.0
    assert found["isolated"]["return_difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    # One account or several: the gross rule asks for the same margin in all.
    gross, isolated = (found[mode]["capital_efficiency"]["mean"] for mode in ("gross", "isolated"))
    assert gross == pytest.approx(isolated, rel=0.05)
    # Pledged liquidity is margin too: the ratio is higher with the same cash.
    ratio = {mode: found[mode]["min_margin_ratio"]["median"] for mode in MODES}
    assert ratio["isolated"] < ratio["gross"]
    assert found["portfolio"]["capital_efficiency"]["mean"] != gross


def test_the_report_shows_every_alternative_and_links_to_its_own(
    compared: tuple[SideBySide, Path],
) -> None:
    together, out = compared
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page == together.report_html()
    for mode in MODES:
        assert f'<a href="{mode}/report.html">{mode}</a>' in page
        assert (out / mode / "report.html").is_file()
    for figure in ("Capital efficiency", "Probability of liquidation", "Lowest margin ratio"):
        assert figure in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert json.loads((out / "summary.json").read_text()) == together.summary


def test_an_interrupted_comparison_goes_on_where_it_was(
    compared: tuple[SideBySide, Path], tmp_path: Path
) -> None:
    whole, directory = compared
    configs = {mode: load("calm", [*SMALL, f"clearing.margin={mode}"]) for mode in MODES}
    one = configs["gross"].paths * configs["gross"].steps

    def interrupt(done: int, total: int) -> None:
        assert total == 3 * one
        if done > one:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(configs, out=tmp_path, workers=1, progress=interrupt)
    assert not (tmp_path / "summary.json").exists()
    seen: list[int] = []
    again = compare(configs, out=tmp_path, workers=1, progress=lambda done, _: seen.append(done))
    # The first alternative is reported at once; the second, cut short in its only chunk, anew.
    assert seen[0] == one
    assert seen[-1] == 3 * one
    assert again.summary == whole.summary
    assert not list(tmp_path.rglob(".partial"))
    written, expected = (
        {file.relative_to(root) for file in root.rglob("*")} for root in (tmp_path, directory)
    )
    assert written == expected


def test_compare_is_public() -> None:
    assert simulator.compare is compare
