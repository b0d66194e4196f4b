# Everything goes into .venv; python3 (3.11 or newer) and make are all that must be there.
#   make demo    run the tests of all suites against a platform that comes along
#   make test    check the code, then run every test
#   make check   lint, format, types, layers
#   make docs    build the site into site/
#   make bench   measure swell against other load generators (nginx, wrk, hey, Locust, k6)
#   make lock    resolve the dependencies again into requirements/*.txt

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test check lint docs bench lock compile clean

help:
	@sed -n '2,7s/^#   //p' Makefile

# --- What the targets need ------------------------------------------------------------------------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "swell needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || \
	    { echo "this Python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# pip checks every file against the hashes in the lock; where it fetches them from is pip's own configuration.
$(VENV)/.run: $(VENV)/.made requirements/run.txt pyproject.toml
	$(PIP) install --quiet --require-hashes -r requirements/run.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# Where PYTHONDONTWRITEBYTECODE is set, nothing else would compile the sources, and each start would be slow.
compile: $(VENV)/.run
	@$(BIN)/python -m compileall -q src

# --- What people call -----------------------------------------------------------------------------------------

demo: compile
	@exec $(BIN)/swell demo suites

test: lint
	@sh tools/system-packages.sh test
	$(BIN)/python -m pytest -n auto --dist loadfile

check: lint
	$(BIN)/python -m pytest -q tests/house

lint: $(VENV)/.dev compile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.dev compile
	$(BIN)/zensical build --clean --strict

bench: $(VENV)/.dev compile
	@sh tools/system-packages.sh bench
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev
	sh tools/lock.sh

clean:
	rm -rf $(VENV) site
