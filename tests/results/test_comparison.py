from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import simulator
from simulator.comparison import SideBySide, compare, expand, folder, settings
from simulator.config import load, resolve
from simulator.results.capital import CapitalUse
from simulator.types import InputError
from tests.model.campaign import PROTOCOL

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


def test_efficiency_is_the_notional_over_the_initial_margin_it_needs() -> None:
    # Two markets, two paths, 1.5 times maintenance; the second path never hedges.
    use = CapitalUse(PROTOCOL, range(1), 2)
    price = np.array([[1.0, 1.0], [2000.0, 2000.0], [30_000.0, 30_000.0]])
    for size, maintenance in ((-10.0, 1_000.0), (-30.0, 2_000.0), (0.0, 0.0)):
        sizes = np.zeros((5, 2, 2))
        sizes[0, 0, 0], sizes[0, 1, 0] = size, size / 10
        margins = np.zeros((5, 2))
        margins[0, 0], margins[4] = maintenance, 7e9  # others' accounts are not the vault's
        use.add(SimpleNamespace(size=sizes, maintenance=margins, nav=np.full(2, 1e6)), price)  # type: ignore[arg-type]
    hedged = 40 * 2000 + 4 * 30_000
    np.testing.assert_allclose(use.efficiency(), [hedged / (1.5 * 3_000), np.nan], rtol=1e-14)
    np.testing.assert_allclose(use.share_of_nav(), [1.5 * 1_500 / 1e6, np.nan], rtol=1e-14)


def test_the_margin_of_a_loan_is_what_its_ltv_asks_for_beyond_the_debt() -> None:
    protocol = resolve(load("aave-hedge"))  # BTC on Aave, SOL at the clearing house
    aave = protocol.aave
    assert aave is not None
    multiple = (1 / aave.ltv - 1) / (1 / aave.liquidation_threshold - 1)
    use = CapitalUse(protocol, range(1), 2)
    price = np.array([[1.0, 1.0], [2_000.0, 2_000.0], [30_000.0, 60_000.0], [100.0, 50.0]])
    debt, sold = np.array([[2.0, 3.0]]), np.array([50.0, 0.0])
    due = debt * price[2] * (1 / aave.liquidation_threshold - 1)
    state = SimpleNamespace(
        size=np.array([[[0.0, 0.0], -sold]]),
        maintenance=np.array([400.0 * (sold > 0)]),
        aave_debt=debt,
        aave_maintenance=due,
        nav=np.full(2, 1e6),
    )
    use.add(state, price)  # type: ignore[arg-type]
    margin = protocol.clearing.initial_multiple * state.maintenance[0] + multiple * due[0]
    notional = [2 * 30_000 + 50 * 100, 3 * 60_000]
    np.testing.assert_allclose(use.efficiency(), notional / margin, rtol=1e-14)
    np.testing.assert_allclose(use.share_of_nav(), margin / 1e6, rtol=1e-14)


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
