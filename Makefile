# `make demo` and `make test` set up all that they need; `make help` lists the rest.
VENV ?= .venv
PYTHON ?=
export PYTHON
PYTEST_OPTIONS ?= -n auto
.DEFAULT_GOAL := help

.PHONY: help setup demo test lint format generate lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## make the environment in .venv
	@sh scripts/environment.sh $(VENV)

demo: setup ## meter the samples on this machine and show who used what
	@$(VENV)/bin/python scripts/demo.py

test: lint ## run everything there is to run
	@$(VENV)/bin/python -m pytest $(PYTEST_OPTIONS)

lint: setup ## check style, types and generated files
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check .
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/python scripts/generate.py --check

format: setup ## put the code into its form
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet .

generate: setup ## write the generated files
	@$(VENV)/bin/python scripts/generate.py

lock: ## pin the requirements anew (needs uv)
	@sh scripts/lock.sh

clean: ## remove what was made here
	@rm -rf .venv .venv-* .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
