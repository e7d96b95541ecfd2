"""The pure parts of what starts a machine's local sites."""
