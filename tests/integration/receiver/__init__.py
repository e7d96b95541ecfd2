"""The inbox receiver, through its door, with a real broker and database."""
