"""Layer 2, pure: values in, a decision out."""
