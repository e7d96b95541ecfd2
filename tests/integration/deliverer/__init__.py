"""The deliverer, entered through its queues."""
