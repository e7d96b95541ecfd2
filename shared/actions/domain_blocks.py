"""Blocking a whole server, for one account: its followers there go, and what is boosted from there.

Those whom the account follows there it goes on following.
"""

from shared.actions.errors import NotPossible
from shared.actions.follows import end_followed
from shared.actions.site import Site
from shared.actions.targets import require_actor
from shared.database import account_domain_blocks as table
from shared.database import timelines
from shared.database.authors import Author
from shared.database.counters import Counts
from shared.database.pool import Connection


async def block(conn: Connection, site: Site, author: Author, domain: str) -> None:
    """Block a domain; call it inside a transaction. Raises NotPossible for the author's own."""
    if not domain or domain in {site.uris.account_domain, site.uris.host}:
        raise NotPossible("Domain is not a valid domain name")
    await table.block(conn, site.ids.next(), author.id, domain)
    counts = Counts()
    for follower_id in await table.followers_at(conn, author.id, domain):
        await end_followed(conn, site, author, await require_actor(conn, follower_id), counts)
    await counts.write(conn)
    await timelines.prune(conn, [author.id])


async def unblock(conn: Connection, author: Author, domain: str) -> None:
    """Lift the block of a domain; call it inside a transaction."""
    await table.unblock(conn, author.id, domain)
    await timelines.extend(conn, [author.id])
