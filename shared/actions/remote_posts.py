"""Keeping a post of another server that somebody here asked for."""

from datetime import UTC, datetime

from shared.actions.errors import NotThere
from shared.actions.site import Site
from shared.database import actors, quotes, status_names, statuses
from shared.database.actors import ActorRow
from shared.database.adoption import adopt, join_threads, merged
from shared.database.counters import Counts
from shared.database.pool import Connection
from shared.database.status_names import NewMention, NewTag
from shared.database.statuses import NewStatus, StatusRow
from shared.protocol.addressing import visibility_of
from shared.protocol.objects import Note, Visibility
from shared.protocol.text import normalise_tag


async def keep_post(conn: Connection, site: Site, note: Note) -> int:
    """Store a post that was fetched from its own server and return its id; call it inside a transaction.

    It appears in nobody's timeline and notifies nobody: it was looked up, not sent.

    Raises:
        NotThere: It was deleted, or its author is not known here.
    """
    known = await statuses.by_uri(conn, note.id)
    if known is not None:
        if known.deleted_at is not None:
            raise NotThere("Record not found")
        return known.id
    author = await actors.by_uri(conn, note.attributed_to)
    if author is None or author.gone or author.local:
        raise NotThere("Record not found")
    parent = None if note.in_reply_to is None else await statuses.by_uri(conn, note.in_reply_to)
    post = _new_status(site, note, author, parent)
    if post.visibility is Visibility.DIRECT:
        raise NotThere("Record not found")
    if not await statuses.insert(conn, [post]):
        raise NotThere("Record not found")
    await _name(conn, post.id, note)
    await quotes.remember(conn, site.ids, [note])
    counts = Counts()
    counts.post(author.id, post.visibility, at=post.created_at)
    counts.reply(post.in_reply_to_id, post.visibility)
    await _adopt(conn, post.id, counts)
    await counts.write(conn)
    return post.id


def _new_status(site: Site, note: Note, author: ActorRow, parent: StatusRow | None) -> NewStatus:
    published = min(note.published or datetime.now(UTC), datetime.now(UTC))
    status_id = site.ids.at(int(published.timestamp() * 1000))
    return NewStatus(
        id=status_id,
        uri=note.id,
        url=note.url or note.id,
        local=False,
        actor_id=author.id,
        conversation_id=parent.conversation_id if parent else status_id,
        visibility=visibility_of(note.to, note.cc, author.followers_uri),
        created_at=published,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_actor_id=parent.actor_id if parent else None,
        in_reply_to_uri=note.in_reply_to,
        object_type=note.type,
        title=note.name,
        content=note.content,
        spoiler_text=note.summary,
        language=note.language,
        sensitive=note.sensitive or bool(note.summary),
        quote_uri=note.quote,
        attachments=note.attachments,
        emojis=note.emojis,
        poll=note.poll,
        edited_at=note.updated if note.updated and note.updated > published else None,
    )


async def _name(conn: Connection, status_id: int, note: Note) -> None:
    known = await actors.by_uris(conn, [mention.href for mention in note.mentions])
    await status_names.insert_mentions(
        conn,
        [
            NewMention(
                status_id=status_id,
                actor_uri=mention.href,
                actor_id=known[mention.href].id if mention.href in known else None,
                name=mention.name,
            )
            for mention in note.mentions
        ],
    )
    await status_names.insert_tags(
        conn,
        [NewTag(status_id=status_id, tag=normalise_tag(tag), name=tag) for tag in note.hashtags],
    )


async def _adopt(conn: Connection, status_id: int, counts: Counts) -> None:
    adopted = await adopt(conn, [status_id])
    for reply in adopted:
        counts.reply(reply.parent_id, reply.visibility)
    threads = merged(adopted)
    if threads:
        await join_threads(conn, threads)
