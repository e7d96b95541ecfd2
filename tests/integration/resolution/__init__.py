"""Finding actors, posts and keys on fake remote servers."""
