"""The pure parts of the guarded client."""
