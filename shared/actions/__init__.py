"""Layer 5: what people here do, in the caller's transaction: state and outbox rows."""
