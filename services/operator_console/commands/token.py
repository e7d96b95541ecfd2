"""`heddle token`: access without a password."""

from typing import Annotated

import typer

from services.operator_console.commands.account import Name, required_account
from services.operator_console.output import print_json
from services.operator_console.session import NotFound, Session, with_session
from shared.actions.accounts import create_token
from shared.actions.scopes import ALL, parse_scopes

app = typer.Typer(help="Access tokens of the client API.", no_args_is_help=True)


@app.command("create")
def create(
    name: Name,
    *,
    scopes: Annotated[str, typer.Option(help="Separated by spaces.")] = " ".join(ALL),
) -> None:
    """Make a token for an account; prints JSON: id, acct, access_token."""
    granted = parse_scopes(scopes)

    async def work(session: Session) -> dict[str, str]:
        account = await required_account(session, name)
        if account.suspended_at is not None:
            raise NotFound(f"{account.acct} is suspended")
        async with session.pool.acquire() as conn:
            token = await create_token(conn, int(account.id), granted)
        return {"id": account.id, "acct": account.acct, "access_token": token}

    print_json(with_session(work))


@app.callback()
def group() -> None:
    """Access tokens of the client API."""
