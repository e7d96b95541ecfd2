"""What a piece of work costs in CPU, told so that a busy machine does not change the answer."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Final

from shared.protocol.errors import Rejected

BOUND: Final = 0.05
"""Seconds of CPU that no input may cost."""

_REPEATS: Final = 3
_YARDSTICK: Final = json.dumps([{"a": number, "b": [0.5, "x" * 20]} for number in range(2000)])
_AT_REST: Final = 0.0012
"""Seconds of CPU that reading the yardstick takes where nothing else runs on the same core."""


def cost_of(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this thread in the cheapest of some runs; Rejected is an answer, too.

    Cores that are shared do less in a second of CPU. So what seems too expensive is compared with a piece of
    work of known cost, done at the same moment.
    """
    cheapest = min(_timed(work) for _ in range(_REPEATS))
    if cheapest < BOUND:
        return cheapest
    for _ in range(_REPEATS):
        slowness = max(_timed(_read_yardstick) / _AT_REST, 1.0)
        cheapest = min(cheapest, _timed(work) / slowness)
    return cheapest


def _timed(work: Callable[[], object]) -> float:
    begin = time.thread_time()
    with contextlib.suppress(Rejected):
        work()
    return time.thread_time() - begin


def _read_yardstick() -> None:
    json.loads(_YARDSTICK)
