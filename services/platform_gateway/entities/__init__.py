"""What the client API answers with: the JSON entities of Mastodon's API, one file per family."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """Return a time as the API writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def midnight(moment: datetime) -> str:
    """Return the day of a time, as the API writes the birth of an account."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT00:00:00.000Z")
