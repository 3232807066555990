# The fleet simulator: real discovery, pacing, signing and retries, a clock that jumps.

FLEET_OBJECTS := $(call object,$(sort $(wildcard tests/fleet/*.cc)))
-include $(FLEET_OBJECTS:.o=.d)

$(BUILD)/fleet: $(FLEET_OBJECTS) $(LIBRARY)
	@echo "  link   $@"
	@$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: fleet
fleet: deps-build ## Play fleets of up to 10,000 kites against one account's limits
	@$(MAKE) --no-print-directory -j$(JOBS) build/release/fleet
	@$(PYTHON) tests/fleet/fleet.py
