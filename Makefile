# Every target works from a fresh clone: dependencies are installed into .venv first.
PYTHON ?= python3
PYTHONS ?= $(PYTHON)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OLDEST := build/oldest
OLDEST_TORCH ?= $(shell sed -n 's/^torch==//p' constraints-oldest.txt)
DIST := build/dist
TOOLS := build/tools
BUILD_INPUTS := pyproject.toml CMakeLists.txt $(wildcard requirements/*.txt) \
	$(shell find cpp -path cpp/tests -prune -o -name '*.[ch]pp' -print)
LOCKED := requirements/locked.txt
PIP_AUDIT := pip-audit@2.10.1
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The CPU build of torch if pip is configured to find it (an index or a folder of wheels), else that of PyPI.
TORCH = $$($(INSTALL) --dry-run --no-deps --require-hashes --requirement requirements/torch-cpu.txt >/dev/null 2>&1 && \
	echo requirements/torch-cpu.txt || echo requirements/torch.txt)
WITH_BIN := export PATH="$(CURDIR)/$(BIN):$$PATH";
UNIT := tests/unit/test_
ASAN_TESTS := $(addprefix $(UNIT),$(addsuffix .py,core_arguments core_doors core_threads public_arguments racing_hostile_states \
	racing_native_booleans replay_booleans replay_errors replay_prefetch_lifetime replay_shared_memory \
	replay_state_invalid replay_threads sum_tree_errors))
# The thread sanitizer does not support threads that a forked child starts.
TSAN_TESTS := $(addprefix $(UNIT),$(addsuffix .py,core_threads replay_prefetch_lifetime replay_threads)) \
	-k "not works_in_the_parent"
JOBS := $(shell getconf _NPROCESSORS_ONLN)

.PHONY: help setup lock audit train test test-dist test-oldest test-cpp test-asan fuzz lint types bench bench-check bench-peers soak clean

help:
	@echo "make train        train on this machine; writes a run folder under runs/"
	@echo "make test         run the Python tests"
	@echo "make test-dist    build source distribution and wheel, install them in empty environments and test them there"
	@echo "make test-oldest  run the tests of the game and the command line with the oldest supported dependencies"
	@echo "make test-cpp     build and run the C++ tests: plain, with address and UB sanitizers, with thread sanitizer"
	@echo "make test-asan    run tests of unusual arguments, states and threads on sanitized builds of the Python modules"
	@echo "make fuzz         try COUNT=100000 mutants of files, states and calls of SEED=1"
	@echo "make lint         check style: ruff, clang-format, clang-tidy; workflow files with zizmor"
	@echo "make types        check types: mypy over package, tests, benchmarks and examples; stubtest over the compiled modules"
	@echo "make bench        run the benchmarks with pytest-benchmark"
	@echo "make bench-check  compare speed with the committed ratios"
	@echo "make bench-peers  benchmark other libraries at the same work (downloads several GB)"
	@echo "make soak         train for two hours with faults; memory, open files and throughput must stay flat"
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

# uv alone, with the hash of the lock file.
$(TOOLS)/bin/uv: $(LOCKED)
	@$(PYTHON) -m venv $(TOOLS)
	@sed -n '/^uv==/,/[^\\]$$/p' $(LOCKED) > $(TOOLS)/uv.txt
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(TOOLS)/uv.txt
	@touch $@

lock: $(TOOLS)/bin/uv
	@PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" python3 requirements/lock.py

# --strict: a package that could not be looked up is an error.
audit: $(TOOLS)/bin/uv
	@$(TOOLS)/bin/uvx $(PIP_AUDIT) --strict --disable-pip --require-hashes \
	  --requirement $(LOCKED) --requirement requirements/torch.txt $(ARGS)

train: $(READY)
	$(BIN)/apexline train $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

test-dist: $(DIST)/.tested

$(DIST)/.tested: $(READY) tests/installed/run.py tests/test_minimal.py README.md $(shell find python -name '*.py*' -not -path '*/__pycache__/*')
	@$(BIN)/python tests/installed/run.py $(DIST) $(PYTHONS)
	@touch $@

# gymnasium 1.1.1 is the bound of the extra racing; the extra train needs a newer one.
test-oldest: $(DIST)/.tested
	@rm -rf $(OLDEST)
	@$(PYTHON) -m venv $(OLDEST)
	@sed '/^torch==/s/==.*/==$(OLDEST_TORCH)/' constraints-oldest.txt > $(OLDEST)/constraints.txt
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/constraints.txt \
	  "$$(echo $(DIST)/apexline-*-$$($(PYTHON) -c 'import sys; print("cp%d%d" % sys.version_info[:2])')-*.whl)[train]" \
	  pytest hypothesis
	$(OLDEST)/bin/python -m pytest tests/integration/test_cli.py tests/unit/test_training_*.py
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gymnasium==1.1.1
	$(OLDEST)/bin/python -m pytest tests/unit/test_racing_*.py

test-cpp: $(READY)
	@set -e; $(WITH_BIN) for preset in ci asan-python tsan-python; do \
	  cmake --preset $$preset >/dev/null; cmake --build --preset $$preset; ctest --preset $$preset; done

# What unusual arguments, states and files, and threads reach, on Python modules that are built with a sanitizer.
test-asan: $(READY)
	@$(WITH_BIN) python -m tests.sanitized asan-python -m pytest -p no:cacheprovider $(or $(ARGS),$(ASAN_TESTS))
	@$(WITH_BIN) python -m tests.sanitized tsan-python -m pytest -p no:cacheprovider $(or $(ARGS),$(TSAN_TESTS))

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --seed $(or $(SEED),1) --count $(or $(COUNT),100000) $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --quiet --strict-collection --min-severity=medium .github
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

soak: $(READY)
	$(BIN)/python -m benchmarks.soak.run $(ARGS)

clean:
	rm -rf $(VENV) build
