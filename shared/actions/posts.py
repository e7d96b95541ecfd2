"""Writing, editing and deleting posts."""

from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from shared.actions import quotes
from shared.actions.errors import NotThere
from shared.actions.media import Description, hang, say
from shared.actions.mentions import Mentioned
from shared.actions.site import Site
from shared.actions.tell import tell
from shared.database import edits, media, polls, status_names, statuses, tombstones
from shared.database.authors import Author
from shared.database.counters import Counts
from shared.database.document_posts import post_by_id
from shared.database.own_posts import own_post, quote_of, show_own
from shared.database.pool import Connection
from shared.database.status_names import NewMention, NewTag
from shared.database.statuses import NewStatus, StatusRow
from shared.database.tombstones import Pictures
from shared.database.visible import visible_to
from shared.protocol.activities import Create, Delete, UpdateNote
from shared.protocol.addressing import audience_for
from shared.protocol.identifiers import milliseconds_of
from shared.protocol.objects import Attachment, Note, Poll, QuotePolicy, Visibility
from shared.protocol.text import ActorLink, normalise_tag, render, scan

MAX_TAGS = 50
MAX_BOOSTERS = 200


class Draft(Struct, frozen=True, kw_only=True):
    """A post as written: plain text, the content warning, and to whom it goes."""

    text: str
    visibility: Visibility = Visibility.PUBLIC
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    in_reply_to_id: int | None = None
    application: str = ""
    poll: Poll | None = None
    media: tuple[int, ...] = ()
    quoted_id: int | None = None
    quote_policy: QuotePolicy = QuotePolicy.PUBLIC


class Revision(Struct, frozen=True, kw_only=True):
    """The new texts of a post; its pictures stay as they are unless they are named anew."""

    text: str
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    media: tuple[int, ...] | None = None
    descriptions: tuple[Description, ...] = ()


async def publish(
    conn: Connection,
    site: Site,
    author: Author,
    draft: Draft,
    mentioned: Mentioned,
    *,
    status_id: int | None = None,
) -> int:
    """Publish a post and return its id; call it inside a transaction.

    Raises:
        NotThere: What it answers or quotes does not exist for the author.
        NotAllowed: What it quotes is another server's, and the author does not federate.
        NotPossible: What it quotes must not be quoted by the author.
    """
    parent = await _parent(conn, author, draft.in_reply_to_id)
    quoted = await quotes.quotable(conn, author, draft.quoted_id, draft.visibility)
    post = _new_status(site, author, draft, mentioned, parent=parent, status_id=status_id)
    if draft.media:
        post = msgspec.structs.replace(post, attachments=await hang(conn, site, author, draft.media, post.id))
    if quoted is not None:
        post = msgspec.structs.replace(post, quote_uri=quoted.uri)
    await statuses.insert(conn, [post])
    asked = None if quoted is None else await quotes.begin(conn, site, author, post, quoted)
    if post.poll is not None:
        await polls.follow(conn, post.id, post.poll.ends_at)
    await _name(conn, post.id, draft.text, mentioned)
    await show_own(conn, author.id, post.id)
    note = await _note(conn, post.id)
    create = Create(
        id=site.uris.create(post.id),
        actor=author.uri,
        to=note.to,
        cc=note.cc,
        published=post.created_at,
        note=note,
    )
    await tell(conn, author, create, here=True, away=True)
    if asked is not None:
        await tell(conn, author, msgspec.structs.replace(asked, note=note), here=False, away=True)
    counts = Counts()
    counts.post(author.id, post.visibility, at=post.created_at)
    counts.reply(post.in_reply_to_id, post.visibility)
    await counts.write(conn)
    return post.id


async def edit(
    conn: Connection,
    site: Site,
    author: Author,
    revision: Revision,
    mentioned: Mentioned,
    *,
    status_id: int,
) -> None:
    """Give an own post new texts and keep the old ones in its history; call it inside a transaction.

    Raises:
        NotThere: The post does not exist or is another's.
    """
    row = await _own_post(conn, author, status_id)
    now = datetime.now(UTC)
    poll = (await polls.lock(conn, [status_id])).get(status_id)
    quote_uri = await quote_of(conn, status_id)
    await edits.keep_versions(conn, [status_id])
    revised = _revised(site, author, revision, mentioned, status_id=status_id, now=now)
    pictures = await _pictures(conn, site, author, revision, row)
    revised = msgspec.structs.replace(revised, poll=poll, attachments=pictures, quote_uri=quote_uri)
    await edits.revise(conn, [revised])
    await status_names.drop_mentions_and_tags(conn, [status_id])
    await _name(conn, status_id, revision.text, mentioned)
    note = await _note(conn, status_id)
    update = UpdateNote(
        id=site.uris.update(status_id, int(now.timestamp() * 1000)),
        actor=author.uri,
        to=note.to,
        cc=note.cc,
        published=now,
        note=note,
    )
    await tell(conn, author, update, here=True, away=True)


