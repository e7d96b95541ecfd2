"""What posts quote, and with whose consent (FEP-044f)."""

from collections.abc import Sequence

from services.timeline_builder.effects import Run
from services.timeline_builder.work import Work
from shared.database import quotes, statuses
from shared.database.standing import Standing
from shared.policy.quotes import terms_of
from shared.protocol.activities import Delete
from shared.protocol.identifiers import same_origin
from shared.protocol.objects import Note


def packed_terms(note: Note, author: Standing) -> int | None:
    """Return who may quote a post, as it is kept; None where the post does not say."""
    terms = terms_of(note, author.followers_uri, author.following_uri)
    return None if terms is None else terms.packed()


async def renew_terms(run: Run, notes: Sequence[Note]) -> list[str]:
    """Note who may quote posts from now on; return those of which it is new."""
    said: dict[str, int] = {}
    for note in notes:
        author = run.facts.actor(note.attributed_to)
        terms = None if author is None else packed_terms(note, author)
        if terms is not None:
            said[note.id] = terms
    return await quotes.set_terms(run.conn, said) if said else []


async def remember(run: Run, notes: Sequence[Note]) -> list[str]:
    """Note the quotes of posts that are stored; return the posts of which something new is known."""
    return await quotes.remember(
        run.conn, run.site.ids, [note for note in notes if note.id in run.facts.posts]
    )


async def tell_quoted(run: Run, notes: Sequence[Note]) -> None:
    """Notify the people here whose posts are quoted with their consent."""
    quoting = {note.id: note for note in notes if note.quote}
    if not quoting:
        return
    for quote in await quotes.accepted_of_local(run.conn, quoting):
        post = run.facts.posts.get(quote.quoting_uri)
        if post is not None:
            run.tell(quote.quoted_author, "quote", post.actor_id, post.id)


async def revoke(run: Run, works: Sequence[Work[Delete]]) -> list[Work[Delete]]:
    """Carry out those deletions that are of stamps: quotes that are not agreed to any more."""
    named = [
        work
        for work in works
        if work.activity.object not in run.facts.posts
        and same_origin(work.activity.object, work.activity.actor)
    ]
    if not named:
        return []
    pairs = [(work.activity.object, work.activity.actor) for work in named]
    found = await quotes.by_stamps(run.conn, pairs)
    if not found:
        return []
    await quotes.revoke(run.conn, [quote.id for quote in found.values()])
    for post in (await statuses.by_uris(run.conn, [one.quoting_uri for one in found.values()])).values():
        run.changes.edit(post.id)
    return [work for work in named if (work.activity.object, work.activity.actor) in found]
