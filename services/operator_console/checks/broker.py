"""The broker: reachable, its queues worked, nothing dead."""

from services.operator_console.broker import QueueReport, open_broker, open_management, queue_reports
from services.operator_console.checks.findings import Finding, failed, ok, warning
from shared.protocol.errors import Rejected, Unavailable
from shared.queue import topology
from shared.runtime.settings import Settings


async def check_broker(settings: Settings) -> list[Finding]:
    """Examine the broker; its management API is worth a warning only."""
    try:
        async with open_broker(settings) as broker:
            problem = await broker.check()
    except Unavailable as error:
        return [failed("broker", str(error))]
    if problem:
        return [failed("broker", problem)]
    return [ok("broker", "answers, and all queues are declared"), *await _check_queues(settings)]


async def _check_queues(settings: Settings) -> list[Finding]:
    try:
        async with open_management(settings) as management:
            reports = await queue_reports(management)
    except (Rejected, Unavailable) as error:
        return [warning("queues", f"the management API does not tell of them: {error}")]
    return [*_idle(reports), *_dead(reports)]


def _idle(reports: list[QueueReport]) -> list[Finding]:
    idle = [report.queue for report in reports if not report.consumers]
    if not idle:
        return [ok("queues", "each has a consumer")]
    shards = sum(queue in topology.DELIVER_QUEUES for queue in idle)
    named = [queue for queue in idle if queue not in topology.DELIVER_QUEUES]
    if shards:
        named.append(f"{shards} of {topology.SHARDS} delivery shards")
    return [warning("queues", f"nobody works {', '.join(named)}: is every service running?")]


def _dead(reports: list[QueueReport]) -> list[Finding]:
    dead = {report.queue: report.dead for report in reports if report.dead}
    if not dead:
        return [ok("dead letters", "none")]
    listed = ", ".join(f"{queue} {count}" for queue, count in dead.items())
    return [warning("dead letters", f"{listed}: see heddle dead list")]
