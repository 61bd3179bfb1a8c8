# The only door to this repository. `make` or `make help` lists what it opens.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run stop test build ui python bench format lint check clean setup release

export SLIPWAY_HOST ?= 127.0.0.1
export SLIPWAY_PORT ?= 5000

venv := .slipway/venv/bin
python_venv := .slipway/python-venv/bin
debug := .build/debug/slipway
release := .build-release/release/slipway
# Two cores: more jobs only fight. lld links a debug binary in three quarters of the time. The linker is part of the
# flags that SwiftPM compares, so every debug command passes both, or it would build the packages again.
swift_flags := -j 2 -Xswiftc -use-ld=lld
sources := $(shell find Sources Package.swift -type f -not -name '*.md')
swift_folders := Sources Tests Package.swift
ui_sources := $(shell find ui scripts/requirements-ui.txt -type f -not -path 'ui/dist/*' -not -path 'ui/tests/*' -not -name '*.md')
# Everything that deno keeps stays here, and it asks nobody for a newer one.
deno := DENO_DIR=$(CURDIR)/.slipway/deno DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 $(CURDIR)/.slipway/ui-venv/bin/deno

help: ## List what make can do
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

run: setup release ## Serve on 127.0.0.1:5000 and replay examples/restock against it; the server stays up
	@scripts/server start $(release)
	@SLIPWAY_URL=http://$(SLIPWAY_HOST):$(SLIPWAY_PORT) MLFLOW_TRACKING_URI=http://$(SLIPWAY_HOST):$(SLIPWAY_PORT) \
		PATH="$$PWD/.build-release/release:$$PWD/$(venv):$$PATH" examples/restock/run $(ARGUMENTS)
	@scripts/server status

stop: ## Stop the server that `make run` left up
	@scripts/server stop

test: ui ## Run every test, with real PostgreSQL, S3 and MLflow clients
	@scripts/setup --test
	swift build $(swift_flags) --build-tests
	scripts/services run swift test --skip-build --disable-xctest --experimental-maximum-parallelization-width 4 $(swift_flags)
	$(MAKE) python
	SLIPWAY_BINARY=$$PWD/$(debug) scripts/services run $(venv)/python -m pytest -q Tests/clients python/tests $(wildcard examples/*/tests)
	SLIPWAY_BINARY=$$PWD/$(debug) $(venv)/python -m pytest -q ui/tests

build: setup ui ## Build for debugging: .build/debug/slipway
	swift build $(swift_flags)

ui: ui/dist/app.pack ## Check, test and bundle the web application: ui/dist/app.pack (nothing when nothing changed)

ui/dist/app.pack: $(ui_sources)
	@scripts/setup --ui
	cd ui && $(deno) check src
	cd ui && $(deno) lint --quiet
	cd ui && $(deno) test --quiet --parallel --permit-no-files --allow-read=. src
	cd ui/build && $(deno) check build.ts
	$(deno) run --quiet --no-remote --allow-read=. --allow-write=ui/dist --allow-run=.slipway/ui/esbuild ui/build/build.ts
	@touch Sources/CWebApplication/CWebApplication.c

python: ## Check the types of the Python client and build its wheel: python/dist/
	@scripts/setup --python
	cd python && ../$(python_venv)/mypy
	rm -rf python/dist
	$(python_venv)/python -m build --wheel --no-isolation --outdir python/dist python > /dev/null
	@ls python/dist/*.whl

bench: release ## Measure Slipway beside mlflow, ONNX Runtime, duckdb and dvc; prints tables (about 20 minutes)
	@scripts/setup --bench
	bench/run --binary $(release) $(ARGUMENTS)

format: ## Rewrite the Swift code and the web application in the house's format
	swift format --in-place --recursive --parallel $(swift_folders)
	@scripts/setup --ui
	cd ui && $(deno) fmt --quiet
	cd ui/build && $(deno) fmt --quiet

lint: ## Check format, layers and sizes, and that these checks can fail (seconds)
	@scripts/setup --test
	swift format lint --strict --recursive --parallel $(swift_folders)
	@scripts/setup --ui
	cd ui && $(deno) fmt --check --quiet
	cd ui/build && $(deno) fmt --check --quiet && $(deno) lint --quiet
	scripts/check-layers
	scripts/check-sizes
	$(venv)/python -m pytest -q scripts/tests

check: lint test ## All that CI checks

clean: ## Remove what was built; keeps .slipway/ (libraries, Python, the data of `make run`)
	rm -rf .build .build-release python/dist ui/dist

setup: ## Install what building and running need (apt and PyPI, pinned)
	@scripts/setup

release: .build-release/stamp ## Build the optimised binary: .build-release/release/slipway

# A stamp, because SwiftPM leaves the binary's time alone when nothing that it links has changed.
.build-release/stamp: $(sources) ui/dist/app.pack | setup
	swift build -c release --scratch-path .build-release --product slipway $(swift_flags)
	@touch $@
