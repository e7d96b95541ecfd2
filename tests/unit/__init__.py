"""The pure layers."""
