"""Layer 4: migrations, the pool, one file of queries per table group."""
