"""Posts as the client API shows them: everything about many of them in two queries, about one in one."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.database.quotes import terms_in
from shared.database.visible import VISIBLE
from shared.policy.quotes import QuoteTerms
from shared.protocol.objects import Attachment, Emoji, Poll, Visibility


class MentionRow(Struct, frozen=True):
    """An actor named in a post."""

    id: int
    username: str
    domain: str
    url: str


class StatusRow(Struct, frozen=True, kw_only=True):
    """A post, or a boost where `reblog_of_id` is set; `tags` are as written."""

    id: int
    uri: str
    url: str
    local: bool
    actor_id: int
    reblog_of_id: int | None
    in_reply_to_id: int | None
    in_reply_to_actor_id: int | None
    conversation_id: int
    object_type: str
    title: str
    content: str
    source: str
    spoiler_text: str
    language: str | None
    visibility: Visibility
    sensitive: bool
    attachments: tuple[Attachment, ...]
    emojis: tuple[Emoji, ...]
    poll: Poll | None
    quote_uri: str | None
    quote_terms: QuoteTerms | None
    application: str
    replies_count: int
    reblogs_count: int
    favourites_count: int
    quotes_count: int
    created_at: datetime
    edited_at: datetime | None
    tags: tuple[str, ...]
    mentions: tuple[MentionRow, ...]


class Marks(Struct, frozen=True):
    """What a viewer did with a post."""

    favourited: bool
    reblogged: bool
    bookmarked: bool
    pinned: bool
    votes: tuple[int, ...] = ()


_SELECT = """
SELECT s.id, s.uri, s.url, s.local, s.actor_id, s.reblog_of_id, s.in_reply_to_id, s.in_reply_to_actor_id,
       s.conversation_id, s.object_type, s.title, s.content, s.source, s.spoiler_text, s.language,
       s.visibility, s.sensitive, s.attachments, s.emojis, s.poll, s.quote_uri, s.quote_policy, s.quote_terms,
       s.application,
       s.replies_count, s.reblogs_count, s.favourites_count, s.created_at, s.edited_at,
       (SELECT count(*) FROM quotes q WHERE q.quoted_hash = s.uri_hash AND q.state = 1) AS quotes_count,
       ARRAY(SELECT t.name FROM status_tags t WHERE t.status_id = s.id ORDER BY t.name) AS tags,
       (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'username', a.username, 'domain', a.domain,
                                            'url', coalesce(nullif(a.url, ''), a.uri)) ORDER BY a.id)
          FROM mentions m
         CROSS JOIN LATERAL (SELECT * FROM actors t WHERE t.id = m.actor_id OFFSET 0) a
         WHERE m.status_id = s.id AND a.deleted_at IS NULL) AS mentions
"""

_BY_ID = f"""{_SELECT}
  FROM statuses s
 WHERE s.deleted_at IS NULL
   AND s.id = ANY($1::bigint[] || ARRAY(SELECT b.reblog_of_id FROM statuses b
                                         WHERE b.id = ANY($1::bigint[]) AND b.reblog_of_id IS NOT NULL))
"""  # noqa: S608 - constants


def _status(row: Record) -> StatusRow:
    values = dict(row)
    values["visibility"] = Visibility(row["visibility"])
    del values["quote_policy"]
    values.pop("marks", None)
    values["quote_terms"] = terms_in(row)
    values["attachments"] = msgspec.convert(row["attachments"], tuple[Attachment, ...])
    values["emojis"] = msgspec.convert(row["emojis"], tuple[Emoji, ...])
    values["poll"] = None if row["poll"] is None else msgspec.convert(row["poll"], Poll)
    values["tags"] = tuple(row["tags"])
    values["mentions"] = msgspec.convert(row["mentions"] or (), tuple[MentionRow, ...])
    return StatusRow(**values)


async def statuses_by_id(conn: Connection, ids: Collection[int]) -> dict[int, StatusRow]:
    """Return the posts of these ids that are still there, and the posts that boosts among them share."""
    if not ids:
        return {}
    rows = await conn.fetch(_BY_ID, list(ids))
    return {row["id"]: _status(row) for row in rows}


MARKS = """
SELECT f.status_id AS id, 0 AS mark FROM favourites f
 WHERE f.actor_id = $1 AND f.status_id = ANY(:ids)
UNION ALL
SELECT b.reblog_of_id, 1 FROM statuses b
 WHERE b.reblog_of_id = ANY(:ids) AND b.actor_id = $1 AND b.deleted_at IS NULL
