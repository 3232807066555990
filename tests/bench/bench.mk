# Benches: the kite beside HAProxy and nginx, measured on this machine in one run.

.PHONY: deps-bench
deps-bench:
	@third_party/debian/install third_party/debian/build.txt third_party/debian/bench.txt

.PHONY: bench bench-quick
bench: deps-bench ## Measure speed beside HAProxy and nginx (under 10 minutes)
	@$(MAKE) --no-print-directory -j$(JOBS) build/release/load static
	@$(PYTHON) tests/bench/speed.py
bench-quick: deps-bench ## The same in under 90 s: fewer workloads and rounds
	@$(MAKE) --no-print-directory -j$(JOBS) build/release/load static
	@$(PYTHON) tests/bench/speed.py --quick

# The load program: traffic, and what it costs a proxy. It shares only src/sys with the product.
LOAD_OBJECTS := $(call object,$(sort $(wildcard tests/bench/load/*.cc src/sys/*.cc)))
-include $(LOAD_OBJECTS:.o=.d)

$(BUILD)/load: $(LOAD_OBJECTS)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^
