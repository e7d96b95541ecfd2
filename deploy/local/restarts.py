"""How long to wait before a program that ended is started again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
STEADY_AFTER = 60.0
"""Seconds of running after which an end counts as the first again."""


@dataclass(frozen=True, kw_only=True)
class Pause:
    """The pause before the next start, in seconds."""

    seconds: float = 0.0

    def after(self, ran_for: float) -> Pause:
        """The pause that follows when a program ended that ran for so many seconds."""
        if self.seconds == 0 or ran_for >= STEADY_AFTER:
            return Pause(seconds=FIRST_PAUSE)
        return Pause(seconds=min(self.seconds * 2, LONGEST_PAUSE))
