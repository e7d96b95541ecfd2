"""Two whole sites."""
