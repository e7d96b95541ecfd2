"""Makes what tests need."""
