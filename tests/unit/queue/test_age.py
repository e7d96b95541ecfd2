"""The age of the oldest item in work."""

from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY

from shared.protocol.messages import ReceivedRequest
from shared.queue.age import Age


def shown(queue: str) -> float:
    """Return what the metric says."""
    value = REGISTRY.get_sample_value("heddle_oldest_age_seconds", {"queue": queue})
    assert value is not None
    return value


def request(seconds_ago: float) -> ReceivedRequest:
    """Return a request that came in some time ago."""
    return ReceivedRequest(
        method="POST",
        target="/inbox",
        headers=(),
        body=b"",
        received_at=datetime.now(UTC) - timedelta(seconds=seconds_ago),
        trace="",
        activity_id="",
        activity_type="",
        actor="",
    )


def test_the_oldest_in_work_counts_and_an_empty_queue_has_no_age() -> None:
    """Of several batches the oldest item is shown, while it is in work; idle for a look, it is none."""
    age = Age("test.age")
    with age.of([request(5), request(500)]):
        with age.of([request(2)]):
            assert 500 <= shown("test.age") < 510
        age.look()
        assert 500 <= shown("test.age") < 510
    age.look()
    assert shown("test.age") > 0
    age.look()
    assert shown("test.age") == 0