async def delete(
    conn: Connection, site: Site, author: Author, status_id: int, *, with_media: bool = False
) -> None:
    """Turn an own post into a tombstone and tell everybody who has it; call it inside a transaction.

    Its media stay for a while, for whoever writes it anew, unless they are to go with it.

    Raises:
        NotThere: The post does not exist or is another's.
    """
    post = await own_post(conn, author.id, status_id, most=MAX_BOOSTERS)
    if post is None:
        raise NotThere("Record not found")
    to, cc = audience_for(post.visibility, author.followers_uri, post.mentioned)
    counts = Counts()
    pictures = Pictures.DELETED if with_media else Pictures.DETACHED
    await tombstones.bury(conn, [status_id], counts, pictures=pictures)
    activity = Delete(
        id=site.uris.delete(status_id),
        actor=author.uri,
        to=to,
        cc=tuple(dict.fromkeys((*cc, *post.boosters))),
        object=post.uri,
    )
    await tell(conn, author, activity, here=True, away=True)
    await counts.write(conn)


async def _parent(conn: Connection, author: Author, status_id: int | None) -> StatusRow | None:
    """Return the post that is answered; an answer to a boost answers what it shares."""
    if status_id is None:
        return None
    row = await statuses.by_id(conn, status_id)
    if row is not None and row.reblog_of_id is not None:
        row = await statuses.by_id(conn, row.reblog_of_id)
    if row is None or row.id not in await visible_to(conn, author.id, [row.id]):
        raise NotThere("The post you are trying to reply to does not appear to exist")
    return row


async def _pictures(
    conn: Connection, site: Site, author: Author, revision: Revision, row: StatusRow
) -> tuple[Attachment, ...]:
    """Return the pictures of a post after an edit."""
    await say(conn, author, revision.descriptions)
    ids = await media.on_post(conn, row.id) if revision.media is None else revision.media
    return await hang(conn, site, author, ids, row.id)


async def _own_post(conn: Connection, author: Author, status_id: int) -> StatusRow:
    row = await statuses.by_id(conn, status_id)
    if row is None or row.actor_id != author.id or row.deleted_at or row.reblog_of_id is not None:
        raise NotThere("Record not found")
    return row


def _new_status(
    site: Site,
    author: Author,
    draft: Draft,
    mentioned: Mentioned,
    *,
    parent: StatusRow | None,
    status_id: int | None,
) -> NewStatus:
    status_id = site.ids.next() if status_id is None else status_id
    return NewStatus(
        id=status_id,
        uri=site.uris.status(status_id),
        url=site.uris.post_page(author.username, status_id),
        local=True,
        actor_id=author.id,
        conversation_id=parent.conversation_id if parent else status_id,
        visibility=draft.visibility,
        created_at=datetime.fromtimestamp(milliseconds_of(status_id) / 1000, UTC),
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_actor_id=parent.actor_id if parent else None,
        in_reply_to_uri=parent.uri if parent else None,
        content=_html(site, draft.text, mentioned),
        source=draft.text,
        spoiler_text=draft.spoiler_text,
        language=draft.language,
        sensitive=draft.sensitive,
        application=draft.application,
        object_type="Note" if draft.poll is None else "Question",
        poll=draft.poll,
        quote_policy=draft.quote_policy,
    )


def _revised(
    site: Site, author: Author, revision: Revision, mentioned: Mentioned, *, status_id: int, now: datetime
) -> edits.Revision:
    return edits.Revision(
        id=status_id,
        url=site.uris.post_page(author.username, status_id),
        title="",
        content=_html(site, revision.text, mentioned),
        source=revision.text,
        spoiler_text=revision.spoiler_text,
        language=revision.language,
        sensitive=revision.sensitive,
        quote_uri=None,
        attachments=(),
        emojis=(),
        poll=None,
        edited_at=now,
    )


def _html(site: Site, text: str, mentioned: Mentioned) -> str:
    links = {
        handle: ActorLink(uri=actor.uri, url=actor.url, username=actor.username)
        for handle, actor in mentioned.items()
    }
    return render(text, mentions=links, tag_url=site.uris.tag_page)


async def _name(conn: Connection, status_id: int, text: str, mentioned: Mentioned) -> None:
    """Store whom and what a post names."""
    people = {actor.id: actor for actor in mentioned.values()}
    await status_names.insert_mentions(
        conn,
        [
            NewMention(
                status_id=status_id,
                actor_uri=actor.uri,
                actor_id=actor.id,
                name=f"@{actor.username}@{actor.domain}",
            )
            for actor in people.values()
        ],
    )
    tags = scan(text).hashtags[:MAX_TAGS]
    await status_names.insert_tags(
        conn, [NewTag(status_id=status_id, tag=normalise_tag(tag), name=tag) for tag in tags]
    )


async def _note(conn: Connection, status_id: int) -> Note:
    """Return a post as other servers read it: what is sent and what is fetched are one document."""
    post = await post_by_id(conn, status_id)
    if post is None:
        raise NotThere("Record not found")
    return post.note
