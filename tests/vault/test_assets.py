"""The asset must arrive whole: what a deposit promises is what the vault really gets."""

from __future__ import annotations

from functools import cache

import pytest
from vyper.compiler import compile_code
from vyper.compiler.settings import Settings

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import encode_constructor
from tests.properties.revm_vault import USDC_UNIT, WAD, System

CREDIT = "self.balanceOf[to] += amount"


@cache
def crediting(what: str) -> artifacts.Artifact:
    """Our token, but for what a transfer credits."""
    source = (artifacts.CONTRACTS / "Token.vy").read_text(encoding="utf-8")
    assert CREDIT in source
    made = compile_code(
        source.replace(CREDIT, f"self.balanceOf[to] += {what}"),
        output_formats=["bytecode"],
        settings=Settings(evm_version=artifacts.EVM_VERSION),
    )
    bytecode = bytes.fromhex(made["bytecode"].removeprefix("0x"))
    return artifacts.Artifact("Token", artifacts.load("Token").abi, bytecode, b"")


def replace_token(system: System, what: str) -> None:
    """Put the code where the asset is; its balances stay."""
    from pyrevm import AccountInfo

    arguments = [system.usdc.call(name) for name in ("name", "symbol", "decimals")]
    made = system.chain.deploy(system.owner, encode_constructor(crediting(what), *arguments))
    code = AccountInfo(code=system.chain.code(made))
    system.chain.evm.insert_account_info(system.usdc.address, code)


@pytest.mark.parametrize("credited", ["amount - 1", "amount + 1"])
def test_a_token_that_credits_another_amount_is_refused(credited: str) -> None:
    system = System()
    depositor = system.depositors[0]
    replace_token(system, "amount")
    assert system.refusal(depositor, "deposit", 100 * USDC_UNIT, depositor) == ""
    supply, idle = system.get("totalSupply"), system.get("idle_usdc")
    replace_token(system, credited)
    for function, amount in (("deposit", 100 * USDC_UNIT), ("mint", 100 * WAD)):
        assert system.refusal(depositor, function, amount, depositor) == "vault: transfer failed"
    assert (system.get("totalSupply"), system.get("idle_usdc")) == (supply, idle)
