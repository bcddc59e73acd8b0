# Every target works from a fresh clone: what it needs is installed into .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BUILD_INPUTS := pyproject.toml CMakeLists.txt constraints.txt \
	$(shell find cpp -path cpp/tests -prune -o -name '*.[ch]pp' -print)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help setup train test test-cpp lint types bench bench-check bench-peers clean

help:
	@echo "make train        learn CarRacing-v3 on this machine; leaves a run folder under runs/"
	@echo "make test         run the tests"
	@echo "make test-cpp     build and run the C++ tests, plain and under the sanitizers"
	@echo "make lint types   check style and types"
	@echo "make bench        time everything with pytest-benchmark"
	@echo "make bench-check  hold speed against the committed ratios"
	@echo "make bench-peers  time other libraries at the same work (installs them: several GB)"
	@echo "make setup        only install into .venv"
	@echo "make clean        remove .venv and build folders"

setup: $(READY)

$(READY): $(BUILD_INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "apexline needs Python 3.11 or newer: install it and run make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "apexline needs Python's venv module: install it (Debian: apt install python3-venv)" >&2; exit 1; }
	@command -v "$${CXX:-c++}" >/dev/null || { \
	  echo "apexline needs a C++20 compiler: install one (Debian: apt install g++; macOS: xcode-select --install)" >&2; \
	  exit 1; }
	@echo "installing apexline into $(VENV) (torch is large; the first time takes minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) scikit-build-core pybind11 cmake ninja
	@$(INSTALL) --no-build-isolation --config-settings=cmake.define.APEXLINE_TEST_BINDINGS=ON --editable '.[train,dev]'
	@touch $@

train: $(READY)
	$(BIN)/apexline train $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

test-cpp: $(READY)
	@set -e; export PATH="$(CURDIR)/$(BIN):$$PATH"; for preset in ci asan tsan; do \
	  cmake --preset $$preset >/dev/null; cmake --build --preset $$preset; ctest --preset $$preset; done

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy
	$(BIN)/stubtest apexline._core --concise --allowlist tests/stubtest_allowed.txt

bench: $(READY)
	$(BIN)/python -m pytest benchmarks $(ARGS)

bench-check: $(READY)
	$(BIN)/python -m benchmarks.ratios.check $(ARGS)

bench-peers: $(READY)
	$(BIN)/python -m benchmarks.peers.run $(ARGS)

clean:
	rm -rf $(VENV) build
