"""`heddle account`: the people of this site."""

import secrets
from typing import Annotated

import typer
from msgspec import Struct

from services.operator_console.output import AsJson, Row, as_row, note, print_json, print_record, print_rows
from services.operator_console.session import DATABASE, NotFound, Session, with_session
from shared.actions.accounts import NameTaken, create_account, create_token
from shared.actions.scopes import ALL
from shared.database import account_states, console_reads
from shared.database.console_reads import AccountReport

app = typer.Typer(help="The people of this site.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name of a local account, without @.")]

_COLUMNS = {
    "acct": "name",
    "display_name": "shown as",
    "federated": "federated",
    "suspended_at": "suspended",
    "followers": "followers",
    "following": "following",
    "posts": "posts",
    "last_active_at": "last active",
}


class Created(Struct, omit_defaults=True):
    """What `account create` prints; `password` only where it was made up here."""

    id: str
    acct: str
    access_token: str
    password: str = ""


class Wish(Struct, frozen=True, kw_only=True):
    """What an account shall be like."""

    name: str
    display_name: str
    password: str
    federated: bool
    locked: bool
    if_missing: bool


@app.command("create")
def create(
    name: Name,
    *,
    display_name: Annotated[str, typer.Option(help="Shown beside the name.")] = "",
    password: Annotated[
        str,
        typer.Option(
            envvar="HEDDLE_ACCOUNT_PASSWORD", help="For the sign-in page; one is made up otherwise."
        ),
    ] = "",
    federate: Annotated[
        bool, typer.Option("--federate", help="Share with other servers from the start.")
    ] = False,
    locked: Annotated[bool, typer.Option("--locked", help="Let every follower in by hand.")] = False,
    if_missing: Annotated[
        bool,
        typer.Option("--if-missing", help="Where the account exists, make a token for it and leave it be."),
    ] = False,
) -> None:
    """Make an account and a token for it; prints JSON: id, acct, access_token, password if made up."""
    wish = Wish(
        name=name,
        display_name=display_name,
        password=password or secrets.token_urlsafe(15),
        federated=federate,
        locked=locked,
        if_missing=if_missing,
    )

    async def work(session: Session) -> Created:
        return await _create(session, wish, show_password=not password)

    print_json(with_session(work, need=(*DATABASE, "secret_key")))


async def _create(session: Session, wish: Wish, *, show_password: bool) -> Created:
    async with session.pool.acquire() as conn, conn.transaction():
        try:
            account_id = await create_account(
                conn,
                session.site,
                wish.name,
                secret_key=session.settings.secret_key,
                display_name=wish.display_name,
                password=wish.password,
                federated=wish.federated,
                locked=wish.locked,
            )
        except NameTaken:
            known = await console_reads.account_by_name(conn, wish.name)
            if not wish.if_missing or known is None:
                raise
            account_id, show_password = int(known.id), False
        token = await create_token(conn, account_id, ALL)
    return Created(str(account_id), wish.name, token, wish.password if show_password else "")


@app.command("list")
def list_accounts(
    *, limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 1000, as_json: AsJson = False
) -> None:
    """List the accounts, oldest first."""

    async def work(session: Session) -> list[Row]:
        async with session.pool.acquire() as conn:
            return [as_row(account) for account in await console_reads.accounts(conn, limit=limit)]

    print_rows(with_session(work), _COLUMNS, as_json=as_json, empty="No account yet.")


@app.command("show")
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show one account."""

    async def work(session: Session) -> Row:
        return as_row(await required_account(session, name))

    print_record(with_session(work), as_json=as_json)


@app.command("federate")
def federate_account(name: Name) -> None:
    """Share an account with other servers from now on."""

    async def work(session: Session) -> bool:
        account = await required_account(session, name)
        async with session.pool.acquire() as conn:
            return await account_states.federate(conn, int(account.id))

    changed = with_session(work)
    note(f"{name}: shared with other servers{'' if changed else ' already'}")


@app.command("suspend")
def suspend(name: Name) -> None:
    """Suspend an account: nobody signs in, its tokens are revoked, its documents and pages answer 410."""

    async def work(session: Session) -> bool:
        account = await required_account(session, name)
        async with session.pool.acquire() as conn:
            return await account_states.suspend(conn, int(account.id))

    changed = with_session(work)
    note(f"{name}: suspended{'' if changed else ' already'}")


async def required_account(session: Session, name: str) -> AccountReport:
    """Return a local account by its name; raises NotFound."""
    async with session.pool.acquire() as conn:
        found = await console_reads.account_by_name(conn, name.lstrip("@"))
    if found is None or found.deleted_at is not None:
        raise NotFound(f"there is no account {name}")
    return found
