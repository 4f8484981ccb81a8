# ferlab: make lab, make check, make test, make compare, make notebooks. PYTHON=/path/to/python3.12 chooses the Python.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help lab check format test compare notebooks look links lock clean chromium

# The first one that is new enough; the last word is only there to be named in the sentence below.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; \
	done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LAB_ARGS ?=
TEST_ARGS ?=
COMPARE_ARGS ?=
OUT ?= runs/compare-$(shell date +%Y-%m-%d-%H%M%S)

# As ferlab.cli does, for the tests: threads that wait give their core away after some microseconds.
export GOMP_SPINCOUNT ?= 1000

help: ## list what make can do here
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(READY) ## open JupyterLab on the first notebook (LAB_ARGS=--no-browser or BROWSER=none: print its address)
	@$(BIN)/ferlab lab $(LAB_ARGS)

check: $(READY) ## look for mistakes without running anything, in less than a minute (CHECK="types lint": some parts)
	@$(BIN)/python tests/check $(CHECK)

format: $(READY) ## mend what make check can mend by itself: layout of the code, order of imports, notebooks from their text
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py

test: $(READY) chromium ## run all tests, in about 20 minutes on two cores (TEST_ARGS="-m 'not browser'": some)
	@COVERAGE_CORE=$$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")') \
		$(BIN)/python -m pytest --numprocesses logical --cov --cov-report term:skip-covered $(TEST_ARGS)

compare: $(READY) ## train and compare the methods (OUT=folder, COMPARE_ARGS=--quick)
	@$(BIN)/ferlab compare --out $(OUT) $(COMPARE_ARGS)

notebooks: $(READY) ## run all notebooks on copies and make the book of them, build/book/index.html
	@$(BIN)/python docs/book/make_book.py

look: $(READY) chromium ## show all notebooks in a real browser, light and dark: build/screenshots/notebooks (LOOK=03: one)
	@PYTHONPATH=tests $(BIN)/python tests/look_at_notebooks.py $(LOOK)

links: $(READY) ## look whether the addresses that the book names exist (needs a network)
	@$(BIN)/python docs/book/make_book.py --links

lock: $(READY) ## renew requirements.lock after a change in pyproject.toml (LOCK_ARGS=--upgrade: newest versions)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m uv --quiet pip compile pyproject.toml --extra lab --extra test --extra dev --extra book --universal \
		--python-version 3.11 --no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock $(LOCK_ARGS) \
		> /dev/null

clean: ## remove what make made, but not the results in runs/
	rm -rf $(VENV) build dist ferlab.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find ferlab tests data_scripts -name __pycache__ -type d -prune -exec rm -rf {} +

chromium: $(READY)
	@$(BIN)/python tests/chromium.py

# Written last, so that an interrupted installation starts again and a finished one is not looked at twice.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || \
		{ echo "There is no $(PYTHON); install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3."; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ferlab needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1); name another: make PYTHON=/path/to/python3."; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; } >&2
	@echo "Installing into $(VENV), once; the large downloads:"
	@$(PYTHON) -m venv $(VENV)
	@set -o pipefail; \
		$(BIN)/python -m pip install --disable-pip-version-check --requirement requirements.lock \
		| { grep --line-buffered -oE 'Downloading .*\([0-9.]+ (MB|GB)\)|^Installing collected packages' || true; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)
