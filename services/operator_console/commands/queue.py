"""`heddle queue`: the queues between the services."""

from typing import Annotated

import typer

from services.operator_console.broker import QueueReport, fold_shards, open_management, queue_reports
from services.operator_console.output import AsJson, as_row, print_rows
from services.operator_console.session import run_async, settings_for_commands
from shared.runtime.settings import Settings

app = typer.Typer(help="The queues between the services.", no_args_is_help=True)

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


@app.callback()
def group() -> None:
    """The queues between the services."""


async def _reports(settings: Settings) -> list[QueueReport]:
    async with open_management(settings) as management:
        return await queue_reports(management)
