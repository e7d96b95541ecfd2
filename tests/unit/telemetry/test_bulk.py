"""Many values observed at once."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.telemetry.metrics import BulkHistogram

VALUES = [0.0, 0.3, 1.0, 1.5, 2.0, 2.1, 5.0, 9.0]


def test_observing_at_once_is_observing_one_by_one() -> None:
    """Buckets, count and sum are those that the single values would have led to, edges included."""
    at_once, singly = CollectorRegistry(), CollectorRegistry()
    BulkHistogram("x", "x", buckets=(1, 2, 5), registry=at_once).observe_all(VALUES)
    histogram = Histogram("x", "x", buckets=(1, 2, 5), registry=singly)
    for value in VALUES:
        histogram.observe(value)
    assert _lines(at_once) == _lines(singly)


def _lines(registry: CollectorRegistry) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]
