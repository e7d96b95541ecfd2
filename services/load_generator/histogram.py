"""Latencies in buckets that grow with the value: an error below 1 %, whatever the range, in little memory."""

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

_BUCKETS_PER_DOUBLING = 100
_SMALLEST = 1e-6


class Summary(Struct, frozen=True, kw_only=True):
    """The figures of a distribution; seconds."""

    count: int
    mean: float
    p50: float
    p90: float
    p99: float
    p999: float
    maximum: float


class Histogram:
    """Counts of seconds in logarithmic buckets; can be added up and written down.

    Args:
        counts: Bucket number to count, as `counts` of another one gives them.
    """

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})
        self.count = sum(self.counts.values())
        self.total = sum(_value(bucket) * number for bucket, number in self.counts.items())
        self.maximum = _value(max(self.counts)) if self.counts else 0.0

    def record(self, seconds: float) -> None:
        """Count one value."""
        bucket = _bucket(seconds)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.count += 1
        self.total += seconds
        self.maximum = max(self.maximum, seconds)

    def record_all(self, values: Iterable[float]) -> None:
        """Count many values."""
        for value in values:
            self.record(value)

    def percentile(self, percent: float) -> float:
        """Return the value below which this percentage of the counted ones lies; 0 where there is none."""
        if not self.count:
            return 0.0
        wanted = max(1, math.ceil(percent / 100 * self.count))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return min(_value(bucket), self.maximum)
        return self.maximum

    def summary(self) -> Summary:
        """Return the figures of the report."""
        return Summary(
            count=self.count,
            mean=self.total / self.count if self.count else 0.0,
            p50=self.percentile(50),
            p90=self.percentile(90),
            p99=self.percentile(99),
            p999=self.percentile(99.9),
            maximum=self.maximum,
        )


def _bucket(seconds: float) -> int:
    return max(0, math.ceil(math.log2(max(seconds, _SMALLEST) / _SMALLEST) * _BUCKETS_PER_DOUBLING))


def _value(bucket: int) -> float:
    return float(_SMALLEST * 2 ** (bucket / _BUCKETS_PER_DOUBLING))
