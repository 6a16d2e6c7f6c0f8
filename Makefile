# `make` lists what there is.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SITE_AS_OF := 2026-11-20T16:02:00+01:00

.PHONY: help setup site serve test lint format sbom bench bench-metrics bench-growth clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.ready  ## a virtual environment with everything in it

$(VENV)/.ready: requirements.lock pyproject.toml scripts/setup.sh
	PYTHON=$(PYTHON) scripts/setup.sh $(VENV)
	@touch $@

site: build/example/deploybook.yml  ## build the example organisation's site from nothing
	$(BIN)/deploybook build --as-of $(SITE_AS_OF)

build/example/deploybook.yml: $(VENV)/.ready $(wildcard generator/deploybook/example/*)
	rm -rf build/example
	$(BIN)/deploybook example build/example

serve: site  ## build the example's site and serve it on this machine
	$(BIN)/deploybook serve --as-of $(SITE_AS_OF)

lint: setup  ## format, lint, types, floors, and known holes of what is locked
	$(BIN)/ruff format --check generator tests benchmarks scripts
	$(BIN)/ruff check generator tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/audit.py

test: lint  ## every check and every test
	scripts/tools.sh
	$(BIN)/pytest -n 2 --dist loadgroup

format: setup  ## put the code in its format
	$(BIN)/ruff format generator tests benchmarks scripts
	$(BIN)/ruff check --fix generator tests benchmarks scripts

sbom: setup  ## the bill of materials of a release, as CycloneDX
	$(BIN)/python scripts/sbom.py

bench: setup  ## times and memory, as ratios to their floors
	$(BIN)/python benchmarks/run.py

bench-metrics: setup  ## all metric tables at full size, 50 million test case runs; an hour
	$(BIN)/python -m benchmarks.metrics --scale 1 --apart

bench-growth: setup  ## how a build grows with codebases and years; hours
	$(BIN)/python -m benchmarks.growth

clean:  ## remove what was built
	rm -rf build site .site.next dist
