"""`heddle relay`: actors that pass on what is public, here and there."""

from typing import Annotated

import typer

from services.operator_console.output import AsJson, as_row, note, print_rows
from services.operator_console.remote import open_resolver
from services.operator_console.session import DATABASE, Session, with_session
from shared.actions.errors import NotAllowed
from shared.actions.relays import subscribe, unsubscribe
from shared.database import relays
from shared.database.relays import Relay
from shared.protocol.identifiers import is_http_uri

app = typer.Typer(help="Relays, which pass on what is public.", no_args_is_help=True)

_COLUMNS = {"inbox": "inbox", "actor_uri": "actor", "state": "state", "created_at": "since"}

Address = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="The relay's inbox (…/inbox, as for Mastodon), or its actor (as for Pleroma and Akkoma).",
    ),
]


@app.command("add")
def add(url: Address) -> None:
    """Subscribe: public posts go there, and what comes from there joins the public timelines."""

    async def work(session: Session) -> Relay:
        if not is_http_uri(url):
            raise NotAllowed(f"{url} is no http URL")
        inbox, actor_uri = url, ""
        if not url.rstrip("/").endswith("/inbox"):
            async with open_resolver(session) as resolver:
                actor = await resolver.actor(url)
            inbox, actor_uri = actor.inbox, actor.uri
        async with session.pool.acquire() as conn, conn.transaction():
            return await subscribe(conn, session.site, inbox=inbox, actor_uri=actor_uri)

    made = with_session(work, need=(*DATABASE, "secret_key"))
    note(f"{made.inbox}: asked; `heddle relay list` shows what it answers")


@app.command("list")
def list_relays(*, as_json: AsJson = False) -> None:
    """List the relays and how far the subscriptions have come."""

    async def work(session: Session) -> list[Relay]:
        async with session.pool.acquire() as conn:
            return await relays.listed(conn)

    rows = [{**as_row(relay), "state": relay.state.name.lower()} for relay in with_session(work)]
    print_rows(rows, _COLUMNS, as_json=as_json, empty="There is no relay.")


@app.command("remove")
def remove(url: Address) -> None:
    """End a subscription."""

    async def work(session: Session) -> Relay:
        async with session.pool.acquire() as conn, conn.transaction():
            return await unsubscribe(conn, session.site, url)

    note(f"{with_session(work).inbox}: ended")
