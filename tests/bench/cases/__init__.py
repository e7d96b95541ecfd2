"""The cases of `make bench`: one file each, which names its `CASE`; a new case takes a new file alone."""
