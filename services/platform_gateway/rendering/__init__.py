"""Rows into entities: whole lists at a time, so that a longer list costs no more queries."""
