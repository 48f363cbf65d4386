"""Benchmarks: each one measures this package and a reference in the same run and prints the results."""
