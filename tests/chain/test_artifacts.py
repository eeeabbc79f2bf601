from __future__ import annotations

from pathlib import Path

import pytest

from simulator.chain.deploy import artifacts
from simulator.types import MachineError

EIP_170_LIMIT = 24_576
ROOM = 2_500  # bytes, for what comes
DEPLOYED = sorted(path.stem for path in artifacts.CONTRACTS.glob("*.vy"))


def test_a_missing_contract_names_the_file() -> None:
    with pytest.raises(artifacts.ArtifactError, match=r"contracts/Nothing\.vy"):
        artifacts.load("Nothing")


def test_missing_npm_packages_name_the_file_and_make_setup(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    artifacts.load.cache_clear()
    with pytest.raises(artifacts.ArtifactError, match=r"SwapRouter\.json .*make setup"):
        artifacts.load("SwapRouter")
    artifacts.load.cache_clear()


@pytest.mark.parametrize("name", DEPLOYED)
def test_every_contract_fits_the_code_size_limit(name: str) -> None:
    assert 0 < len(artifacts.load(name).runtime) <= EIP_170_LIMIT - ROOM


def test_what_the_compiler_refuses_is_the_machines_fault_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    source = tmp_path / "contracts" / "Broken.vy"
    source.write_text(
        "#pragma version 0.4.3\n\n@external\ndef f() -> uint256:\n    return unknown\n"
    )
    with pytest.raises(MachineError, match=r"vyper cannot compile .*Broken\.vy"):
        artifacts.compiled(source, tmp_path)
