# `make run` and `make test` do all the set-up. `make help` lists the rest.

PYTHON  ?= python3
HOST    ?= 127.0.0.1
PORT    ?= 8080
WORKERS ?= 2
# Processes for the tests; three suit two cores, as they wait for much.
TEST_PROCESSES ?= 3
TESTS   ?= tests

VENV    := .venv
CLIENTS := .venv-clients
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench bench-mirror bench-peers torture cluster dist docs lock screenshots clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'
	@echo "  PORT=8081, HOST=0.0.0.0, WORKERS=4 and PYTHON=python3.12 change what 'make run' does."

run: $(VENV)/.run ## Serve the index on http://127.0.0.1:8080 with its data in ./data
	@exec $(VENV)/bin/packslip serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

test: $(VENV)/.dev $(CLIENTS)/.installed ## Run all tests, with real clients, a real PostgreSQL and a real browser
	$(VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder $(TESTS)

lint: $(VENV)/.dev ## Check style, types and the floors of the house
	$(VENV)/bin/ruff check src tests bench torture cluster tools docs
	$(VENV)/bin/ruff format --check src tests bench torture cluster tools docs
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.dev ## Bring the code into its form
	$(VENV)/bin/ruff check --fix --quiet src tests bench torture cluster tools docs || true
	$(VENV)/bin/ruff format src tests bench torture cluster tools docs

bench: $(VENV)/.dev $(CLIENTS)/.installed ## Measure the server (BENCH=--quick; bench/README.md)
	$(VENV)/bin/python -m bench run --clients $(CLIENTS)/bin $(BENCH)

torture: $(VENV)/.dev $(CLIENTS)/.installed ## Kill, fill and hold it for some 20 minutes (TORTURE=--quick; docs/reliability.md)
	$(VENV)/bin/python -m torture $(TORTURE)

cluster: $(VENV)/.dev $(CLIENTS)/.installed ## Three nodes, a database that fails over, an object store: break each (root; docs/scaling.md)
	$(VENV)/bin/python -m cluster $(CLUSTER)

bench-mirror: $(VENV)/.dev $(CLIENTS)/.installed ## Measure the mirror beside devpi and proxpi
	$(VENV)/bin/python -m bench mirror --clients $(CLIENTS)/bin --peers devpi,proxpi $(BENCH)

bench-peers: $(VENV)/.dev $(CLIENTS)/.installed ## Measure beside other indexes and nginx, and say which goals hold
	$(VENV)/bin/python -m bench peers --clients $(CLIENTS)/bin $(BENCH)

dist: $(VENV)/.dev ## Build what is committed: wheel, sdist, bill of materials, digests (docs/deploy.md)
	$(VENV)/bin/python -m tools.release dist

docs: $(VENV)/.dev ## Make the documentation's site in build/docs; each warning is an error
	$(VENV)/bin/python -m tools.reference
	$(VENV)/bin/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

lock: $(CLIENTS)/.installed ## Make requirements/*.txt anew
	requirements/lock $(CLIENTS)/bin/uv

screenshots: $(VENV)/.dev ## Take pictures of all pages into build/screenshots, and those of README and docs
	$(VENV)/bin/python -m tools.screenshots build/screenshots --readme docs/images

clean: ## Remove the environments and caches; ./data stays
	rm -rf $(VENV) $(CLIENTS) dist build/docs .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what Packslip needs into $(VENV) ..."
	@$(VENV)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/run.txt
	@$(VENV)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/postgres.txt $(VENV)/.run
	@echo "Installing what the tests need into $(VENV) ..."
	@$(VENV)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt -r requirements/postgres.txt
	@touch $@

$(CLIENTS)/.installed: requirements/clients.txt | $(CLIENTS)/bin/python
	@echo "Installing pip, uv, twine, flit, poetry, hatch and pypiserver into $(CLIENTS) ..."
	@$(CLIENTS)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/clients.txt
	@touch $@

$(VENV)/bin/python $(CLIENTS)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Packslip needs Python 3.11 or newer, and '$(PYTHON)' is not: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one, for example: make PYTHON=python3.12 $(or $(MAKECMDGOALS),run)" >&2; exit 1; }
	@$(PYTHON) -m venv $(@D:/bin=) || { \
	  rm -rf $(@D:/bin=); \
	  echo "'$(PYTHON)' cannot make environments; it may lack its module venv." >&2; \
	  echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
