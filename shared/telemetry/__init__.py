"""Layer 3: logging and metrics."""
