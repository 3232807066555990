# The torture suite: what a proxy must survive. KITE_TORTURE_SCALE multiplies its amounts, 0 is what
# runs with every test; KITE_TORTURE_SEED repeats a run.

KITE_TORTURE_SCALE ?= 1
KITE_SOAK_SECONDS ?= 3600
TORTURE = $(PYTHON) -m pytest -q -p no:cacheprovider --tb=short -rs
TORTURE_PROGRAM := build/static/ecs-task-kite
KITE_BINARY ?= $(TORTURE_PROGRAM)

.PHONY: torture torture-short torture-peers torture-peers-readme soak torture-program
torture: torture-program ## Torture the program at length (about half an hour)
	@KITE_BINARY=$(KITE_BINARY) KITE_TORTURE_SCALE=$(KITE_TORTURE_SCALE) $(TORTURE) tests/torture
torture-short: torture-program ## The same in under a minute
	@KITE_BINARY=$(KITE_BINARY) KITE_TORTURE_SCALE=0 $(TORTURE) tests/torture
torture-peers: deps-bench torture-program ## The same rows on HAProxy and nginx, as a table
	@KITE_BINARY=$(KITE_BINARY) $(PYTHON) tests/torture/peers.py
torture-peers-readme: ## Put the table that `make torture-peers` made last into README.md
	@$(PYTHON) tests/torture/peers.py --readme
soak: torture-program ## An hour (KITE_SOAK_SECONDS) of mixed traffic
	@KITE_BINARY=$(KITE_BINARY) KITE_TORTURE_SCALE=$(KITE_TORTURE_SCALE) \
	  KITE_SOAK_SECONDS=$(KITE_SOAK_SECONDS) \
	  $(TORTURE) tests/torture/test_soak.py
torture-program: # a program that is named is not built
	@$(if $(filter $(TORTURE_PROGRAM),$(KITE_BINARY)),$(MAKE) --no-print-directory static,true)
