"""Decisions: retry, visibility, moderation."""
