"""The pure parts of the gateway."""
