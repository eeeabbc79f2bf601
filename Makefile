# What people run is what CI runs (.ci/run). Python 3.11 and make are the only prerequisites.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN  := $(VENV)/bin
# Test workers.
JOBS ?= 2
# Tests that the campaign runs and `make test` leaves out, because it has ten minutes: twins of our contracts are compiled
# for every exploit, Anvil is slow, theorems and fits are statistics, records of other sizes compile for themselves. The
# contracts' unit tests too, which the campaign runs on py-evm and on Anvil.
LONG := tests/exploits tests/hunt tests/chain/test_gas_schedule.py tests/chain/test_deploy_script.py \
        tests/theory tests/market/processes/test_recovery.py tests/market/test_importance.py \
        tests/vault/test_stable_leg.py tests/properties/test_stableswap_worth.py tests/agents/test_cohorts.py \
        tests/lending/test_misposted_cap.py tests/model/test_stable_worlds.py tests/agents/test_adversaries.py \
        tests/lending/test_worlds.py tests/model/test_staked_worlds.py tests/results/test_shared_market.py \
        tests/test_installation.py

# ape looks for `vyper` and `anvil` on PATH; both stand in the venv.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Caches stay in the clone: an empty or missing HOME works, and two clones never share state.
export APE_DATA_FOLDER := $(CURDIR)/.cache/ape
export VVM_BINARY_PATH := $(CURDIR)/.cache/vvm
export MPLCONFIGDIR    := $(CURDIR)/.cache/matplotlib
export MPLBACKEND      := Agg

PYTHON_STAMP := $(VENV)/.installed
NPM_STAMP    := node_modules/.installed

.PHONY: help setup demo test campaign hunt gas mutants check format bench compile kernels keeper-kernels other-kernels lock clean

help: ## Print this list
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

# ---------------------------------------------------------------------------------------- environment

setup: $(PYTHON_STAMP) $(NPM_STAMP) $(BIN)/anvil ## Install the pinned Python and npm packages into .venv and node_modules

$(PYTHON_STAMP): requirements.lock pyproject.toml
	@python= ; for candidate in python3.11 python3 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; fi; done; \
	if [ -z "$$python" ]; then echo 'hedgesim needs Python 3.11 on PATH' >&2; exit 1; fi; \
	[ -x $(BIN)/python ] || { echo "== creating $(VENV)"; "$$python" -m venv $(VENV); }
	@echo '== installing Python packages (a minute or two the first time)'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps --requirement requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --editable .
	@# Byte code of what every command loads, also where PYTHONDONTWRITEBYTECODE is set: making it anew at each start
	@# takes longer than a small run. A call compiled by Numba loads the rest of Numba.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'import jinja2, joblib.externals.loky, pyarrow.parquet, rich.progress, \
	  scipy.special, simulator.agents.build, simulator.cli.runs, simulator.market.draw, simulator.report.page, \
	  simulator.result, simulator.runner, simulator.model.world, numba; numba.njit(lambda: 0)()'
	@touch $@

$(NPM_STAMP): package-lock.json package.json | $(PYTHON_STAMP)
	@echo '== installing contract artifacts and Anvil'
	@$(BIN)/npm ci --ignore-scripts --loglevel=error >/dev/null
	@touch $@

# The `anvil` of the npm package is a Node script around the real binary, and stopping the script would leave the
# binary running: link the binary itself to where ape looks.
$(BIN)/anvil: | $(NPM_STAMP)
	@ln -sf "$(CURDIR)"/node_modules/@foundry-rs/anvil-*/bin/anvil $@
	@$@ --version >/dev/null

lock: $(PYTHON_STAMP) ## Resolve requirements.lock again from pyproject.toml
	@$(BIN)/python -m pip install -qq --dry-run --ignore-installed --report $(VENV)/report.json '.[dev]'
	@$(BIN)/python -c 'import json, sys; \
	  found = [item["metadata"] for item in json.load(sys.stdin)["install"]]; \
	  pins = ["{name}=={version}".format(**one) for one in found if one["name"] != "hedgesim"]; \
	  print(*sorted(pins, key=str.lower), sep="\n")' < $(VENV)/report.json > requirements.lock

# ---------------------------------------------------------------------------------------- use

demo: setup ## Run the correlation breakdown on 200 paths and write its report to out/demo
	@$(BIN)/hedgesim run correlation-breakdown --paths 200 --out out/demo

bench: setup ## Time the kernels and the engine
	@$(BIN)/hedgesim bench

# ape looks at each file alone: when any has changed, whatever may import it is compiled again.
compile: setup ## Compile the contracts into .build
	@sources=$$(find contracts -name '*.vy*' | LC_ALL=C sort | xargs sha256sum | sha256sum); \
	if [ "$$sources" != "$$(cat .build/sources.sha256 2>/dev/null)" ]; then rm -f .build/__local__.json; fi; \
	$(BIN)/ape compile; \
	echo "$$sources" > .build/sources.sha256

# Numba caches kernels beside the sources. Their compilation takes a minute or two, so the two halves run beside each
# other: every test worker would otherwise compile all of them for itself.
kernels: keeper-kernels other-kernels ## Compile the model's kernels and, for revm, the contracts

keeper-kernels: setup
	@$(BIN)/python -c 'from simulator import run; run("calm", paths=2, workers=1)'

other-kernels: setup
	@$(BIN)/python -c 'from simulator.chain.deploy.artifacts import CONTRACTS, load; [load(path.stem) for path in CONTRACTS.glob("*.vy")]'
	@$(BIN)/python -c 'from simulator import load_config, run; run(load_config("liquidation-cascade", ["agents.keeper=null"]), paths=2, workers=1)'

# ---------------------------------------------------------------------------------------- development

# Compile once, first: two workers would otherwise compile everything twice.
test: setup ## Run the tests: simulator, and contracts on revm
	@echo '== compiling contracts and kernels'
	@$(MAKE) -j2 kernels
	@echo '== simulator'
	@$(BIN)/pytest -p no:ape_test -n $(JOBS) --dist worksteal --ignore=tests/contracts $(addprefix --ignore=,$(LONG)) tests

# Only the unit tests of the contracts need ape's pytest plugin, which costs every worker two seconds of imports; they
# deploy once a file, so each file stays with one worker.
campaign: compile kernels ## The long checks: both worlds on every scenario and on random ones, attacks, references, contracts on py-evm and Anvil
	@$(BIN)/python scripts/campaign.py $(LONG)
	@echo '== contracts on py-evm'
	@$(BIN)/ape test tests/contracts -n $(JOBS) --dist loadfile
	@echo '== contracts on Anvil'
	@$(BIN)/ape test tests/contracts -n $(JOBS) --dist loadfile --network ethereum:local:foundry

hunt: setup ## Search for profit and denial: in the contracts of fe8ea04, where an audit's findings must be met, then in ours
	@$(BIN)/python tests/hunt/campaign.py

gas: setup ## Write tests/gas_snapshot.json anew; look at the difference before committing it
	@HEDGESIM_UPDATE_GAS=1 $(BIN)/pytest -p no:ape_test -q tests/chain/test_gas_schedule.py

mutants: setup ## Plant every bug of scripts/mutants/catalogue.py and write which test catches it to tests/MUTANTS.md
	@$(BIN)/python -m scripts.mutants.hunt

check: setup ## Check formatting, lint and types, changing nothing
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy

format: setup ## Format, and apply the safe lint fixes
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

clean: ## Remove what the commands above wrote, keeping .venv and node_modules
	@rm -rf .build .cache .hypothesis .ruff_cache out build dist
	@find simulator scripts tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
