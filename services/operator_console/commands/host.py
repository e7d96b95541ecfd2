"""`heddle host`: the servers we speak with."""

from typing import Annotated

import typer

from services.operator_console.output import AsJson, Row, as_row, note, print_record, print_rows
from services.operator_console.session import NotFound, Session, with_session
from shared.database import console_reads, hosts, retired_inboxes
from shared.database.console_reads import HostReport
from shared.database.pool import Connection

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


Name = Annotated[str, typer.Argument(help="host, or host:port")]


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
def show_host(host: Name, *, as_json: AsJson = False) -> None:
    """Show one host: what it is, how it takes our deliveries, what waits for it."""

    async def work(session: Session) -> Row:
        async with session.pool.acquire() as conn:
            return as_row(await _known(conn, host))

    print_record(with_session(work), as_json=as_json)


@app.command("pause")
def pause_host(host: Name) -> None:
    """Send nothing to a host until it is resumed; what is meant for it waits, for seven days at most."""
    with_session(lambda session: _pause(session, host.lower(), paused=True))
    note(f"{host} is paused.")


@app.command("resume")
def resume_host(host: Name) -> None:
    """Send to a paused host again, what waited first."""
    with_session(lambda session: _pause(session, host.lower(), paused=False))
    note(f"{host} is resumed.")


@app.command("probe")
def probe_host(host: Name) -> None:
    """Try a host now, whatever it answered before; its retired inboxes are used again."""

    async def work(session: Session) -> None:
        async with session.pool.acquire() as conn, conn.transaction():
            known = await _known(conn, host)
            if known.paused:
                raise NotFound(f"{host} is paused: resume it")
            await retired_inboxes.reinstate(conn, known.host)
            await hosts.probe_now(conn, known.host)

    with_session(work)
    note(f"{host} is tried now.")


async def _pause(session: Session, host: str, *, paused: bool) -> None:
    async with session.pool.acquire() as conn:
        if not paused:
            await _known(conn, host)
        await hosts.pause(conn, host, paused=paused)


async def _known(conn: Connection, host: str) -> HostReport:
    found = await console_reads.host_by_name(conn, host)
    if found is None:
        raise NotFound(f"nothing is known of the host {host}")
    return found
