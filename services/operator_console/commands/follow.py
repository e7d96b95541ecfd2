"""`heddle follow`: have somebody follow somebody."""

from typing import Annotated

import typer

from services.operator_console.commands.account import Name
from services.operator_console.commands.post import required_author
from services.operator_console.output import print_json
from services.operator_console.remote import open_resolver
from services.operator_console.session import DATABASE, Session, with_session
from shared.actions.follows import follow
from shared.database import actors, follows
from shared.database.actors import ActorRow
from shared.database.follows import FollowState
from shared.resolution.handles import read_handle


def follow_account(
    name: Name,
    acct: Annotated[str, typer.Argument(help="Whom: a local name, or user@host.")],
) -> None:
    """Have a local account follow another account; prints JSON: follower, followee, state."""

    async def work(session: Session) -> dict[str, str]:
        author = await required_author(session, name)
        target = await _find(session, acct)
        async with session.pool.acquire() as conn, conn.transaction():
            await follow(conn, session.site, author, target.id)
            row = (await follows.between(conn, [(author.id, target.id)])).get((author.id, target.id))
        accepted = row is not None and row.state is FollowState.ACCEPTED
        return {
            "follower": author.username,
            "followee": target.username if target.local else f"{target.username}@{target.domain}",
            "state": "accepted" if accepted else "requested",
        }

    print_json(with_session(work, need=(*DATABASE, "secret_key")))


async def _find(session: Session, acct: str) -> ActorRow:
    """Return whom a handle means; raises Rejected or Unavailable."""
    uris = session.site.uris
    bare = acct.lstrip("@")
    handle = read_handle(bare if "@" in bare else f"{bare}@{uris.account_domain}")
    domain = uris.account_domain if handle.host in {uris.host, uris.account_domain} else handle.host
    async with session.pool.acquire() as conn:
        known = await actors.by_acct(conn, handle.name, domain)
    if known is not None and not known.gone:
        return known
    async with open_resolver(session) as resolver:
        return await resolver.acct(f"{handle.name}@{handle.host}")
