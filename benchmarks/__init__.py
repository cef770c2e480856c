"""Measurements that `docs/benchmarks.md` keeps. `make bench` runs them all, `make bench ARGS="bucket import"` some."""
