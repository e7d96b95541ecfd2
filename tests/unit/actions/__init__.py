"""The pure parts of what people do."""
