"""Pure parts of the database layer."""
