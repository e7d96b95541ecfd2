"""`heddle queue`: the queues between the services."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from services.operator_console.broker import QueueReport, fold_shards, open_management, queue_reports
from services.operator_console.output import AsJson, as_row, print_record, print_rows
from services.operator_console.rebuilding import rebuild
from services.operator_console.session import DATABASE, run_async, settings_for_commands, with_session
from shared.database.partitions import SENT_KEPT_DAYS
from shared.runtime.settings import Settings

app = typer.Typer(help="The queues between the services.", no_args_is_help=True)

_BOTH = (*DATABASE, "broker_url")
_ALL_HOURS = 24 * (SENT_KEPT_DAYS + 1)

_COLUMNS = {
    "queue": "queue",
    "messages": "messages",
    "ready": "ready",
    "unacknowledged": "in work",
    "consumers": "consumers",
    "in_per_second": "in/s",
    "out_per_second": "out/s",
    "dead": "dead",
}


@app.command("list")
def list_queues(
    *,
    shards: Annotated[
        bool, typer.Option("--shards", help="Each delivery shard on a line of its own.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the queues: depth, consumers, rates, dead letters. JSON always names every queue."""
    settings = settings_for_commands(need=("broker_url",))
    reports = run_async(_reports(settings))
    if not (shards or as_json):
        reports = fold_shards(reports)
    empty = "No queue has been declared yet."
    print_rows([as_row(report) for report in reports], _COLUMNS, as_json=as_json, empty=empty)


@app.command("rebuild")
def rebuild_queues(
    *,
    hours: Annotated[
        int, typer.Option(min=1, help="Publish again what was published in so many hours.")
    ] = _ALL_HOURS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fill a broker that lost everything from the database: declare the queues, publish and send again.

    What was handled before the loss is recognised and has no second effect, so it is safe to repeat.
    """
    since = datetime.now(UTC) - timedelta(hours=hours)
    rebuilt = with_session(lambda session: rebuild(session, since, dry_run=dry_run), need=_BOTH)
    print_record(as_row(rebuilt), as_json=as_json)


@app.callback()
def group() -> None:
    """The queues between the services."""


async def _reports(settings: Settings) -> list[QueueReport]:
    async with open_management(settings) as management:
        return await queue_reports(management)
