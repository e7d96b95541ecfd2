"""The queries, on a real Postgres."""
