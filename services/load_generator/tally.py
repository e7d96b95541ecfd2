"""Counts of one stage: the answers, by kind and by second, and how the generators kept up."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from services.load_generator.frames import Outcome
from services.load_generator.histogram import Histogram
from services.load_generator.kinds import KINDS
from services.load_generator.ledger import Ledger
from services.load_generator.plan import Step

_OK = range(200, 300)
_SETTLING = 1.0
"""Seconds after the start that are not held against a generator: its first connections are opened."""


class Tally:
    """Takes every outcome of a stage.

    Args:
        steps: The plan; outcomes name its steps by their index.
        ledger: Learns what was acknowledged.
        start: When it began, on the monotonic clock.
    """

    def __init__(self, steps: Sequence[Step], ledger: Ledger, start: float) -> None:
        self._steps, self._ledger, self._start = steps, ledger, start
        self.answers: dict[str, Counter[int]] = defaultdict(Counter)
        self.accept = Histogram()
        self.late = Histogram()
        self.sent = self.errors = self.accepted = 0
        self.last = start
        self._recent = Histogram()
        self._recent_sent = 0

    def record(self, outcome: Outcome) -> Step:
        """Count one outcome and return its step."""
        step = self._steps[outcome.index]
        self.sent += 1
        self._recent_sent += 1
        self.answers[step.kind][outcome.status] += 1
        if outcome.scheduled - self._start > _SETTLING:
            self.late.record(outcome.late)
        self.last = max(self.last, outcome.scheduled + outcome.late)
        if outcome.status:
            self.accept.record(outcome.seconds)
            self._recent.record(outcome.seconds)
        if outcome.status in _OK:
            self.accepted += 1
            self._ledger.acknowledge(step.activity_id)
        elif KINDS[step.kind].answer == "2xx":
            self.errors += 1
        return step

    def recent(self) -> tuple[int, Histogram]:
        """Return how many were sent, and the latencies, since the last call."""
        taken = self._recent_sent, self._recent
        self._recent_sent, self._recent = 0, Histogram()
        return taken
