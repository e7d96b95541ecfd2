"""Layer 4: topology as data, a confirmed publisher, a batch consumer."""
