.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

run: $(VENV)/.run ## serve on http://127.0.0.1:8000 with SQLite in instance/
	@exec $(BIN)/python -m grok2api

demo: $(VENV)/.run ## the same against a simulated Grok with demo accounts
	@exec $(BIN)/python -m tests.simulator.demo

test: $(VENV)/.dev ## what the tests need, then all tests but the longest
	$(BIN)/python -m pytest -n 3 --dist worksteal

test-full: $(VENV)/.dev ## all tests at full size, with all parameters
	$(BIN)/python -m pytest -n 2 --dist worksteal --full

lint: $(VENV)/.dev ## ruff, mypy, bandit
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/bandit -q -c pyproject.toml -r .

audit: $(VENV)/.dev ## ask PyPI for known vulnerabilities of all packages
	@$(BIN)/python -m tests.meta.audit

bench: $(VENV)/.dev ## measure, beside nginx (Debian's nginx-light)
	$(BIN)/python -m benchmarks

soak: $(VENV)/.dev ## half an hour of mixed traffic: does anything grow?
	$(BIN)/python -m benchmarks.soak

clean: ## remove the virtual environment and caches, never instance/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .clients

# Marks of what has been installed; they are older than their requirements when those change.
$(VENV)/.run: requirements.txt $(VENV)/bin/python
	@echo "Installing requirements.txt into $(VENV)/ …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt $(VENV)/bin/python
	@echo "Installing requirements-dev.txt into $(VENV)/ …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements-dev.txt
	@touch $@ $(VENV)/.run

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing. Install it: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

.PHONY: help run demo test test-full lint audit bench soak clean
