"""Remote servers post here: accept, never judge."""
