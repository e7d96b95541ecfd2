"""The gateway as its clients meet it: over HTTP, through Mastodon.py, on a real database."""
