"""Layer 5: find a remote actor or object, check it, store it."""
