"""Signatures: vectors, captures, refusals."""
