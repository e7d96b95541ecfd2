"""Every metric of the pipeline, declared once. Labels take words from fixed lists only, never a host.

With several processes of one service the client library keeps the values in files below
`PROMETHEUS_MULTIPROC_DIR`, which the parent sets before this module is imported.
"""

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead


class BulkHistogram(Histogram):
    """A histogram that takes many values at once.

    One by one each takes two locks and a walk through the buckets, more than many a measured step does.
    """

    def observe_all(self, values: Sequence[float]) -> None:
        """Count these values."""
        self._sum.inc(sum(values))
        places = Counts(bisect_left(self._upper_bounds, value) for value in values)
        for place, number in places.items():
            self._buckets[place].inc(number)


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What `render` returns."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

inbox_requests = Counter("heddle_inbox_requests_total", "POSTs to an inbox, by answer", ["status"])
activities_accepted = Counter(
    "heddle_activities_accepted_total", "Activities that proved to be their actor's own", ["type"]
)
activities_rejected = Counter(
    "heddle_activities_rejected_total", "Activities refused by receiver or verifier", ["reason"]
)
refusals_unrecorded = Counter(
    "heddle_refusals_unrecorded_total", "Refusals at the inbox that came too fast to be kept for a look"
)
fetches_refused = Counter(
    "heddle_fetches_refused_total",
    "Fetches by other servers that were refused for their signature",
    ["reason"],
)
fetches_unrecorded = Counter(
    "heddle_fetches_unrecorded_total",
    "Signed fetches of posts that came too fast to be verified: their servers may miss a Delete",
)
activities_applied = Counter(
    "heddle_activities_applied_total", "Activities that reached the builder", ["type", "outcome"]
)
inbound_latency = BulkHistogram("heddle_inbound_latency_seconds", "From receipt to commit", buckets=_SECONDS)
key_lookups = Counter("heddle_key_lookups_total", "Signing keys looked for", ["result"])

follower_digests = Counter(
    "heddle_follower_digests_total", "Digests of followers here that other servers told", ["result"]
)
follower_repairs = Counter("heddle_follower_repairs_total", "Lists of followers compared", ["result"])

deliveries = Counter("heddle_deliveries_total", "Attempts to deliver, by outcome", ["outcome"])
deliveries_let_go = Counter(
    "heddle_deliveries_let_go_total", "Deliveries settled for so long that only who was told is kept"
)
delivery_seconds = Histogram("heddle_delivery_seconds", "One POST to another server", buckets=_SECONDS)
parked_deliveries = Gauge(
    "heddle_parked_deliveries", "Deliveries that wait in the database", multiprocess_mode="livemax"
)
bulk_waiting = Gauge(
    "heddle_bulk_deliveries_waiting",
    "Deliveries of what goes to many servers that wait for their author's turn",
    multiprocess_mode="livemax",
)
host_circuits_open = Gauge(
    "heddle_host_circuits_open", "Hosts to which only probes are sent", multiprocess_mode="livesum"
)
outbox_lag = Gauge(
    "heddle_outbox_lag_seconds", "Age of the oldest unpublished outbox row", multiprocess_mode="livemax"
)

dead_letters = Counter("heddle_dead_letters_total", "Items given up", ["queue", "reason"])
redelivered = Counter("heddle_redelivered_total", "Messages that came a second time or more", ["queue"])
oldest_age = Gauge(
    "heddle_oldest_age_seconds",
    "Since it came in, of the oldest item that a queue's consumers work on",
    ["queue"],
    multiprocess_mode="livemax",
)
batch_items = Histogram("heddle_batch_items", "Items handled together", ["queue"], buckets=_ITEMS)
batch_seconds = Histogram("heddle_batch_seconds", "Handling of one batch", ["queue"], buckets=_SECONDS)
batches_held = Counter(
    "heddle_batches_held_total", "Batches tried again because something was away", ["queue", "reason"]
)

live_dropped = Counter("heddle_live_dropped_total", "Changes not told to those who look on")
streams_open = Gauge("heddle_streams_open", "Clients that a gateway streams to", multiprocess_mode="livesum")


def render(folder: str | None = None) -> bytes:
    """Return the metrics as Prometheus text.

    Args:
        folder: Where the processes of this service keep theirs; without it only this process' own.
    """
    if folder is None:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]  # the library has no types here
    return generate_latest(registry)


def forget_process(pid: int, folder: str) -> None:
    """Drop the live gauges of a process that has ended."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]  # the library has no types here
