"""`heddle post`: write a post for somebody."""

from enum import Enum
from typing import Annotated

import typer

from services.operator_console.commands.account import Name
from services.operator_console.output import print_json
from services.operator_console.remote import open_resolver
from services.operator_console.session import DATABASE, NotFound, Session, with_session
from shared.actions.mentions import resolve_mentions
from shared.actions.posts import Draft, publish
from shared.database.authors import Author, author_by_name
from shared.protocol.errors import Rejected
from shared.protocol.objects import Visibility

MAX_CHARACTERS = 5000


class Audience(Enum):
    """Who sees a post, in the words of the client API."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"
    DIRECT = "direct"


_VISIBILITIES = {
    Audience.PUBLIC: Visibility.PUBLIC,
    Audience.UNLISTED: Visibility.UNLISTED,
    Audience.PRIVATE: Visibility.FOLLOWERS,
    Audience.DIRECT: Visibility.DIRECT,
}


class BadText(Rejected):
    """A post needs a text, and not too long a one."""

    reason = "bad_text"


def write_post(
    name: Name,
    text: Annotated[str, typer.Argument(help="What to say.")],
    *,
    visibility: Annotated[Audience, typer.Option(help="Who sees it.")] = Audience.PUBLIC,
    warning: Annotated[str, typer.Option("--cw", help="A content warning.")] = "",
    language: Annotated[str, typer.Option(help="Such as en.")] = "",
) -> None:
    """Write a post; prints JSON: id, uri, url."""
    if not text.strip() or len(text) + len(warning) > MAX_CHARACTERS or "\0" in text + warning:
        raise BadText(f"a post has 1 to {MAX_CHARACTERS} characters")
    draft = Draft(
        text=text,
        visibility=_VISIBILITIES[visibility],
        spoiler_text=warning,
        sensitive=bool(warning),
        language=language or None,
        application="heddle",
    )

    async def work(session: Session) -> dict[str, str]:
        return await _publish(session, await required_author(session, name), draft)

    print_json(with_session(work, need=(*DATABASE, "secret_key")))


async def required_author(session: Session, name: str) -> Author:
    """Return a local account in good standing; raises NotFound."""
    async with session.pool.acquire() as conn:
        author = await author_by_name(conn, name.lstrip("@"))
    if author is None:
        raise NotFound(f"there is no active account {name}")
    return author


async def _publish(session: Session, author: Author, draft: Draft) -> dict[str, str]:
    async with open_resolver(session) as resolver:
        mentioned = await resolve_mentions(session.pool, session.site, resolver.acct, draft.text)
    async with session.pool.acquire() as conn, conn.transaction():
        status_id = await publish(conn, session.site, author, draft, mentioned)
    uris = session.site.uris
    return {
        "id": str(status_id),
        "uri": uris.status(status_id),
        "url": uris.post_page(author.username, status_id),
    }
