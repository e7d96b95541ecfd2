"""Progress lines, each with the seconds since the start. Standard library only."""

from __future__ import annotations

import sys
import threading
import time

_started = time.monotonic()
_lock = threading.Lock()


def say(line: str) -> None:
    """Print one line of progress. Safe from several threads."""
    with _lock:
        print(f"[{time.monotonic() - _started:5.1f} s] {line}", file=sys.stderr, flush=True)
