"""Internal functions of Uniswap's libraries, run from the published bytecode in batches.

TickMath, FullMath, SqrtPriceMath and LiquidityAmounts are internal libraries: their code exists
only inlined in the pool and in the position manager. Here the first four bytes of such a contract
(which set the free memory pointer) are replaced by a jump to a loop appended behind the last byte.
For each row of arguments in the calldata the loop pushes a return label and the arguments, and
jumps to the internal function's entry, as Solidity's own callers do. The function itself, and
whatever it calls, is Uniswap's compiled code, byte for byte.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from simulator.chain.deploy.artifacts import ROOT

_UNISWAP = ROOT / "node_modules/@uniswap"
_FILES = {
    "pool": "v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json",
    "manager": "v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol"
    "/NonfungiblePositionManager.json",
}
_ANSWERS_AT = 0x1000  # far above the little memory a revert reason takes
_GAS = 2**60
_ADDRESS, _CALLER = "0x" + "11" * 20, "0x" + "22" * 20
_UINT160_ORDERED = "5b6000836001600160a01b0316856001600160a01b03161115"  # if (a > b) swap them


@dataclass(frozen=True)
class Function:
    """One internal function: where it stands, how it begins (once only), its number of words."""

    contract: str
    entry: str
    arguments: int


TICK_MATH_SQRT_RATIO = Function("pool", "5b60008060008360020b12612d84578260020b612d8c56", 1)
TICK_MATH_TICK = Function("pool", "5b60006401000276a36001600160a01b03831610801590", 1)
FULL_MATH_MUL_DIV = Function("pool", "5b600080806000198587098686029250828110908390030390", 3)
SQRT_PRICE_MATH_AMOUNT0 = Function("pool", _UINT160_ORDERED + "6146ed57", 4)
SQRT_PRICE_MATH_AMOUNT1 = Function("pool", _UINT160_ORDERED + "61467257", 4)
LIQUIDITY_FOR_AMOUNTS = Function("manager", _UINT160_ORDERED + "6144f957", 5)


def run(function: Function, rows: bytes) -> bytes:
    """One answer word per row of argument words; raises RuntimeError when any row reverts."""
    import pyrevm

    evm = pyrevm.EVM(
        env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=1)), gas_limit=_GAS, spec_id="CANCUN"
    )
    evm.insert_account_info(_ADDRESS, pyrevm.AccountInfo(code=_program(function)))
    return evm.message_call(_CALLER, _ADDRESS, rows, gas=2**50)


@cache
def _runtime(contract: str) -> bytes:
    text = json.loads((_UNISWAP / _FILES[contract]).read_text(encoding="utf-8"))
    return bytes.fromhex(text["deployedBytecode"].removeprefix("0x"))


@cache
def _program(function: Function) -> bytes:
    """The contract with the loop behind it. Stack throughout: [32 · rows done, offset of row]."""
    code, entry = _runtime(function.contract), bytes.fromhex(function.entry)
    if code.count(entry) != 1:
        raise ValueError(f"{function} does not stand exactly once in the installed artifact")
    n, base = function.arguments, len(code)

    start = bytes.fromhex("5b60806040526000")  # free memory pointer, no row done
    head = base + len(start)
    # offset = rows · n; jump to the body while offset < calldatasize, else return 32 · rows bytes.
    test_length = 1 + 1 + 3 + 1 + 3 + 3 + 1
    body = head + test_length + 1 + 3 + 1
    test = b"\x5b\x80" + _push(n) + b"\x02" + bytes.fromhex("368110") + _push(body) + b"\x57"
    finish = b"\x50" + _push(_ANSWERS_AT) + b"\xf3"
    call = b"".join(bytes([0x81 + k]) + _push(32 * k) + bytes.fromhex("0135") for k in range(n))
    returned = body + 1 + 3 + len(call) + 3 + 1
    call = b"\x5b" + _push(returned) + call + _push(code.index(entry)) + b"\x56"
    # The answer goes to memory at _ANSWERS_AT + 32 · rows.
    keep = b"\x5b\x82" + _push(_ANSWERS_AT) + bytes.fromhex("0152") + bytes.fromhex("50602001")
    loop = test + finish + call + keep + _push(head) + b"\x56"
    return _push(base) + b"\x56" + code[4:] + start + loop


def _push(value: int) -> bytes:
    return b"\x61" + value.to_bytes(2, "big")
