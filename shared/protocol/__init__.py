"""Layer 1, pure: identifiers, activities, messages, and the only reader and writer of wire names."""
