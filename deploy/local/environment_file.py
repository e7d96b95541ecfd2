"""Environment files that a shell can source: `set -a; . .local/loom.env`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

_ASSIGNMENT = re.compile(r"^(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)$")


def parse(text: str) -> dict[str, str]:
    """Read assignments as a shell would; comments and blank lines are skipped.

    Raises:
        ValueError: a quote stays open.
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        if match := _ASSIGNMENT.match(line.strip()):
            values[match["name"]] = "".join(shlex.split(match["value"], comments=True)[:1])
    return values


def render(values: Mapping[str, str], heading: str) -> str:
    """Write assignments, each value quoted where a shell needs it."""
    lines = [f"# {line}" for line in heading.splitlines()]
    return "\n".join([*lines, *(f"{name}={shlex.quote(value)}" for name, value in values.items())]) + "\n"


def settle(file: Path, ours: Mapping[str, str], first: Mapping[str, str], heading: str) -> dict[str, str]:
    """Bring a file up to date and return its values.

    Args:
        file: Written for its owner alone: it holds secrets.
        ours: Always as given here.
        first: Written once; later edits by people are kept, as are their additions.
        heading: The comment at the top.
    """
    kept = parse(file.read_text()) if file.exists() else {}
    values = {**ours, **first, **kept, **ours}
    text = render(values, heading)
    if not file.exists() or file.read_text() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(text)
    return values
