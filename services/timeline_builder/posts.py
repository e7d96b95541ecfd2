"""Storing posts of other servers, with all that hangs on a post: mentions, tags, replies, timelines."""

import random
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from services.timeline_builder import quoting
from services.timeline_builder.effects import Run
from services.timeline_builder.references import addressed_here
from shared.database import adoption, status_names, statuses
from shared.database.standing import Standing
from shared.database.status_names import NewMention, NewTag
from shared.database.statuses import NewStatus, StatusRow
from shared.protocol.addressing import visibility_of
from shared.protocol.objects import Note, Visibility
from shared.protocol.text.hashtags import normalise_tag

_TRIES = 3


class Incoming(Struct, frozen=True, kw_only=True):
    """A post to store, its author in good standing; `wanted` says that somebody here asked for it."""

    note: Note
    author: Standing
    received_at: datetime
    wanted: bool = False


async def store(run: Run, incoming: Sequence[Incoming]) -> dict[str, StatusRow]:
    """Store those posts that concern somebody here; return them by URI.

    A post whose URI is known already must not be passed in.
    """
    fresh = await _insert(run, concerned(run, incoming))
    if not fresh:
        return {}
    for _, status in fresh:
        run.facts.posts[status.uri] = _row(status)
        run.counts.post(status.actor_id, status.visibility, at=status.created_at)
        run.counts.reply(status.in_reply_to_id, status.visibility)
        run.fan_out(status.id, new=True)
    await write_names(run, [(status.id, post.note) for post, status in fresh])
    await quoting.remember(run, [post.note for post, _ in fresh])
    await _adopt(run, [status.id for _, status in fresh])
    return {status.uri: run.facts.posts[status.uri] for _, status in fresh}


async def _insert(run: Run, wanted: Sequence[Incoming]) -> list[tuple[Incoming, NewStatus]]:
    fresh: list[tuple[Incoming, NewStatus]] = []
    for _ in range(_TRIES):
        if not wanted:
            break
        new = [(post, _new_status(run, post)) for post in wanted]
        stored = await statuses.insert(run.conn, [status for _, status in new])
        fresh += [(post, status) for post, status in new if status.id in stored]
        # What is left met an id that was taken, or was stored by somebody else just now.
        wanted = [post for post, status in new if status.id not in stored]
        if wanted:
            known = await statuses.by_uris(run.conn, [post.note.id for post in wanted])
            run.facts.posts.update(known)
            wanted = [post for post in wanted if post.note.id not in known]
    return fresh


def concerned(run: Run, incoming: Sequence[Incoming]) -> list[Incoming]:
    """Return the posts that are kept, parents before replies.

    Kept is what somebody here asked for, what an author writes who has followers here, what names or
    addresses somebody here, and what answers a post that is kept.
    """
    kept: dict[str, Incoming] = {}
    undecided = list({post.note.id: post for post in incoming}.values())
    while True:
        found = [post for post in undecided if _concerns(run, post, kept)]
        if not found:
            return list(kept.values())
        kept.update({post.note.id: post for post in found})
        undecided = [post for post in undecided if post.note.id not in kept]


def _concerns(run: Run, post: Incoming, kept: dict[str, Incoming]) -> bool:
    named = bool(_people_here(run, post.note))
    if visibility_of(post.note.to, post.note.cc, post.author.followers_uri) is Visibility.DIRECT:
        return named
    if post.wanted or post.author.followed or named:
        return True
    parent = run.facts.posts.get(post.note.in_reply_to or "")
    return post.note.in_reply_to in kept or (parent is not None and parent.deleted_at is None)


def _people_here(run: Run, note: Note) -> list[Standing]:
    """Return the local actors that a post names or is addressed to."""
    named = [mention.href for mention in note.mentions]
    named += addressed_here(note, run.site.uris)
    if not named:
        return []
    known = (run.facts.actor(uri) for uri in dict.fromkeys(named))
    return [actor for actor in known if actor is not None and actor.local]


def _new_status(run: Run, post: Incoming) -> NewStatus:
    note = post.note
    created = min(note.published or post.received_at, post.received_at)
    status_id = id_at(run, created, post.received_at)
    parent = run.facts.posts.get(note.in_reply_to or "")
    return NewStatus(
        id=status_id,
        uri=note.id,
        local=False,
        actor_id=post.author.id,
        conversation_id=parent.conversation_id if parent else status_id,
        visibility=visibility_of(note.to, note.cc, post.author.followers_uri),
        created_at=created,
        url=note.url or note.id,
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
        edited_at=note.updated if note.updated and note.updated > created else None,
        quote_terms=quoting.packed_terms(note, post.author),
    )


def id_at(run: Run, created: datetime, received: datetime) -> int:
    """Return an id that sorts by when something was made.

    Most servers tell whole seconds; within those the ids are spread, for one second brings many.
    """
    at = int(created.timestamp() * 1000)
    if at % 1000 == 0:
        at += random.randrange(max(1, min(1000, int(received.timestamp() * 1000) - at)))
    return run.site.ids.at(at)


def _row(status: NewStatus) -> StatusRow:
    return StatusRow(
        id=status.id,
        uri=status.uri,
        local=status.local,
        actor_id=status.actor_id,
        reblog_of_id=None,
        in_reply_to_id=status.in_reply_to_id,
        in_reply_to_actor_id=status.in_reply_to_actor_id,
        conversation_id=status.conversation_id,
        visibility=status.visibility,
        created_at=status.created_at,
        edited_at=status.edited_at,
        deleted_at=None,
    )


async def write_names(run: Run, posts: Sequence[tuple[int, Note]]) -> None:
    """Store whom and which hashtags these posts name."""
    mentions = [mention for status_id, note in posts for mention in _mentions(run, status_id, note)]
    await status_names.insert_mentions(run.conn, mentions)
    tags = [
        NewTag(status_id=status_id, tag=normalise_tag(name), name=name)
        for status_id, note in posts
        for name in note.hashtags
    ]
    await status_names.insert_tags(run.conn, tags)
    for status_id in dict.fromkeys(tag.status_id for tag in tags):
        run.fan_out_tagged(status_id)


def _mentions(run: Run, status_id: int, note: Note) -> list[NewMention]:
    names = {mention.href: mention.name for mention in note.mentions}
    # Some servers address a direct message without naming anybody; only so can the person see it.
    for person in _people_here(run, note):
        names.setdefault(person.uri, "")
    known = run.facts.actors
    return [
        NewMention(
            status_id=status_id, actor_uri=uri, actor_id=known[uri].id if uri in known else None, name=name
        )
        for uri, name in names.items()
    ]


def tell_mentioned(run: Run, status: StatusRow, note: Note) -> None:
    """Notify the people here whom a post names."""
    for person in _people_here(run, note):
        run.tell(person.id, "mention", status.actor_id, status.id)


async def _adopt(run: Run, parent_ids: Sequence[int]) -> None:
    """Give replies that came too early their place under these posts, which are new."""
    adopted = await adoption.adopt(run.conn, parent_ids)
    for reply in adopted:
        run.counts.reply(reply.parent_id, reply.visibility)
        run.fan_out(reply.id)
    threads = adoption.merged(adopted)
    if threads:
        await adoption.join_threads(run.conn, threads)
