"""Tests of shared.runtime without servers."""
