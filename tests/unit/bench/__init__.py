"""How the benchmarks judge themselves."""
