"""Measurements, kept in `docs/benchmarks.md`. `make bench` runs all, `make bench ARGS="bucket importing"` some."""
