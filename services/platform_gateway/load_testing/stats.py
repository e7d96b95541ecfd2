"""`GET /.well-known/fedify/bench/stats`: figures in the shape of an OpenTelemetry snapshot, as Fedify has it.

`fedify bench` takes two of them and works with the difference, so they only ever grow.
"""

import time
from datetime import UTC, datetime
from importlib.metadata import version

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.responses import answer
from shared.database.bench_figures import Figures, figures
from shared.protocol.errors import Rejected, Unavailable
from shared.queue.management import management_of
from shared.runtime.settings import Settings

_VERSION = version("heddle")
_DEAD = ".dead"
_BEGUN = time.time_ns()
Time = tuple[int, int]


class DataPoint(Struct, rename="camel"):
    """One value; times are (seconds, nanoseconds)."""

    attributes: dict[str, str]
    start_time: Time
    end_time: Time
    value: int


class Metric(Struct, rename="camel"):
    """One instrument; `data_point_type` is sum or gauge."""

    name: str
    description: str
    unit: str
    data_point_type: str
    data_points: list[DataPoint]


class Scope(Struct):
    """Whose instruments they are."""

    name: str
    version: str


class ScopeMetrics(Struct):
    """The instruments of one scope."""

    scope: Scope
    metrics: list[Metric]


class Snapshot(Struct, rename="camel"):
    """The document."""

    version: int
    source: str
    generated_at: datetime
    scope_metrics: list[ScopeMetrics]
    errors: list[str]


async def show(request: web.Request) -> web.Response:
    """Answer with what the deliveries came to and how deep the queues are."""
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        found = await figures(conn)
    depth, errors = await _depth(gateway.settings)
    scope = ScopeMetrics(scope=Scope(name="heddle", version=_VERSION), metrics=_metrics(found, depth))
    return answer(
        Snapshot(
            version=1,
            source="server",
            generated_at=datetime.now(UTC),
            scope_metrics=[scope],
            errors=errors,
        )
    )


def _metrics(found: Figures, depth: int | None) -> list[Metric]:
    metrics = [
        _metric("fedify.queue.task.enqueued", "Deliveries planned", found.planned),
        _metric("fedify.queue.task.completed", "Deliveries that arrived", found.delivered),
        _metric("fedify.queue.task.failed", "Deliveries parked or given up", found.parked + found.dead),
        _metric("activitypub.delivery.sent", "Deliveries that arrived", found.delivered),
        _metric("activitypub.delivery.permanent_failure", "Deliveries given up", found.dead),
    ]
    if depth is not None:
        metrics.append(_metric("fedify.queue.depth", "Messages in all queues", depth, kind="gauge"))
    return metrics


def _metric(name: str, about: str, value: int, *, kind: str = "sum") -> Metric:
    point = DataPoint(attributes={}, start_time=_split(_BEGUN), end_time=_split(time.time_ns()), value=value)
    return Metric(name=name, description=about, unit="1", data_point_type=kind, data_points=[point])


def _split(nanoseconds: int) -> Time:
    return divmod(nanoseconds, 1_000_000_000)


async def _depth(settings: Settings) -> tuple[int | None, list[str]]:
    if not settings.broker_management_url or not settings.broker_url:
        return None, []
    try:
        async with management_of(settings.broker_url, settings.broker_management_url) as management:
            queues = await management.queues()
    except (Unavailable, Rejected) as error:
        return None, [f"queue depth: {error.reason}"]
    return sum(queue.messages for queue in queues if not queue.name.endswith(_DEAD)), []
