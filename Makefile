# `make demo` and `make test` set up all that they need; `make help` lists the rest.
#   make test PYTHON=python3.11      another Python than the newest one here
#   make test VENV=.venv-3.11        another environment
VENV ?= .venv
PYTHON ?=
export PYTHON
PYTEST_OPTIONS ?= -n auto --maxprocesses 4 --dist loadfile
UV_VERSION = 0.13.9
CHECKOV_VERSION = 3.3.30
# checkov asks for an older one, which cannot read all of the files and passes over those
CHECKOV_PARSER = 0.7.1
.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help setup node demo test pytest lint format generate checkov lock picture build clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## make the environment in .venv
	@sh scripts/environment.sh "$(VENV)"

demo: setup ## meter the samples on this machine and show who used what
	@$(VENV)/bin/python scripts/demo.py

test: lint pytest ## run everything there is to run

node: ## install what the tests run in Node, where there is Node
	@sh scripts/node_packages.sh

pytest: setup node ## run the tests alone
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

checkov: ## look for what is unsafe in infra, with checkov in an environment of its own (300 MB)
	@[ -d .venv-checkov ] || { "$$(sh scripts/python.sh)" -m venv .venv-checkov.new && \
	  .venv-checkov.new/bin/python -m pip --disable-pip-version-check --quiet install checkov==$(CHECKOV_VERSION) && \
	  .venv-checkov.new/bin/python -m pip --disable-pip-version-check --quiet install --no-deps \
	    pycep-parser==$(CHECKOV_PARSER) && mv .venv-checkov.new .venv-checkov; }
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml

lock: ## pin the requirements anew (UPGRADE=1: the newest versions)
	@[ -x .venv-lock/bin/uv ] || { "$$(sh scripts/python.sh)" -m venv .venv-lock && \
	  .venv-lock/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION); }
	@PATH="$(CURDIR)/.venv-lock/bin:$$PATH" sh scripts/lock.sh $(if $(UPGRADE),--upgrade)

picture: setup ## draw docs/images/report.png anew (needs Chromium)
	@$(VENV)/bin/python scripts/report_image.py

build: setup ## build the wheel and the source distribution, in dist/
	@$(VENV)/bin/python -m hatchling build

clean: ## remove what was made here, the environments too
	@rm -rf .venv .venv-* tests/node/node_modules .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
