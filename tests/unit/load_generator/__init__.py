"""The load generator's parts, each by itself."""
