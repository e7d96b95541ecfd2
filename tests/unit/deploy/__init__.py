"""What deploy/ promises about manifests and images."""
