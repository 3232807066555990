# Benches: the kite beside HAProxy and nginx, measured on this machine in one run.

.PHONY: deps-bench
deps-bench:
	@third_party/debian/install third_party/debian/build.txt third_party/debian/bench.txt
