"""The outside world, faked: remote servers."""
