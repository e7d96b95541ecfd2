"""The verifier, entered through its queues."""
