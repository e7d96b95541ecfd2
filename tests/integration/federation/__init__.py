"""What other servers and people read from the gateway."""
