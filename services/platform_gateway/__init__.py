"""People, the platform and remote readers talk here."""
