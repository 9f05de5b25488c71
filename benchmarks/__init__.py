"""Measures the gateway beside nginx that relays the same bytes: `python -m benchmarks`, see README.md."""
