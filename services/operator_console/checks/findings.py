"""What a check says."""

from enum import Enum

from msgspec import Struct


class Verdict(Enum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(Struct, frozen=True):
    """One thing that was looked at, and a sentence about it."""

    check: str
    verdict: Verdict
    text: str


def ok(check: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(check, Verdict.OK, text)


def warning(check: str, text: str) -> Finding:
    """Return what an operator should know, though the site works."""
    return Finding(check, Verdict.WARNING, text)


def failed(check: str, text: str) -> Finding:
    """Return what keeps the site from working."""
    return Finding(check, Verdict.FAILED, text)
