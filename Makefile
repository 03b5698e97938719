# One word, one job; `make` alone lists them. Kept to what GNU make 3.81 understands.
PYTHON ?=
BIN := .venv/bin
UV ?= uv
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header $(if $(UPGRADE),--upgrade)
# Some shells export HOST as the machine's name: from the environment only an address counts.
HOST_FLAG = $(if $(filter-out environment,$(origin HOST))$(findstring ://,$(HOST)),$(if $(HOST),--host '$(HOST)'))

.PHONY: help install demo test fidelity hostile faults shapes drift bench generate check sandbox map lint types build constraints clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

install: .venv/.project .venv-min/.packages ## make .venv (everything) and .venv-min (what a plain install needs)

demo: .venv/.project ## sandbox, login, generated client, a video on disk; all in .demo/
	@$(BIN)/python scripts/demo.py

test: install ## run every test
	$(BIN)/python -m pytest -n 2

fidelity: .venv/.project ## measure that schemas are obeyed and bodies go out unchanged (CORPUS=folder)
	@PYTHONPATH=tests $(BIN)/python -m fidelity

hostile: .venv/.project ## everything that a hostile server may send, in one table
	@$(BIN)/python tests/hostile/run.py

faults: .venv/.project ## play the whole fault campaign and print its table (ONLY='R1 S2': these)
	@cd tests && ../$(BIN)/python -m faults $(ONLY)

shapes: .venv/.project ## play what servers may answer through the command line (ONLY='-k links --verbose')
	@PYTHONPATH=tests $(BIN)/python -m shapes $(ONLY)

drift: .venv/.project ## hold diff to mutated schemas, upkeep to 1,000 actions (CORPUS=folder DRIFT_COUNT=11000)
	@PYTHONPATH=tests $(BIN)/python -m drift

bench: .venv/.project ## measure beside the floor and the peers (QUICK=1: a rough minute; ONLY='call fetch')
	@cd tests && QUICK='$(QUICK)' ../$(BIN)/python -m bench $(ONLY)

generate: .venv/.project ## write generated/ (HOST=https://… names the server)
	@$(BIN)/callsheet generate $(HOST_FLAG)
	@cp generated/ads_client/overlay.json runtime/callsheet/ads.json  # the rules of ads

check: .venv/.project ## compare generated/, the lock and the server (HOST=https://…, OFFLINE=1: no server)
	@$(BIN)/callsheet $(strip check $(HOST_FLAG) $(if $(OFFLINE),--offline))

sandbox: .venv/.project ## keep a sandbox running
	@$(BIN)/callsheet sandbox --speed demo

map: ## print every module with what it does
	@python3 scripts/module_map.py

lint: .venv/.project ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.project ## mypy --strict
	$(BIN)/mypy
	$(BIN)/mypy scripts/*.py

build: .venv/.project ## wheel and sdist in dist/
	$(BIN)/python -m build --no-isolation

# The pins stay while they fit; UPGRADE=1 takes the newest. `all` comes first and binds `base`.
constraints: ## remake constraints/*.txt (needs uv; UPGRADE=1 moves the pins)
	@command -v $(UV) >/dev/null || { echo "make constraints needs uv: python3 -m pip install uv" >&2; exit 1; }
	$(COMPILE) --extra dev pyproject.toml -o constraints/all.txt
	echo hatchling | $(COMPILE) --constraint constraints/all.txt pyproject.toml - -o constraints/base.txt
	echo pip | $(COMPILE) - -o constraints/pip.txt

clean: ## remove what these words made, except output/ and generated/
	rm -rf .venv .venv-min .demo .sandbox dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Stamps, so that a second run installs nothing. pip is upgraded before anything else:
# the console scripts of older ones start slower.
.venv/.pip .venv-min/.pip: constraints/pip.txt scripts/find_python.sh
	@python=`sh scripts/find_python.sh $(PYTHON)` || exit 1; echo "$(@D): $$python"; "$$python" -m venv $(@D)
	@$(@D)/bin/python $(PIP_INSTALL) --require-hashes -r constraints/pip.txt
	@touch $@

.venv/.packages: constraints/all.txt .venv/.pip
	@echo "$(@D): installing constraints/all.txt"
	@$(@D)/bin/python $(PIP_INSTALL) --require-hashes -r constraints/all.txt
	@touch $@

.venv-min/.packages: constraints/base.txt .venv-min/.pip
	@echo "$(@D): installing constraints/base.txt"
	@$(@D)/bin/python $(PIP_INSTALL) --require-hashes -r constraints/base.txt
	@touch $@

# pip refuses a folder while hashes are asked for, hence the second step without dependencies.
.venv/.project: pyproject.toml .venv/.packages
	@$(@D)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
