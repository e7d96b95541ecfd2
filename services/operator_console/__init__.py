"""Operators look here: a web page and a command line."""
