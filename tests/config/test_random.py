"""Random configurations for ``hedgesim verify --random``."""

from __future__ import annotations

from simulator.config import from_mapping, resolve
from simulator.config.random import random_config


def test_every_random_configuration_is_valid_and_resolves() -> None:
    configs = [random_config(11, number) for number in range(100)]
    for config in configs:
        resolve(config)
    kinds = {shock.kind for config in configs for shock in config.shocks}
    assert {config.clearing.margin for config in configs} == {"isolated", "gross", "portfolio"}
    assert len(kinds) == 12
    processes = {config.process.kind for config in configs}
    assert processes == {"gbm", "t", "dcc", "egarch", "regime", "factor"}
    assert {config.vault.pledged for config in configs} == {True, False}


def test_a_number_of_a_seed_is_always_the_same_configuration() -> None:
    assert random_config(3, 5) == random_config(3, 5)
    assert random_config(3, 5) != random_config(3, 6)
    assert random_config(3, 5) != random_config(4, 5)


def test_a_random_configuration_survives_being_written_out() -> None:
    config = random_config(7, 0)
    assert from_mapping(config.model_dump(mode="json")) == config
