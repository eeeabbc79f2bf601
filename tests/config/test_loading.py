from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from simulator.config import (
    from_mapping,
    initial_betas,
    json_schema,
    load,
    resolve,
    scenario_text,
    scenarios,
    to_yaml,
    yaml_text,
)
from simulator.config.shocks import Crash
from simulator.types import InputError
from tests.scenarios import CHECKED

NAMES = [
    "aave-hedge",
    "adversaries",
    "aug-2024",
    "bank-run",
    "calm",
    "correlation-breakdown",
    "correlation-convergence",
    "cross-protocol-cascade",
    "crv-2022",
    "crv-2023",
    "frozen-at-par",
    "frozen-rate-2025",
    "ftx-2022",
    "funding-squeeze",
    "hedge-adl",
    "hedge-liquidation",
    "idiosyncratic-crash",
    "june-2022",
    "keeper-outage",
    "lending-cascade",
    "liquidation-cascade",
    "liquidity-crunch",
    "lst-discount",
    "march-2020",
    "may-2021",
    "misposted-covariance",
    "oracle-lag",
    "usdc-depeg-2023",
    "usde-2025",
    "usdt-depeg",
    "ust-luna-2022",
    "venue-outage",
    "vol-regime",
    "wsteth-cap-2026",
]


def test_the_built_in_scenarios_have_one_line_each() -> None:
    assert sorted(scenarios()) == NAMES
    assert all(line and "\n" not in line for line in scenarios().values())


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_loads_resolves_and_is_named_after_its_file(name: str) -> None:
    config = load(name)
    assert config.name == name
    assert config.steps >= 500
    protocol = resolve(config)
    assert [token.symbol for token in protocol.assets] == list(config.symbols)
    assert all(abs(beta) < config.vault.beta_max for beta in initial_betas(config))
    assert "#" in scenario_text(name)


