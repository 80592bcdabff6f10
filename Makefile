# The few commands, the same for people and CI. `make` alone explains them.
PYTHON ?= python3
PORT ?= 8080
DATA ?= .data
FILE ?=
# As they were given: neither make nor a shell reads a file's name.
export GIVEN_FILE := $(value FILE)
export GIVEN_DATA := $(value DATA)
export GIVEN_PORT := $(value PORT)
BIN := .venv/bin
PACKAGES := schemas stores providers streams api deploy
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

# Set-up is a matter of milliseconds once it is done; it looks by itself whether it is.
SET_UP = command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not there: install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=..." >&2; exit 1; }; \
	$(PYTHON) deploy/environment.py

.DEFAULT_GOAL := help
.PHONY: help demo up test check bench chaos codes screenshots lock clean embedded development

help:  ## explain the commands
	@echo "Tidemark. Everything is set up by itself: only $(PYTHON) (3.11 to 3.13) is needed."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=$(PYTHON)  PORT=$(PORT)  DATA=$(DATA)  FILE=(a recording that comes along)"

demo: embedded  ## send a recording through everything on this machine and show what comes out (FILE=your own)
	@exec $(BIN)/tidemark demo --data "$$GIVEN_DATA" $${GIVEN_FILE:+-- "$$GIVEN_FILE"}

up: embedded  ## run everything on this machine until Ctrl-C (PORT=8080 DATA=.data)
	@exec $(BIN)/tidemark up --port "$$GIVEN_PORT" --data "$$GIVEN_DATA"

test: development  ## run the whole suite, in two processes of a file each
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: development  ## look at style, types, layers, security, dependencies, secrets and the compose file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/bandit --quiet --recursive --severity-level medium --configfile pyproject.toml $(PACKAGES)
	$(BIN)/python .ci/audit.py
	git ls-files -z --cached --others --exclude-standard | xargs -0 $(BIN)/detect-secrets-hook \
		--exclude-files '^requirements/.*\.txt$$|^deploy/embedded/jars/.*\.txt$$|^tests/'
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

bench: development  ## measure each figure of the README
	$(BIN)/python -m bench

chaos: development  ## prove that nothing is lost, stuck or done twice while processes are killed (JOBS=150 SEED=...)
	@exec $(BIN)/python -m bench.chaos $${JOBS:+--jobs "$$JOBS"} $${SEED:+--seed "$$SEED"}

codes: development  ## write docs/codes.md anew from the table of codes
	$(BIN)/python -m deploy.codes

screenshots: development  ## take the pictures of docs/screenshots anew, in real Chromium
	$(BIN)/python -m tests.browser.screenshots

lock: development  ## resolve the dependencies and jars anew, and write their hashes down
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) pyproject.toml -o requirements/production.txt
	$(COMPILE) pyproject.toml --extra embedded -o requirements/embedded.txt
	$(COMPILE) pyproject.toml --extra embedded --extra viewers --group dev -o requirements/development.txt
	$(COMPILE) pyproject.toml --extra viewers -o requirements/viewers.txt
	$(BIN)/python -m deploy.embedded.jars

clean:  ## remove what was set up (.venv, .cache); recordings and whatever else is in DATA stay
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find $(PACKAGES) tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

embedded development:
	@$(SET_UP) $@
