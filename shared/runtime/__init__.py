"""Layer 5: settings, lifecycle, health."""
