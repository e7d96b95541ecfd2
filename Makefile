# Heddle. `make` alone prints this list; every target is safe to repeat.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# A Python from 3.11 on, to begin with; the rest runs in .venv.
PYTHON ?= $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done),python3)
BOOTSTRAP = @$(PYTHON) -m deploy.local.bootstrap
LOCAL = @.venv/bin/python -m deploy.local

##@ Two sites on this machine

.PHONY: run
run: ## set up, start two sites, play the first-run story, stay until Ctrl-C
	$(BOOTSTRAP) --servers
	$(LOCAL) run

.PHONY: up
up: ## the same in the background
	$(BOOTSTRAP) --servers
	$(LOCAL) up

.PHONY: down
down: ## stop them
	$(BOOTSTRAP)
	$(LOCAL) down

.PHONY: status
status: ## what runs where
	$(BOOTSTRAP)
	$(LOCAL) status

.PHONY: story
story: ## play the story again on the running sites
	$(BOOTSTRAP)
	$(LOCAL) story --again

##@ Proof

.PHONY: test
test: ## every test, with a broker, a database and a browser of its own (ARGS="-k inbox" to choose)
	$(BOOTSTRAP) --dev --embedded --browser
	$(LOCAL) test $(ARGS)

.PHONY: faults
faults: ## every fault, in its long form too; ends with what recovery took (ARGS="-k kill" to choose)
	$(BOOTSTRAP) --dev --embedded
	$(LOCAL) test tests/faults -m faults -n 2 --dist loadfile $(ARGS)

.PHONY: check
check: ## format, lint, types, import rules, deploy files
	$(BOOTSTRAP) --dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m deploy.validate

.PHONY: bench
bench: ## benchmarks: CPU per activity and per delivery (ARGS to choose)
	$(BOOTSTRAP) --dev --embedded
	.venv/bin/python -m tests.bench $(ARGS)

.PHONY: load
load: ## a load test of the first local site, ends with a report (ARGS to choose)
	$(BOOTSTRAP) --servers
	$(LOCAL) up
	set -a; . "$${HEDDLE_LOCAL_HOME:-.local}/loom.env"; set +a; .venv/bin/heddle load run $(ARGS)

##@ Upkeep

.PHONY: format
format: ## put the code into the agreed form
	$(BOOTSTRAP) --dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

.PHONY: lock
lock: ## resolve the locked packages anew (ARGS=--upgrade for the newest)
	$(BOOTSTRAP)
	@.venv/bin/python -m deploy.local.lock $(ARGS)

.PHONY: clean
clean: ## remove the sites, their data and what was fetched; .venv stays
	$(BOOTSTRAP)
	$(LOCAL) clean

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST); echo
