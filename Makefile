# SPDX-License-Identifier: LGPL-2.1-or-later
# The few commands of the project; CMake and Ninja do the work. BUILD= names the build tree.
BUILD ?= build
PRESET ?= release
JOBS ?= $(shell nproc)
DESTDIR ?=
VIV := $(BUILD)/bin/viv
GUESTS := $(BUILD)/guests

.PHONY: all build deps-% run test test-extended test-asan test-tsan bench lint docs fuzz fuzz-campaign install clean

all: deps-build build

build:
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET) -B $(BUILD)
	@cmake --build $(BUILD) -j $(JOBS)

deps-%:
	@scripts/install-deps.sh $*

# Debian's amd64 kernel with a busybox shell, in this terminal. Ctrl-A x leaves.
run: deps-build deps-run build
	@tests/guests/run.sh $(BUILD)

test: deps-build deps-run deps-test build
	@tests/guests/fetch.sh $(GUESTS) || echo "guests cannot be fetched: their tests are skipped"
	@cd $(BUILD) && ctest --output-on-failure -j $(JOBS) -LE extended

test-extended: deps-build deps-run deps-test build
	@tests/guests/fetch.sh $(GUESTS)
	@cd $(BUILD) && ctest --output-on-failure -j $(JOBS)

# The unit tests under sanitizers. GLib's slices would hide the order of threads.
test-asan test-tsan: test-%: deps-build deps-run deps-test
	@cmake --preset $* >/dev/null && cmake --build build/$* -j $(JOBS)
	@cd build/$* && G_SLICE=always-malloc ctest --output-on-failure -j $(JOBS) -L unit --timeout 600

bench: deps-build deps-run deps-bench build
	@tests/bench/run.sh $(BUILD)

lint: deps-build deps-lint build
	@scripts/lint.sh $(BUILD)

# The generated parts of docs/devices.
docs: deps-build build
	@scripts/device-docs.sh $(BUILD)

# Every target for a while; TARGET=native_interpreter: that one until it is stopped or finds something.
fuzz: deps-build deps-fuzz
	@cmake --preset fuzz >/dev/null && cmake --build build/fuzz -j $(JOBS)
	@tests/fuzz/smoke.sh build/fuzz $(TARGET)

# Seeded operations against every device under sanitizers; DEVICE=piix3ide OPS=1000000 SEED=7: see tests/fuzz/README.md.
fuzz-campaign: deps-build deps-test
	@cmake --preset asan >/dev/null && cmake --build build/asan -j $(JOBS)
	@tests/fuzz/campaign.sh build/asan $(or $(DEVICE),all) $(or $(OPS),100000000) $(or $(SEED),1)

install: deps-build build
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)

clean:
	@rm -rf $(BUILD)
