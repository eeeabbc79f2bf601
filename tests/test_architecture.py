"""The arrows of ARCHITECTURE.md hold in the code: imports point one way, start-up is light."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "simulator"

# What each place may import from the package, by prefix. The longest matching key counts.
ALLOWED = {
    "types": ("protocol.statuses", "protocol.units"),
    "protocol": ("protocol",),
    "world.actions": ("types", "protocol.action_spec"),
    "world.crowd": ("types", "protocol.population", "world.protocol"),
    "caches": (),
    "kernel_files": (),
    "arguments": ("types",),
    "config": ("types", "protocol", "arguments", "config", "world.protocol", "world.gas",
               "world.lending", "world.actions", "world.crowd", "world.parties", "hedging"),
    "market": ("types", "kernel_files", "arguments", "config", "market", "hedging"),
    "market.fitting.impact": ("types", "protocol.impact"),
    # What draws sees the market's settings, and no configuration as a whole.
    "market.draw": ("types", "arguments", "config.market_settings",
                    "config.rounds", "config.shocks", "market"),
    "market.prices": ("types", "config.market", "config.market_settings", "config.shocks",
                      "market"),
    "market.processes": ("types", "kernel_files", "config.correlation", "config.market_settings",
                         "config.markov", "config.process", "hedging.resampling", "market"),
    "market.importance": ("types", "config.importance", "config.market_settings"),
    "market.weights": ("types", "config.importance", "config.market_settings",
                       "market.processes.shocks"),
    "hedging": ("types", "kernel_files", "arguments", "hedging"),
    "world": ("types", "protocol.state", "market", "world"),
    "world.protocol": ("types", "protocol", "world.lending"),
    "world.lending": ("protocol.borrowers",),
    "model": ("types", "protocol", "market", "world.absence", "world.actions", "world.base",
              "world.crowd",
              "world.parties", "world.protocol",
              "world.gas", "world.units", "model"),
    # What is compiled knows nothing of what is compiled with it; a pool nothing of venues, a venue
    # nothing of the vault.
    "model.kernel": ("types", "caches", "kernel_files", "world.actions", "world.gas",
                     "world.parties", "world.protocol", "model.kernel"),
    "model.pools": ("model.kernel", "model.pools"),
    # The record of a pool by itself is that of the declared state.
    "model.pools.stableswap.records": ("model.kernel", "model.pools", "model.state"),
    "model.venues": ("types", "protocol.borrowers", "world.protocol", "model.kernel",
                     "model.pools", "model.venues"),
    "model.vault": ("types", "model.kernel", "model.pools", "model.venues", "model.vault"),
    "chain": ("types", "protocol", "world.actions", "world.base", "world.lending",
              "world.protocol", "world.units", "chain"),
    # Which ticks a range can end at is said once.
    "chain.calls.providing": ("world.actions", "chain", "model.pools.uniswap_v3.tick"),
    # What a pool takes before its price passes a limit is found by the model's formulas.
    "chain.calls.stable": ("world.protocol", "model.kernel.jit", "model.parameters",
                           "model.pools"),
    # What agents see of the chain is derived from stored words by the model's formulas.
    "chain.world": ("types", "market", "world.actions", "world.base", "world.protocol",
                    "world.units", "chain", "model.batch", "model.moments", "model.parameters",
                    "model.kernel.record"),
    "chain.reading.mirror": ("protocol.state", "chain.reading.layout", "model.batch",
                             "model.moments", "model.observe", "model.outside",
                             "model.parameters", "model.pools.uniswap_v3.tick",
                             "model.kernel.record", "model.state", "market", "types",
                             "world.protocol"),
    "books": ("types", "protocol", "market", "hedging", "agents", "world.absence", "world.actions",
              "world.base", "world.crowd", "world.parties", "world.protocol", "model", "books"),
    "agents": ("types", "protocol.borrowers", "protocol.units", "arguments", "market", "config",
               "hedging", "agents", "world.actions",
               "world.base", "world.protocol", "world.gas", "model"),
    "engine": ("types", "agents", "books", "world.absence", "world.actions", "world.base",
               "world.protocol",
               "model", "engine"),
    "results": ("types", "protocol", "config", "hedging", "world.actions", "world.parties",
                "world.protocol", "books", "results"),
    "study": ("types", "arguments", "hedging", "market.history_file", "market.files",
              "market.streams", "study"),
    "study.files": ("study", "report", "results.store"),
    "report": ("types", "protocol", "config", "market", "world.actions", "books", "results",
               "report", "study"),
    # The jobs: everything below may be used, and of each other what is named here.
    "result": ("results", "report"),
    "calibration": ("types", "protocol", "config", "market", "report"),
    "populations": ("types", "protocol", "config", "market"),
    "runner": ("types", "arguments", "config", "market", "agents", "world", "model", "chain",
               "engine", "books", "results", "report", "result", "runner"),
    "verify": ("types", "protocol.state", "arguments", "config", "market", "agents", "world",
               "model", "books", "chain", "engine", "runner", "verify"),
    "fuzz": ("arguments", "config", "runner", "verify"),
    "comparison": ("types", "arguments", "config", "market", "hedging", "results", "report",
                   "result", "runner"),
    "stress": ("types", "arguments", "config", "results", "report", "result", "runner",
               "comparison"),
    "explain": ("types", "arguments", "config", "market", "hedging", "protocol.action_spec",
                "world.protocol", "world.actions", "agents", "books", "results", "report", "runner",
                "terminal", "explain"),
    # Mathematics that stands alone.
    "explain.shapley": ("types", "arguments"),
    "bench": ("types", "kernel_files", "config", "market", "agents", "books", "model", "chain",
              "engine", "study", "runner", "bench"),
    "terminal": ("config", "model", "chain", "results", "report", "result", "study",
                 "verify", "fuzz", "bench"),
    "testing": ("types", "config", "market", "agents", "world", "model", "chain", "engine",
                "books", "runner", "testing"),
    "cli": ("types", "agents.custom", "config", "market", "results", "result", "study",
            "calibration", "populations", "verify", "fuzz", "comparison", "stress", "bench",
            "explain", "terminal", "cli"),
}  # fmt: skip
CHAIN_ONLY = {"web3", "ape", "pyrevm", "eth_abi", "eth_utils", "eth_account", "vyper"}


@functools.cache
def modules() -> tuple[str, ...]:
    """All but the package's own ``__init__``, which is the door to all of them."""
    names = (path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py"))
    whole = (name[:-1] if name[-1] == "__init__" else name for name in names)
    return tuple(sorted(".".join(name) for name in whole if name))


@functools.cache
def imports(module: str) -> frozenset[str]:
    """Modules it imports; ``from package import module`` counts as that module."""
    path = PACKAGE / Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            assert node.module
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            below = {name for name in names if is_module(name)}
            found |= below or {node.module}
    return frozenset(found)


def is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def within(module: str, place: str) -> bool:
    return module == place or module.startswith(place + ".")


def place_of(module: str) -> str:
    """Its longest key of ALLOWED; "": there is none."""
    return max((key for key in ALLOWED if within(module, key)), key=len, default="")


def ours(module: str) -> set[str]:
    """Modules of the package that it imports."""
    return {
        name.removeprefix("simulator.") for name in imports(module) if name.startswith("simulator.")
    }


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_lies_before_it(module: str) -> None:
    place = place_of(module)
    assert place, f"{module} has no entry in ALLOWED"
    stray = {name for name in ours(module) if not any(within(name, p) for p in ALLOWED[place])}
    assert not stray, f"{module} ({place}) imports {sorted(stray)}"


def test_nothing_is_allowed_that_nobody_uses() -> None:
    used: dict[str, set[str]] = {place: set() for place in ALLOWED}
    for module in modules():
        used[place_of(module)] |= ours(module)
    unused = {
        (place, prefix)
        for place, prefixes in ALLOWED.items()
        for prefix in prefixes
        if not any(within(name, prefix) for name in used[place])
    }
    assert not unused


def test_no_module_is_in_a_circle() -> None:
    """Nor where the import is for types alone, or made when first used."""
    left = {module: ours(module) & set(modules()) - {module} for module in modules()}
    while free := {module for module, needed in left.items() if not needed & left.keys()}:
        for module in free:
            del left[module]
    assert not left, f"in a circle, or above one: {sorted(left)}"


def test_the_table_says_what_is_allowed() -> None:
    """Row by row, by top-level place; the jobs' rows say "everything above"."""
    tops = {place.split(".")[0] for place in ALLOWED}
    allowed = {
        top: {p.split(".")[0] for key in ALLOWED if within(key, top) for p in ALLOWED[key]} - {top}
        for top in tops
    }
    named: set[str] = set()
    for line in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("| `simulator/"):
            continue
        place, *_, cell = (part.strip() for part in line.strip("| ").split(" | "))
        rows = re.findall(r"`(?:simulator/)?(\w+)(?:/|\.py)`", place)
        named |= set(rows)
        if cell not in ("everything above", "the same"):
            assert set(re.findall(r"\w+", cell)) & tops == allowed[rows[0]], rows[0]
    assert named == tops


@pytest.mark.parametrize("module", [name for name in modules() if not within(name, "chain")])
def test_only_the_chain_world_knows_the_chain(module: str) -> None:
    tops = {name.split(".")[0] for name in imports(module)}
    assert not tops & CHAIN_ONLY


@pytest.mark.parametrize("entry", ["import simulator", "import simulator.cli"])
def test_starting_up_imports_nothing_heavy(entry: str) -> None:
    heavy = {
        *("pandas", "numba", "scipy", "pyarrow", "matplotlib", "pydantic", "rich"),
        *("arch", "statsmodels", "sklearn"),
        *CHAIN_ONLY,
    }
    code = f"import sys; {entry}; print(*(name.split('.')[0] for name in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not heavy & set(loaded)


#: What a worker process does with a chunk, all of it recorded.
_CHUNK = """
import sys, tempfile
from pathlib import Path
from simulator.config import load
from simulator.results.store import write_chunk
from simulator.runner import Plan, simulate_chunk
config = load("calm", ["horizon_hours=6"])
with tempfile.TemporaryDirectory() as directory:
    write_chunk(Path(directory), 0, simulate_chunk(Plan(config, "model", (), 2), 0, 2, 2))
print(*(name.split(".")[0] for name in sys.modules))
"""


def test_a_worker_imports_no_pandas() -> None:
    """Every worker would pay for it in memory."""
    done = subprocess.run(
        [sys.executable, "-c", _CHUNK], capture_output=True, text=True, check=True
    )
    assert not {"pandas", "pyarrow", "rich"} & set(done.stdout.split())


COMPILED = {"inner", "kernel", "spliced", "part"}


def test_no_kernel_takes_more_than_six_parameters() -> None:
    """What it needs lies in the path, or together: arguments are what a call costs."""
    many = []
    for module in modules():
        path = PACKAGE / Path(*module.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
                if marks & COMPILED and len(node.args.args) > 6:
                    many.append(f"{module}.{node.name}")
    assert not many
