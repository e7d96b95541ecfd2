"""Where commands write, and the codes that they end with."""

import sys

from rich.console import Console

from services.load_generator.results import Report

FAILED, USAGE, INTERRUPTED = 1, 2, 130
_PIPED_WIDTH = 160


def terminal(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Return where to write; what is no terminal is wide enough for every table."""
    file = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, quiet=quiet, width=None if file.isatty() else _PIPED_WIDTH)


def code_of(report: Report) -> int:
    """Return the exit code of a run: 0 passed, 1 failed or invalid, 130 interrupted."""
    if report.verdict == "interrupted":
        return INTERRUPTED
    return 0 if report.passed else FAILED
