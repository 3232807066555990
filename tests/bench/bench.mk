# Benches: the kite beside HAProxy and nginx, measured on this machine in one run.

.PHONY: deps-bench
deps-bench:
	@third_party/debian/install third_party/debian/build.txt third_party/debian/bench.txt

.PHONY: bench bench-quick
bench: deps-bench static ## Measure speed beside HAProxy and nginx (under 10 minutes)
	@$(MAKE) --no-print-directory -j$(JOBS) build/release/load
	@$(PYTHON) tests/bench/speed.py
bench-quick: deps-bench static ## The same in under 90 s: fewer workloads and rounds
	@$(MAKE) --no-print-directory -j$(JOBS) build/release/load
	@$(PYTHON) tests/bench/speed.py --quick

# The load program: traffic, and what it costs a proxy. It shares only src/sys with the product.
LOAD_OBJECTS := $(call object,$(sort $(wildcard tests/bench/load/*.cc src/sys/*.cc)))
-include $(LOAD_OBJECTS:.o=.d)

$(BUILD)/load: $(LOAD_OBJECTS)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^

# The shipped program with a faster clock: a thousand polls in seconds.
HURRIED := $(STATIC)/ecs-task-kite-hurried
HURRIED_OBJECTS := $(filter-out $(STATIC)/src/sys/clock.o,$(STATIC_OBJECTS)) \
  $(call static_object,tests/bench/hurried_clock.cc)
$(HURRIED): $(HURRIED_OBJECTS) $(STATIC_RUNTIME) $(STATIC_LIBRARY_STAMPS)
	@echo "  link   $@"
	@$(STATIC_CXX) $(STATIC_CXXFLAGS) -O2 -frandom-seed=link $(STATIC_LDFLAGS) -s \
	  -o $@ $(STATIC_RUNTIME) $(HURRIED_OBJECTS) $(STATIC_LIBS)
-include $(STATIC)/tests/bench/hurried_clock.d

.PHONY: bench-footprint
bench-footprint: static deps-bench ## Measure size, start and memory beside HAProxy and nginx
	@$(MAKE) --no-print-directory -j$(JOBS) $(HURRIED)
	@KITE_HURRIED=$(HURRIED) $(PYTHON) tests/bench/footprint.py
.PHONY: bench-footprint-readme
bench-footprint-readme:
	@$(PYTHON) tests/bench/footprint.py --readme
