"""What a fault test measured: printed at the end of `make faults`, and kept as JSON in `.local/faults/`."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from deploy.local.paths import LOCAL

FOLDER: Final = LOCAL / "faults"
PROPERTY: Final = "fault figures"

TARGETS: Final = {"service": 30.0, "broker": 30.0, "broker leader": 5.0, "database": 30.0}
"""Seconds in which each part is back, by promise."""


class Recovery(Struct, frozen=True, kw_only=True):
    """How long the slowest of several recoveries of one part took, in seconds, and which it was."""

    part: str
    seconds: float
    times: int = 1
    which: str = ""

    @property
    def target(self) -> float:
        """Seconds promised."""
        return TARGETS[self.part]


class Figures(Struct, kw_only=True):
    """The figures of one test; `counts` are ids sent, refusals seen, redeliveries and the like."""

    test: str
    counts: dict[str, int | float | str] = field(default_factory=dict)
    recoveries: dict[str, Recovery] = field(default_factory=dict)

    def note(self, **counts: float | str) -> None:
        """Keep these, by name; a later one replaces an earlier one."""
        self.counts.update({name.replace("_", " "): count for name, count in counts.items()})

    def recovered(self, part: str, seconds: float, which: str = "") -> None:
        """Keep how long a part took to come back; of several times the slowest, and which one that was."""
        before = self.recoveries.get(part, Recovery(part=part, seconds=0.0, times=0))
        slowest, which = max((before.seconds, before.which), (round(seconds, 2), which))
        self.recoveries[part] = Recovery(part=part, seconds=slowest, times=before.times + 1, which=which)

    @contextlib.contextmanager
    def recovery(self, part: str) -> Iterator[None]:
        """Measure what happens until a part is back."""
        begun = time.monotonic()
        yield
        self.recovered(part, time.monotonic() - begun)

    def late(self) -> list[str]:
        """Return what took longer than promised; the long forms are held to it."""
        return [
            f"{one.part}: {one.seconds} s" for one in self.recoveries.values() if one.seconds > one.target
        ]

    def lines(self) -> list[str]:
        """Return what to print."""
        counted = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        back = [
            f"{one.part} back after {one.seconds:g} s"
            + (f" (slowest of {one.times}{one.which and f': {one.which}'})" if one.times > 1 else "")
            + f", promised {one.target:g} s"
            for one in self.recoveries.values()
        ]
        return [self.test, *(f"    {line}" for line in (counted, *back) if line)]
