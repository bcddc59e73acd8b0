# Every target works from a fresh clone: dependencies are installed into .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OLDEST := build/oldest
BUILD_INPUTS := pyproject.toml CMakeLists.txt $(wildcard requirements/*.txt) \
	$(shell find cpp -path cpp/tests -prune -o -name '*.[ch]pp' -print)
LOCKED := requirements/locked.txt
PIP_AUDIT := pip-audit@2.10.1
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The CPU build of torch if pip is configured to find it (an index or a folder of wheels), else that of PyPI.
TORCH = $$($(INSTALL) --dry-run --no-deps --require-hashes --requirement requirements/torch-cpu.txt >/dev/null 2>&1 && \
	echo requirements/torch-cpu.txt || echo requirements/torch.txt)
WITH_BIN := export PATH="$(CURDIR)/$(BIN):$$PATH";
JOBS := $(shell getconf _NPROCESSORS_ONLN)

.PHONY: help setup lock audit train test test-oldest test-cpp lint types bench bench-check bench-peers clean

help:
	@echo "make train        train on this machine; writes a run folder under runs/"
	@echo "make test         run the Python tests"
	@echo "make test-oldest  run the tests of the game and the command line with the oldest supported dependencies"
	@echo "make test-cpp     build and run the C++ tests: plain, with address and UB sanitizers, with thread sanitizer"
	@echo "make lint         check style: ruff, clang-format, clang-tidy"
	@echo "make types        check types: mypy over package, tests, benchmarks and examples; stubtest over the compiled modules"
	@echo "make bench        run the benchmarks with pytest-benchmark"
	@echo "make bench-check  compare speed with the committed ratios"
	@echo "make bench-peers  benchmark other libraries at the same work (downloads several GB)"
	@echo "make setup        install the package and all dependencies into .venv; every file is compared with its hash"
	@echo "make lock         write requirements/*.txt from constraints.txt and pyproject.toml"
	@echo "make audit        list known vulnerabilities of the locked dependencies (queries PyPI)"
	@echo "make clean        remove .venv and the build folders"
	@echo 'Arguments: make test ARGS="-x tests/unit"'

setup: $(READY)

$(READY): $(BUILD_INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "apexline needs Python 3.11 or newer: install it and run make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "apexline needs Python's venv module: install it (Debian: apt install python3-venv)" >&2; exit 1; }
	@command -v "$${CXX:-c++}" >/dev/null || { \
	  echo "apexline needs a C++20 compiler: install one (Debian: apt install g++; macOS: xcode-select --install)" >&2; \
	  exit 1; }
	@echo "installing apexline into $(VENV) (downloads torch; takes minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes --requirement $(LOCKED) --requirement "$(TORCH)"
	@$(INSTALL) --no-deps --no-build-isolation --config-settings=cmake.define.APEXLINE_TEST_BINDINGS=ON --editable .
	@$(BIN)/python -m pip check
	@touch $@

lock: $(READY)
	@$(WITH_BIN) python requirements/lock.py

# --strict: a package that could not be looked up is an error.
audit: $(READY)
	@$(WITH_BIN) uvx $(PIP_AUDIT) --strict --disable-pip --require-hashes \
	  --requirement $(LOCKED) --requirement requirements/torch.txt $(ARGS)

train: $(READY)
	$(BIN)/apexline train $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

# gymnasium 1.1.1 is the bound of the extra racing; the extra train needs a newer one.
test-oldest: $(READY)
	@rm -rf build/wheel $(OLDEST)
	@$(WITH_BIN) python -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps \
	  --wheel-dir build/wheel .
	@$(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-oldest.txt \
	  "$$(echo build/wheel/apexline-*.whl)[train]" pytest hypothesis
	$(OLDEST)/bin/python -m pytest tests/integration/test_cli.py tests/unit/test_training_*.py
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gymnasium==1.1.1
	$(OLDEST)/bin/python -m pytest tests/unit/test_racing_*.py

test-cpp: $(READY)
	@set -e; $(WITH_BIN) for preset in ci asan tsan; do \
	  cmake --preset $$preset >/dev/null; cmake --build --preset $$preset; ctest --preset $$preset; done

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find cpp -name '*.[ch]pp' | xargs $(BIN)/clang-format --dry-run --Werror
	@$(WITH_BIN) cmake --preset ci >/dev/null
	find cpp/support cpp/replay cpp/racing -name '*.cpp' | xargs -P $(JOBS) -n 1 $(BIN)/clang-tidy --quiet -p build/ci

types: $(READY)
	$(BIN)/mypy
	$(BIN)/stubtest apexline._core apexline._core_testing --concise --allowlist tests/stubtest_allowed.txt

bench: $(READY)
	$(BIN)/python -m pytest benchmarks $(ARGS)

bench-check: $(READY)
	$(BIN)/python -m benchmarks.ratios.check $(ARGS)

bench-peers: $(READY)
	$(BIN)/python -m benchmarks.peers.run $(ARGS)

clean:
	rm -rf $(VENV) build
