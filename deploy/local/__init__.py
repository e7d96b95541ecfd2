"""What make run starts: two sites, a broker and a database of their own."""
