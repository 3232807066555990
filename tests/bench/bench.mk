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
.PHONY: bench-readme
bench-readme: ## Put the table that `make bench` made last into README.md
	@$(PYTHON) tests/bench/speed_readme.py

# The load program: traffic, and what it costs a proxy. It shares only src/sys with the product.
LOAD_OBJECTS := $(call object,$(sort $(wildcard tests/bench/load/*.cc src/sys/*.cc)))
-include $(LOAD_OBJECTS:.o=.d)

$(BUILD)/load: $(LOAD_OBJECTS)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^

.PHONY: bench-admin
bench-admin: static ## Measure what hostile clients of the admin address cost the others
	@$(MAKE) --no-print-directory -j$(JOBS) build/release/load
	@$(PYTHON) tests/bench/hostile_admin.py

.PHONY: bench-footprint
bench-footprint: static deps-bench ## Measure size, start and memory beside HAProxy and nginx
	@$(MAKE) --no-print-directory -j$(JOBS) $(STATIC)/hurried-kite
	@$(PYTHON) tests/bench/footprint.py
.PHONY: bench-footprint-readme
bench-footprint-readme:
	@$(PYTHON) tests/bench/footprint.py --readme
