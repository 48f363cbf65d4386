"""Benchmarks: each measures the product next to a reference in the same run, prints the result and changes nothing."""
