"""Tests of shared.telemetry without servers."""
