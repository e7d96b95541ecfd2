"""Layer 4: the one guarded HTTP client."""
