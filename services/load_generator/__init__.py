"""A simulated fediverse that puts the whole under load and audits it."""
