"""Promises, each with a test that can fail."""
