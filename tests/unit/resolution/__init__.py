"""The pure parts of resolution."""
