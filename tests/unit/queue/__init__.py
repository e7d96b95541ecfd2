"""Tests of shared.queue without servers."""
