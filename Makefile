# Needs nothing but python3.11, 3.12 or 3.13 (PYTHON=...) with venv and pip.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK   := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --quiet

.PHONY: run install dev test check check-fast golden reference lock bench clean

run: install  ## plays four rounds of the takeoff scenario on the embedded model
	$(BIN)/orchestrate run --scenario takeoff --rounds 4 --yes

install: $(VENV)/.installed
dev: $(VENV)/.installed-dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "$(PYTHON) is no Python 3.11 to 3.13; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The stamps are newer than what they were made from, so a second `make` installs nothing.
$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --editable .
	@$(BIN)/python -m compileall -q orchestrator  # where the environment forbids it at run time, each start would compile
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

# The real model's test runs by itself: it wants both cores, and its neighbours want their time limits.
test: check-fast  ## everything that must hold
	$(BIN)/python -m pytest -m real_model

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

check-fast: check  ## everything but the real model
	$(BIN)/python -m pytest -m "not real_model" --numprocesses 2

golden: dev  ## rewrites the golden playthroughs; read the diff before you commit it
	$(BIN)/python -m tests.golden

reference: dev  ## rewrites docs/scenario-reference.md from the models of the scenario language
	$(BIN)/python -m tests.reference

lock: | $(BIN)/python  ## newest versions that pyproject.toml allows, with hashes, for 3.11 to 3.13
	$(PIP) install uv
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --group dev --extra postgres --constraint requirements.lock --output-file requirements-dev.lock

bench: install  ## figures of benchmarks/README.md, again
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
