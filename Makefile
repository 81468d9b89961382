# Every target sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
INVENTORY ?= examples/seed/inventory.yaml
NODE ?= nfv1
OUT ?= build/$(NODE)
# Tests run side by side; a twin wants up to 6 GiB of memory, and most of a core.
JOBS ?= 2

.PHONY: help setup setup-test image verify test unit lint format golden schema lock fuzz bench clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The script is quick when nothing is missing, so it runs every time.
setup: ## Install the Debian packages and the Python environment
	@scripts/setup $(VENV)

setup-test: ## The same, and what the integration tests drive
	@scripts/setup $(VENV) test

image: setup ## Build the image of NODE in INVENTORY (default: the seed) and verify it, BIOS and UEFI
	$(SUDO) $(BIN)/rackwright image $(INVENTORY) --host $(NODE) -o $(OUT)
	$(SUDO) $(BIN)/rackwright verify $(OUT)/manifest.json $(INVENTORY) --host $(NODE) --firmware bios -o $(OUT)/verify-bios
	$(SUDO) $(BIN)/rackwright verify $(OUT)/manifest.json $(INVENTORY) --host $(NODE) --firmware uefi -o $(OUT)/verify-uefi
	@echo "image of $(NODE): $(OUT) (reports in $(OUT)/verify-bios and $(OUT)/verify-uefi)"

test: setup-test ## Run every test: lint, unit, golden, integration, and the boot of a real image
	$(SUDO) $(BIN)/pytest -m "" --no-skips -n $(JOBS) --dist loadscope --no-loadscope-reorder $(ARGS)

unit: setup ## Run the tests that need neither root nor QEMU
	$(BIN)/pytest $(ARGS)

lint: setup ## Run the linters (they are part of `make test` too)
	$(BIN)/pytest tests/test_linters.py tests/test_architecture.py $(ARGS)

format: setup ## Format the Python code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: setup ## Rewrite the expected trees and messages; read the diff before you commit it
	$(BIN)/pytest --update-golden tests/golden tests/errors

schema: setup ## Write schema/inventory.json and docs/reference from the model and the registries
	$(BIN)/python -m builder.model.schema --write
	$(BIN)/python scripts/reference.py --write

lock: setup ## Resolve pyproject.toml into requirements.lock (hashes, no addresses)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --extra test --extra build pyproject.toml -o requirements.lock

fuzz: setup ## Drive COUNT fuzzed inventories through everything that is pure
	$(BIN)/python -m tests.fuzz.run $(or $(COUNT),100000)

bench: setup ## Measure what docs/measurements.md states
	$(SUDO) apt-get install -q -y --no-install-recommends debootstrap gdisk kpartx genisoimage
	$(BIN)/python bench/start.py
	$(SUDO) $(BIN)/python bench/rootfs.py $(OUT)/bench
	$(SUDO) $(BIN)/python bench/image.py $(OUT)/bench
	$(BIN)/python -m pip install --quiet ansible-core
	$(BIN)/python bench/render.py $(OUT)/bench-render
	$(BIN)/python bench/cloud_init.py $(OUT)/bench-cloud-init

clean: ## Remove what the targets made here (not the package cache)
	rm -rf build $(VENV)