def test_the_depeg_names_its_sources() -> None:
    (depeg,) = (s for s in load("usdc-depeg-2023").shocks if s.kind == "depeg")
    assert "Circle" in depeg.source
    assert "March 2023" in depeg.source
    assert min(price for _, price in depeg.anchors) == pytest.approx(0.874)


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_survives_a_trip_through_yaml(name: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.yaml"
    file.write_text(to_yaml(load(name)))
    assert load(file) == load(name)
    assert from_mapping(load(name).model_dump()) == load(name)


def test_overrides_set_values_of_every_kind() -> None:
    config = load(
        "correlation-breakdown",
        [
            "vault.hedge_band=0.05",
            "pool.background.0.value_usd=1e7",
            "shocks.1.size=-0.7",
            "agents.keeper=null",
            "assets.DOGE={price: 0.1, volatility: 1.2}",
            "correlation.pairs.SOL/BTC=0.5",
            "clearing.margin=isolated",
        ],
    )
    assert config.vault.hedge_band == 0.05
    assert config.pool.background[0].value_usd == 1e7
    second = config.shocks[1]
    assert isinstance(second, Crash)
    assert second.size == -0.7
    assert config.agents.keeper is None
    assert config.assets["DOGE"].volatility == 1.2
    assert config.correlation.pairs["SOL/BTC"] == 0.5
    assert resolve(config).vault.isolated


def test_a_star_stands_for_every_entry_of_a_mapping() -> None:
    config = load(
        "calm", ["clearing.markets.*.max_skew_usd=3e6", "clearing.markets.BTC.taker_fee=0"]
    )
    assert len(config.clearing.markets) > 1
    assert {market.max_skew_usd for market in config.clearing.markets.values()} == {3e6}
    whole = load("calm", ["assets.*={price: 7, volatility: 0.5}"])
    assert {symbol: asset.price for symbol, asset in whole.assets.items()} == dict.fromkeys(
        whole.assets, 7.0
    )


def test_an_override_opens_a_section_that_was_left_out() -> None:
    config = load(
        "calm", ["common_jumps.intensity=3", "common_jumps={intensity: 3, mean: 0, std: 0}"]
    )
    assert config.common_jumps is not None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("vault.hedge_bnd=0.1", "vault.hedge_bnd: unknown field; did you mean hedge_band"),
        ("vault.margin={ETH: 10}", "vault.margin: no such field: the vault posts USDC as margin"),
        ("vault.collaterals.ETH=10", "vault.collaterals: no such field: the vault posts USDC"),
        ("valt.hedge_band=0.1", "valt: unknown field; did you mean vault?"),
        ("assets.SOLL.price=3", "assets.SOLL: unknown field; did you mean SOL?"),
        ("pool.background.9.value_usd=3", "pool.background.9: unknown field; known: 0, 1, 2"),
        ("vault.hedge_band.x=3", "vault.hedge_band.x: unknown field"),
        ("vault.hedge_band", "must be written field.path=value"),
        ("=3", "must be written field.path=value"),
        ("vault.*=3", "vault.*: * stands for every entry of a mapping such as assets or clearing"),
        ("*.hedge_band=3", "*.hedge_band: * stands for every entry of a mapping such as assets"),
        ("shocks.*.size=3", "and shocks is none that has any"),
        ("clearing.markets.*.max_skw=3", "clearing.markets.BTC.max_skw: unknown field; did you"),
        ("clearing.markets.*.max_skew_usd=-3", "clearing.markets.SOL.max_skew_usd = -3: must be"),
        ("vault.hedge_band={", "vault.hedge_band = {: not a YAML value"),
        ("vault.hedge_band=a", "vault.hedge_band = 'a': must be a number at least 0 and at most 1"),
    ],
)
def test_an_override_that_fits_nothing_is_refused(override: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load("calm", [override])
    assert message in str(caught.value)


def test_a_scenario_that_is_not_there_is_refused_naming_those_near() -> None:
    with pytest.raises(InputError, match="did you mean calm"):
        load("clam")


@pytest.mark.parametrize(
    ("text", "message"), [("- 1\n", "must be a mapping"), ("a: [", "not a YAML file")]
)
def test_a_file_that_holds_no_configuration_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        load(file)


def test_the_schema_is_plain_json_with_bounds() -> None:
    schema = json_schema()
    assert schema["$defs"]["Vault"]["properties"]["hedge_band"]["maximum"] == 1
    assert yaml.safe_load(yaml.safe_dump(schema)) == schema


def test_importing_the_configuration_stays_light() -> None:
    code = (
        "import sys, simulator.config as c; c.load('calm');"
        "print([m for m in ('pandas', 'numba', 'scipy', 'pyarrow') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# ------------------------------------------------------------------------- a stricter YAML


def _text(tmp_path: Path, change: Callable[[str], str]) -> Path:
    file = tmp_path / "scenario.yaml"
    file.write_text(change(scenario_text("calm")))
    return file


@pytest.mark.parametrize("word", ["yes", "on", "true", "Yes", "1:30"])
def test_a_word_for_truth_is_no_number(tmp_path: Path, word: str) -> None:
    """YAML 1.1 reads ``paths: yes`` as true and Python that as 1: a run of one path."""
    file = _text(tmp_path, lambda text: re.sub(r"(?m)^paths: .*$", f"paths: {word}", text))
    with pytest.raises(InputError, match=r"paths = .*: must be an integer"):
        load(file)
    with pytest.raises(InputError, match=r"paths = .*: must be an integer"):
        load("calm", [f"paths={word}"])


def test_a_flag_is_refused_wherever_a_number_stands() -> None:
    with pytest.raises(InputError, match=r"assets\.ETH\.volatility = True: must be a number"):
        load("calm", ["assets.ETH.volatility=true"])
    for word in ("true", "True", "yes"):
        assert load("calm", [f"vault.pledged={word}"]).vault.pledged is True


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("paths: 5\npaths: 7\n", "paths is given twice, in line 1 and line 2"),
        ("history: {prices: a.csv, prices: b.csv}\n", "prices is given twice, in line 1 and"),
    ],
)
def test_a_key_that_is_there_twice_is_refused(tmp_path: Path, added: str, said: str) -> None:
    file = _text(tmp_path, lambda text: added + text)
    with pytest.raises(InputError, match=said):
        load(file)
    with pytest.raises(InputError, match="x is given twice"):
        load("calm", ["gas={x: 1, x: 2}"])


def test_scenarios_read_as_they_did() -> None:
    """The stricter reader changes nothing that is written as people write it."""
    for name in CHECKED:
        text = scenario_text(name)
        assert yaml_text.load(text) == yaml.safe_load(text), name
        assert from_mapping(yaml_text.load(to_yaml(load(name)))) == load(name)
    numbers = "[1, -2, 1_000, 0.5, 1.0e+9, 0x1F, .inf, 2024-01-01, null, ~, '1', a]"
    assert yaml_text.load(numbers) == yaml.safe_load(numbers)
    assert yaml_text.load("[1e9, 1e-3, 5., -.5, 010]") == [1e9, 1e-3, 5.0, -0.5, "010"]


def test_a_parameter_of_several_kinds_is_refused_once() -> None:
    with pytest.raises(InputError) as refused:
        load("calm", ["agents.custom.mine={file: mine.py, parameters: {fall: 5%}}"])
    assert str(refused.value) == (
        "agents.custom.mine.parameters.fall = '5%': must be true or false or an integer or a number"
    )
