VENV ?= .venv
PYTHON ?= python3
TEXT ?= I told my sister's secret to her fiancé, and now the wedding is off.
DATA ?= ../shared/data
PIP = $(VENV)/bin/python -m pip install --quiet --constraint constraints.txt

.PHONY: help analyze test test-oldest test-newest lint check blocks docs evaluate bench
help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml setup.cfg constraints.txt
	$(PIP) .
	@touch $@

$(VENV)/.developer: $(VENV)/bin/python pyproject.toml setup.cfg constraints.txt
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

analyze: $(VENV)/.installed ## Set everything up and read a text: make analyze TEXT="..."
	@$(VENV)/bin/redheart analyze "$(TEXT)"

test: $(VENV)/.developer ## Set everything up and run the tests
	$(VENV)/bin/python -m pytest -m 'not gpu' --numprocesses auto --maxprocesses 4 --dist loadfile

# In an environment of their own: `make test-oldest WITH=torch==2.13.0+cpu` adds a requirement, TESTS are options of pytest.
test-oldest test-newest: test-%:
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet uv
	.venv-$*/bin/python -m uv pip install --quiet --python .venv-$* --resolution $(RESOLUTION) --editable '.[dev]' $(WITH)
	.venv-$*/bin/python -m pip list
	.venv-$*/bin/python -m pytest -m 'not gpu' --numprocesses auto --maxprocesses 4 --dist loadfile $(TESTS)

test-oldest: RESOLUTION = lowest-direct
test-newest: RESOLUTION = highest
test-oldest: ## Run the tests on the oldest dependencies that pyproject.toml takes
test-newest: ## Run the tests on the newest dependencies there are

lint: $(VENV)/.developer ## Check style, types, and that tables in README and docs equal their sources
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/python -m docs.blocks --check

check: lint test ## Style, types and tests

blocks: $(VENV)/.developer ## Write the tables of README and docs from result files and code
	$(VENV)/bin/python -m docs.blocks

docs: $(VENV)/.developer ## Build the documentation as a site, into site/
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

evaluate: $(VENV)/.developer ## Measure the shipped checkpoint on the data in DATA
	$(VENV)/bin/redheart evaluate --data $(DATA)

bench: $(VENV)/.developer ## Measure speed and memory against a plain encoder of the same size
	$(VENV)/bin/redheart bench
