"""The timeline builder, entered through `apply_batch` and through the broker."""
