"""`heddle report`: what people and other servers complain about."""

from typing import Annotated

import typer

from services.operator_console.output import AsJson, as_row, note, print_record, print_rows
from services.operator_console.session import NotFound, Session, with_session
from shared.database import reports
from shared.database.reports import ReportRow

app = typer.Typer(help="Reports about people and their posts.", no_args_is_help=True)

_COLUMNS = {
    "id": "id",
    "target": "about",
    "reporter": "by",
    "category": "category",
    "comment": "comment",
    "forwarded": "forwarded",
    "created_at": "at",
    "resolved_at": "resolved",
}

ReportId = Annotated[int, typer.Argument(metavar="ID", help="As `heddle report list` shows it.")]


@app.command("list")
def list_reports(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that are resolved, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the reports that nobody has resolved yet, the newest first."""

    async def work(session: Session) -> list[ReportRow]:
        async with session.pool.acquire() as conn:
            return await reports.listed(conn, resolved=everything, limit=limit)

    rows = [as_row(row) for row in with_session(work)]
    print_rows(rows, _COLUMNS, as_json=as_json, empty="No report waits.")


@app.command("show")
def show(report_id: ReportId, *, as_json: AsJson = False) -> None:
    """Show one report with the posts that it names."""

    async def work(session: Session) -> ReportRow | None:
        async with session.pool.acquire() as conn:
            return await reports.by_id(conn, report_id)

    found = with_session(work)
    if found is None:
        raise NotFound(f"there is no report {report_id}")
    print_record(as_row(found), as_json=as_json)


@app.command("resolve")
def resolve(report_id: ReportId) -> None:
    """Close a report; it stays in the list of all."""

    async def work(session: Session) -> bool:
        async with session.pool.acquire() as conn:
            return await reports.resolve(conn, report_id)

    if not with_session(work):
        raise NotFound(f"there is no report {report_id}")
    note(f"{report_id}: resolved")
