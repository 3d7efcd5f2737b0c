"""Benchmarks of the library, run from a checkout: `python -m benchmarks.<name>`."""
