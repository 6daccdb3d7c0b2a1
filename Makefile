# minicoin: every command a user or contributor needs. `make demo` and `make test` need nothing but git, make and Python 3.11+.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The tests start the program hundreds of times: it is compiled once, whatever the surroundings say.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check soak bench reproduce setup peers lint types imports lock clean

demo: $(READY)
	$(BIN)/minicoin lab up 3 --once

test: $(READY) lint types imports peers
	$(PYTEST) tests

check: $(READY) lint types imports
	$(PYTEST) tests/unit -q

soak: $(READY) peers
	MINICOIN_SOAK=1 $(PYTEST) tests -o timeout=7200

bench: $(READY)
	$(BIN)/python bench/run.py

# Published figures of other simulators and of gossip theory, measured again; writes docs/reproduce.md.
reproduce: $(READY)
	$(BIN)/python -m bench.reproduce

setup: $(READY)

$(READY): requirements/dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "minicoin needs Python 3.11 or newer with the venv module (Debian/Ubuntu: apt install python3-venv)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# The real programs that the tests talk to, pinned, under .peers/; a peer that cannot be had is reported and its tests skip (under CI=true they fail).
peers: $(READY)
	@sh tests/peers/install.sh

lint: $(READY)
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench

types: $(READY)
	$(BIN)/mypy
	MYPYPATH=bench $(BIN)/mypy bench/*.py
	$(BIN)/mypy -p bench.reproduce

imports: $(READY)
	$(BIN)/lint-imports --config importlinter.toml

# Resolve the locked versions anew from pyproject.toml (maintainers; needs uv on the PATH).
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group dev --no-annotate --no-header --prerelease=if-necessary-or-explicit pyproject.toml -o requirements/dev.lock

clean:
	rm -rf .venv .peers build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
