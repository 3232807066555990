# One non-recursive Makefile. Objects live in build/$(MODE), never beside sources; everything but
# main.cc is one archive that the program, the unit tests and the corpus replayers link.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

MODE ?= release
BUILD := build/$(MODE)
JOBS ?= $(shell nproc)
VERSION := 0.1.0
PYTHON := /usr/bin/python3
FUZZ_CXX ?= clang++

PACKAGES := libcurl libcares libssl libcrypto expat libseccomp
# -iquote, not -I: src/sys/socket.h must not hide the system's <sys/socket.h>.
CPPFLAGS := -iquote src -iquote . -DKITE_VERSION='"$(VERSION)"' -D_GLIBCXX_ASSERTIONS
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Werror
CXXFLAGS := -std=c++20 -g $(WARNINGS) -fstack-protector-strong -fno-plt -pthread
LDFLAGS := -Wl,-z,relro,-z,now
ifeq ($(MODE),asan)
# Without vptr: that check reads memory through a pipe of its own, and takes the want of descriptors,
# which is tested on purpose, for unreadable memory. ASan sees what it would.
CXXFLAGS += -O1 -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all \
  -fno-omit-frame-pointer
TEST_CXXFLAGS := -O0
LDFLAGS += -fsanitize=address,undefined
else ifeq ($(MODE),release)
CXXFLAGS += -O2
CPPFLAGS += -D_FORTIFY_SOURCE=2
else ifeq ($(MODE),debug)
CXXFLAGS += -Og
else ifeq ($(MODE),fuzz)
CXX := $(FUZZ_CXX)
CXXFLAGS := -std=c++20 -g -O1 -fsized-deallocation -fsanitize=fuzzer-no-link,address,undefined \
  -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS := -fsanitize=fuzzer,address,undefined
else
$(error MODE must be release, debug, asan or fuzz, not "$(MODE)")
endif
LIBS = $(shell pkg-config --libs $(PACKAGES))

PROGRAM_SOURCES := src/main.cc
LIBRARY_SOURCES := $(sort $(wildcard src/*/*.cc))
TEST_SOURCES := tests/main.cc $(sort $(wildcard tests/support/*.cc tests/*/*_test.cc)) \
                 tests/bench/load/pattern.cc tests/bench/load/measurement.cc
