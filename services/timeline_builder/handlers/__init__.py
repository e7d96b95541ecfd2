"""One file per kind of activity, or per group that belongs together."""
