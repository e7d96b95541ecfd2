"""Runs of the load generator against targets that do right, and targets that do wrong on purpose."""
