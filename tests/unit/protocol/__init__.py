"""Identifiers, the reader, the writer, texts."""