UNION ALL
SELECT k.status_id, 2 FROM bookmarks k WHERE k.actor_id = $1 AND k.status_id = ANY(:ids)
UNION ALL
SELECT p.status_id, 3 FROM pins p WHERE p.actor_id = $1 AND p.status_id = ANY(:ids)
"""
"""What a viewer `$1` did with posts, votes apart, as `marks_by_post` takes it; `:ids` is SQL of an array."""

_MARKS_AND_VOTES = f"""{MARKS}
UNION ALL
SELECT v.status_id, 4 + v.choice FROM poll_votes v WHERE v.actor_id = $1 AND v.status_id = ANY(:ids)
"""  # noqa: S608 - constants
_MARKS = _MARKS_AND_VOTES.replace(":ids", "$2::bigint[]")
_FAVOURITED, _REBLOGGED, _BOOKMARKED, _PINNED, _VOTED = range(5)


async def marks_of(conn: Connection, viewer_id: int, ids: Collection[int]) -> dict[int, Marks]:
    """Return what a viewer did with those of these posts that they did anything with."""
    return marks_by_post((row[0], row[1]) for row in await conn.fetch(_MARKS, viewer_id, list(ids)))


def marks_by_post(rows: Iterable[tuple[int, int]]) -> dict[int, Marks]:
    """Return the marks that were found, each with its post's id before it, by post."""
    found: dict[int, set[int]] = {}
    for status_id, mark in rows:
        found.setdefault(status_id, set()).add(mark)
    return {status_id: _marks(marks) for status_id, marks in found.items()}


def _marks(marks: Collection[int]) -> Marks:
    return Marks(
        favourited=_FAVOURITED in marks,
        reblogged=_REBLOGGED in marks,
        bookmarked=_BOOKMARKED in marks,
        pinned=_PINNED in marks,
        votes=tuple(sorted(one - _VOTED for one in marks if one >= _VOTED)),
    )


class Seen(Struct, frozen=True):
    """Posts, and what their viewer did with each of them; nothing, where nobody is signed in."""

    rows: dict[int, StatusRow]
    marks: dict[int, Marks]


# Each step is a probe of an index, whatever the planner believes: it may have planned when there was little.
_SEEN = f"""{_SELECT},
       ARRAY(SELECT m.mark FROM ({_MARKS_AND_VOTES.replace(":ids", "ARRAY[s.id]")}) m) AS marks
  FROM (SELECT s.id, s.reblog_of_id FROM (SELECT * FROM statuses t WHERE t.id = $2 OFFSET 0) s
         WHERE {VISIBLE}) v
 CROSS JOIN LATERAL unnest(ARRAY[v.id, v.reblog_of_id]) k (id)
 CROSS JOIN LATERAL (SELECT * FROM statuses t WHERE t.id = k.id OFFSET 0) s
 WHERE s.deleted_at IS NULL
"""  # noqa: S608 - constants


async def seen(conn: Connection, viewer_id: int | None, status_id: int) -> Seen:
    """Return a post if the viewer may see it, with what it shares if it is a boost."""
    rows = await conn.fetch(_SEEN, viewer_id, status_id)
    return Seen({row["id"]: _status(row) for row in rows}, {row["id"]: _marks(row["marks"]) for row in rows})


class Version(Struct, frozen=True):
    """What tells whether a post, and its author, are still as they were: their rows' last transactions."""

    id: int
    version: int
    actor_id: int
    actor_version: int
    reblog_of_id: int | None


_VERSIONS = """
SELECT s.id, s.xmin AS version, s.actor_id, a.xmin AS actor_version, s.reblog_of_id
  FROM statuses s JOIN actors a ON a.id = s.actor_id
 WHERE s.deleted_at IS NULL AND a.deleted_at IS NULL
   AND s.id = ANY($1::bigint[] || ARRAY(SELECT b.reblog_of_id FROM statuses b
                                         WHERE b.id = ANY($1::bigint[]) AND b.reblog_of_id IS NOT NULL))
"""


async def versions(conn: Connection, ids: Collection[int]) -> dict[int, Version]:
    """Return the versions of these posts, as far as they are there, and of what boosts among them share."""
    return {row[0]: Version(*row) for row in await conn.fetch(_VERSIONS, list(ids))}


class Shown(Struct):
    """What showing some posts takes: versions, of what boosts share as well, and a viewer's marks."""

    versions: dict[int, Version] = {}
    marks: dict[int, Marks] = {}

    def take(self, other: "Shown") -> None:
        """Take in what showing others takes."""
        self.versions.update(other.versions)
        self.marks.update(other.marks)

    async def complete(self, conn: Connection, ids: Collection[int], viewer_id: int | None) -> None:
        """Look up what is missing for some posts."""
        missing = [one for one in ids if one not in self.versions]
        if not missing:
            return
        found = await versions(conn, missing)
        self.versions.update(found)
        if viewer_id is not None and found:
            self.marks.update(await marks_of(conn, viewer_id, found.keys()))


class EditRow(Struct, frozen=True, kw_only=True):
    """An earlier version of a post."""

    created_at: datetime
    content: str
    spoiler_text: str
    sensitive: bool
    attachments: tuple[Attachment, ...]
    emojis: tuple[Emoji, ...]


async def edits_of(conn: Connection, status_id: int) -> Sequence[EditRow]:
    """Return the earlier versions of a post, the oldest first."""
    rows = await conn.fetch(
        """
        SELECT created_at, content, spoiler_text, sensitive, attachments, emojis
          FROM status_edits WHERE status_id = $1 ORDER BY created_at
        """,
        status_id,
    )
    return [
        EditRow(
            created_at=row["created_at"],
            content=row["content"],
            spoiler_text=row["spoiler_text"],
            sensitive=row["sensitive"],
            attachments=msgspec.convert(row["attachments"], tuple[Attachment, ...]),
            emojis=msgspec.convert(row["emojis"], tuple[Emoji, ...]),
        )
        for row in rows
    ]