TRAFFIC_SOURCES := $(sort $(wildcard tests/e2e/traffic/*.cc))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/*_fuzz.cc))

object = $(patsubst %.cc,$(BUILD)/%.o,$(1))
LIBRARY := $(BUILD)/libkite.a
ALL_OBJECTS := $(call object,$(PROGRAM_SOURCES) $(LIBRARY_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES) \
                 $(TRAFFIC_SOURCES) tests/aws/sign_tool.cc tests/aws/aws_tool.cc \
                 tests/fuzz/replay_main.cc)
REPLAYERS := $(patsubst tests/fuzz/%.cc,$(BUILD)/replay/%,$(FUZZ_SOURCES))
.SECONDARY: $(ALL_OBJECTS)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.PHONY: all
all: deps-build ## Build the program at build/ecs-task-kite
	@$(MAKE) --no-print-directory -j$(JOBS) build/ecs-task-kite

.PHONY: deps deps-build deps-check deps-fuzz
deps: ## Install the Debian packages that building and testing need
	@third_party/debian/install $(addprefix third_party/debian/,build.txt static.txt test.txt)
deps-build deps-check deps-fuzz: deps-%:
	@third_party/debian/install third_party/debian/build.txt third_party/debian/$*.txt

.PHONY: test
test: deps ## Install what is missing, build, run every test
	@$(MAKE) --no-print-directory static static-test-programs
	@$(MAKE) --no-print-directory test-programs
	@$(PYTHON) tests/run.py

.PHONY: check
check: deps-check format-check test-programs ## Format, lint and every test with the sanitized program, offline
	@$(PYTHON) tests/run.py lint unit replay python e2e-asan

# The unit tests, replayers and one program carry sanitizers; the shipped program is tested beside.
.PHONY: test-programs
test-programs: | deps
	@$(MAKE) --no-print-directory -j$(JOBS) build/ecs-task-kite build/release/traffic \
	  build/release/load build/release/fleet
	@$(MAKE) --no-print-directory -j$(JOBS) MODE=asan sanitized-programs
.PHONY: sanitized-programs
sanitized-programs: $(BUILD)/unit-tests $(BUILD)/ecs-task-kite $(BUILD)/sign-tool $(BUILD)/aws-tool \
  $(REPLAYERS)

.PHONY: demo
demo: deps all ## Show the whole system at work on this machine
	@$(PYTHON) examples/local-demo/demo.py

FORMATTED = $(shell git ls-files '*.h' '*.cc')
.PHONY: format format-check
format: deps-check ## Lay out the sources as .clang-format says
	clang-format -i $(FORMATTED)
format-check: | deps-check
	@clang-format --dry-run -Werror $(FORMATTED)

# Fuzzing: make fuzz FUZZ_SECONDS=600, or FUZZ_RUNS=1000000 for so many executions of each target;
# FUZZ_TARGETS="flags json" for some of them. New findings go to the corpus by hand, made small.
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?=
FUZZ_TARGETS ?= $(FUZZ_SOURCES:tests/fuzz/%_fuzz.cc=%)
FUZZERS := $(FUZZ_TARGETS:%=$(BUILD)/%_fuzz)
.PHONY: fuzz fuzzers
fuzz: deps-fuzz ## Let clang's fuzzer explore every parser for FUZZ_SECONDS each
	@$(MAKE) --no-print-directory -j$(JOBS) MODE=fuzz fuzzers
	@for target in $(FUZZ_TARGETS); do \
	  echo "=== $$target"; \
	  corpus=build/fuzz/corpus/$$target; mkdir -p $$corpus; \
	  build/fuzz/$${target}_fuzz -print_final_stats=1 -timeout=20 -verbosity=0 \
	    -artifact_prefix=build/fuzz/$$target- \
	    $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS)) \
	    $$corpus tests/fuzz/corpus/$$target; \
	done
fuzzers: $(FUZZERS)

$(BUILD)/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARY) $(LIBS)

build/ecs-task-kite: $(BUILD)/ecs-task-kite
	@cp $< $@

$(BUILD)/ecs-task-kite: $(call object,$(PROGRAM_SOURCES)) $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/unit-tests: $(call object,$(TEST_SOURCES)) $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/sign-tool $(BUILD)/aws-tool: $(BUILD)/%-tool: $(BUILD)/tests/aws/%_tool.o $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/traffic: $(call object,$(TRAFFIC_SOURCES)) $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Drives tunnels with the peers of the unit tests.
$(BUILD)/tunnels_fuzz $(BUILD)/replay/tunnels_fuzz: $(call object,tests/support/peer.cc)

$(BUILD)/replay/%: $(BUILD)/tests/fuzz/%.o $(call object,tests/fuzz/replay_main.cc) $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARY) $(LIBS)

$(LIBRARY): $(call object,$(LIBRARY_SOURCES))
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/%.o: %.cc $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  c++    $<"
	@$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

# Tests are compiled often and run once: the optimiser's time is not worth it.
$(BUILD)/tests/%.o: private CXXFLAGS += $(TEST_CXXFLAGS)

# Changed flags rebuild everything, equal flags nothing.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CXX) $(CPPFLAGS) $(CXXFLAGS)' | cmp -s - $@ || echo '$(CXX) $(CPPFLAGS) $(CXXFLAGS)' > $@
.PHONY: FORCE
FORCE:

-include $(ALL_OBJECTS:.o=.d)

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf build

include third_party/static.mk
# Absent where the image is built, which needs no tests.
-include tests/bench/bench.mk
-include tests/fleet/fleet.mk
-include tests/torture/torture.mk
