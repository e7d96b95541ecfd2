"""With a real broker and a real Postgres."""
