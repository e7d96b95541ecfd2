"""`heddle host`: the servers we speak with."""

from typing import Annotated

import typer

from services.operator_console.output import AsJson, Row, as_row, print_record, print_rows
from services.operator_console.session import NotFound, Session, with_session
from shared.database import console_reads

app = typer.Typer(help="The servers we speak with.", no_args_is_help=True)

_COLUMNS = {
    "host": "host",
    "software": "software",
    "signature_scheme": "signature",
    "failures": "failures",
    "parked": "parked",
    "dead": "dead",
    "next_try_at": "next try",
    "last_error": "last error",
}


@app.command("list")
def list_hosts(
    *,
    troubled: Annotated[
        bool, typer.Option("--troubled", help="Only hosts that fail, wait or are paused.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List hosts, those in trouble first."""

    async def work(session: Session) -> list[Row]:
        async with session.pool.acquire() as conn:
            found = await console_reads.hosts_in_order_of_trouble(conn, only_troubled=troubled, limit=limit)
        return [as_row(host) for host in found]

    rows = with_session(work)
    print_rows(rows, _COLUMNS, as_json=as_json, empty="No host yet.")


@app.command("show")
def show_host(
    host: Annotated[str, typer.Argument(help="host, or host:port")], *, as_json: AsJson = False
) -> None:
    """Show one host: what it is, how it takes our deliveries, what waits for it."""

    async def work(session: Session) -> Row:
        async with session.pool.acquire() as conn:
            found = await console_reads.host_by_name(conn, host)
        if found is None:
            raise NotFound(f"nothing is known of the host {host}")
        return as_row(found)

    print_record(with_session(work), as_json=as_json)
