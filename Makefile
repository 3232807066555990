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

PACKAGES := libcurl libcares libcrypto expat
# -iquote, not -I: src/sys/socket.h must not hide the system's <sys/socket.h>.
CPPFLAGS := -iquote src -iquote . -DKITE_VERSION='"$(VERSION)"' -D_GLIBCXX_ASSERTIONS
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Werror
CXXFLAGS := -std=c++20 -g $(WARNINGS) -fstack-protector-strong -fno-plt -pthread
LDFLAGS := -Wl,-z,relro,-z,now
ifeq ($(MODE),asan)
CXXFLAGS += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
else ifeq ($(MODE),release)
CXXFLAGS += -O2
CPPFLAGS += -D_FORTIFY_SOURCE=2
else ifeq ($(MODE),debug)
CXXFLAGS += -Og
else
$(error MODE must be release, debug or asan, not "$(MODE)")
endif
LIBS = $(shell pkg-config --libs $(PACKAGES))

PROGRAM_SOURCES := src/main.cc
LIBRARY_SOURCES := $(sort $(wildcard src/*/*.cc))
TEST_SOURCES := tests/main.cc $(sort $(wildcard tests/support/*.cc tests/*/*_test.cc))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/*_fuzz.cc))

object = $(patsubst %.cc,$(BUILD)/%.o,$(1))
LIBRARY := $(BUILD)/libkite.a
ALL_OBJECTS := $(call object,$(PROGRAM_SOURCES) $(LIBRARY_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES))

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.PHONY: all
all: build/ecs-task-kite ## Build the program at build/ecs-task-kite

build/ecs-task-kite: $(BUILD)/ecs-task-kite
	@cp $< $@

$(BUILD)/ecs-task-kite: $(call object,$(PROGRAM_SOURCES)) $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/unit-tests: $(call object,$(TEST_SOURCES)) $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(LIBRARY): $(call object,$(LIBRARY_SOURCES))
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/%.o: %.cc $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  c++    $<"
	@$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

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
