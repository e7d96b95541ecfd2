"""One line of the ledger: what was asked for, what came of it, and what that counts as."""

from collections.abc import Sequence
from typing import Literal

Owed = Literal["once", "none", "any"]


class Line:
    """One line.

    Args:
        owed: What has to come of it once it is acknowledged.
        group: Effects of one group have to come in the order of `order`.
        order: The place in the group.
        since: When it was scheduled.
    """

    __slots__ = (
        "acknowledged",
        "awaited",
        "effects",
        "first",
        "group",
        "order",
        "owed",
        "refused",
        "since",
        "timed",
        "waiting",
    )

    def __init__(self, owed: Owed, group: str, order: float, since: float) -> None:
        self.owed, self.group, self.order, self.since = owed, group, order, since
        self.timed = self.awaited = True
        self.acknowledged = False
        self.waiting = False
        self.refused = ""
        self.effects = 0
        self.first = 0.0

    def sorts(self, late_after: float) -> list[str]:
        """Return the sums of the account that this one belongs to."""
        if self.owed == "none":
            return ["forged"] if self.effects else []
        found = []
        if self.effects:
            found.append("settled")
            if self.effects > 1:
                found.append("doubled")
            if not self.acknowledged:
                found.append("unasked")
            if self.timed and self.first - self.since > late_after:
                found.append("late")
        if self.owed == "once" and self.acknowledged:
            found.append("owed")
            if not self.effects:
                found.append("refused" if self.refused else "waiting" if self.waiting else "lost")
        return found


def overtaken(members: Sequence[tuple[float, float, str]]) -> list[str]:
    """Return those whose effect came before that of an earlier one."""
    found, latest = [], float("-inf")
    for _, seen, key in sorted(members):
        if seen < latest:
            found.append(key)
        latest = max(latest, seen)
    return found
