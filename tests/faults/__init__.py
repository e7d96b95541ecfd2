"""Kill what is running; count what is left."""
