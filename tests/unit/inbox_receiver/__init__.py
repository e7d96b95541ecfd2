"""Tests of the inbox receiver's own decisions."""
