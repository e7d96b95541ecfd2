"""Timelines, as ids: newest first, already without what the viewer may not or does not want to see."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.paging import Page
from shared.database.pool import Connection
from shared.database.visible import VISIBLE, hides

_PUBLIC = f"""
SELECT s.id
  FROM statuses s
  JOIN actors a ON a.id = s.actor_id
 WHERE s.visibility = 0 AND s.deleted_at IS NULL AND s.reblog_of_id IS NULL AND s.in_reply_to_uri IS NULL
   AND s.id < $2 AND s.id > $3 :origin :media
   AND a.suspended_at IS NULL AND a.deleted_at IS NULL
   AND NOT EXISTS (SELECT FROM domain_blocks d
                    WHERE a.domain = d.domain OR a.domain LIKE '%.' || d.domain)
   AND NOT EXISTS (SELECT FROM account_domain_blocks q
                    WHERE q.account_id = $1::bigint AND q.domain = a.domain)
   AND NOT EXISTS (SELECT FROM blocks vb WHERE vb.actor_id = s.actor_id AND vb.target_id = $1::bigint)
   AND {hides("s.actor_id")}
 ORDER BY s.id :order
 LIMIT $4
"""  # noqa: S608 - constants

_ORIGINS = {None: "", True: "AND s.local", False: "AND NOT s.local"}
_WITH_MEDIA = "AND jsonb_array_length(s.attachments) > 0"


async def public(
    conn: Connection, viewer_id: int | None, page: Page, *, local: bool | None, only_media: bool
) -> list[int]:
    """Return a page of all public posts that answer nothing; `local` limits it to ours, or to others'."""
    query = _PUBLIC.replace(":origin", _ORIGINS[local]).replace(":media", _WITH_MEDIA if only_media else "")
    rows = await conn.fetch(page.query(query), viewer_id, page.below, page.above, page.limit)
    return page.newest_first([row["id"] for row in rows])


class TagFilter(Struct, frozen=True, kw_only=True):
    """Normalised hashtags: any one of `some`, each of `every`, none of `none`."""

    some: tuple[str, ...]
    every: tuple[str, ...] = ()
    none: tuple[str, ...] = ()


_TAG = f"""
SELECT DISTINCT s.id
  FROM status_tags t
  JOIN statuses s ON s.id = t.status_id
  JOIN actors a ON a.id = s.actor_id
 WHERE t.tag = ANY($5::text[]) AND s.visibility = 0 AND s.deleted_at IS NULL
   AND s.id < $2 AND s.id > $3 :origin :media
   AND (SELECT count(*) FROM status_tags e WHERE e.status_id = s.id AND e.tag = ANY($6::text[]))
       = cardinality($6::text[])
   AND NOT EXISTS (SELECT FROM status_tags x WHERE x.status_id = s.id AND x.tag = ANY($7::text[]))
   AND a.suspended_at IS NULL AND a.deleted_at IS NULL
   AND NOT EXISTS (SELECT FROM domain_blocks d
                    WHERE a.domain = d.domain OR a.domain LIKE '%.' || d.domain)
   AND NOT EXISTS (SELECT FROM account_domain_blocks q
                    WHERE q.account_id = $1::bigint AND q.domain = a.domain)
   AND NOT EXISTS (SELECT FROM blocks vb WHERE vb.actor_id = s.actor_id AND vb.target_id = $1::bigint)
   AND {hides("s.actor_id")}
 ORDER BY s.id :order
 LIMIT $4
"""  # noqa: S608 - constants


async def tagged(
    conn: Connection,
    viewer_id: int | None,
    page: Page,
    tags: TagFilter,
    *,
    local: bool | None,
    only_media: bool,
) -> list[int]:
    """Return a page of the public posts under some hashtags."""
    query = _TAG.replace(":origin", _ORIGINS[local]).replace(":media", _WITH_MEDIA if only_media else "")
    rows = await conn.fetch(
        page.query(query),
        viewer_id,
        page.below,
        page.above,
        page.limit,
        list(tags.some),
        list(dict.fromkeys(tags.every)),
        list(tags.none),
    )
    return page.newest_first([row["id"] for row in rows])


class AccountFilter(Struct, frozen=True, kw_only=True):
    """Which of an account's posts are wanted; `tag` is normalised."""

    only_media: bool = False
    exclude_replies: bool = False
    exclude_reblogs: bool = False
    tag: str = ""


_ACCOUNT = f"""
SELECT s.id
  FROM statuses s
  LEFT JOIN statuses r ON r.id = s.reblog_of_id
 WHERE s.actor_id = $5 AND s.id < $2 AND s.id > $3
   AND {VISIBLE}
   AND (s.reblog_of_id IS NULL
        OR (r.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM blocks rb
                             WHERE (rb.actor_id = r.actor_id AND rb.target_id = $1::bigint)
                                OR (rb.actor_id = $1::bigint AND rb.target_id = r.actor_id))))
   AND (NOT $6 OR jsonb_array_length(s.attachments) > 0)
   AND (NOT $7 OR s.in_reply_to_uri IS NULL OR s.in_reply_to_actor_id = s.actor_id)
   AND (NOT $8 OR s.reblog_of_id IS NULL)
   AND ($9 = '' OR EXISTS (SELECT FROM status_tags t WHERE t.status_id = s.id AND t.tag = $9))
 ORDER BY s.id :order
 LIMIT $4
"""  # noqa: S608 - constants


async def of_account(
    conn: Connection, viewer_id: int | None, actor_id: int, page: Page, wanted: AccountFilter
) -> list[int]:
    """Return a page of what an actor posted and boosted, as far as the viewer may see it."""
    rows = await conn.fetch(
        page.query(_ACCOUNT),
        viewer_id,
        page.below,
        page.above,
        page.limit,
        actor_id,
        wanted.only_media,
        wanted.exclude_replies,
        wanted.exclude_reblogs,
        wanted.tag,
    )
    return page.newest_first([row["id"] for row in rows])


_PINNED = f"""
SELECT s.id
  FROM pins p
  JOIN statuses s ON s.id = p.status_id
 WHERE p.actor_id = $5 AND s.id < $2 AND s.id > $3 AND {VISIBLE}
 ORDER BY s.id :order
 LIMIT $4
"""  # noqa: S608 - constants


async def pinned(conn: Connection, viewer_id: int | None, actor_id: int, page: Page) -> list[int]:
    """Return a page of what an actor pinned, as far as the viewer may see it."""
    rows = await conn.fetch(page.query(_PINNED), viewer_id, page.below, page.above, page.limit, actor_id)
    return page.newest_first([row["id"] for row in rows])


class Marked(Struct, frozen=True):
    """A post in a list that has ids of its own."""

    cursor: int
    status_id: int


_FAVOURITES = f"""
SELECT f.id AS cursor, s.id
  FROM favourites f
  JOIN statuses s ON s.id = f.status_id
 WHERE f.actor_id = $1 AND f.id < $2 AND f.id > $3 AND {VISIBLE}
 ORDER BY f.id :order
 LIMIT $4
"""  # noqa: S608 - constants

_BOOKMARKS = f"""
SELECT k.id AS cursor, s.id
  FROM bookmarks k
  JOIN statuses s ON s.id = k.status_id
 WHERE k.actor_id = $1 AND k.id < $2 AND k.id > $3 AND {VISIBLE}
 ORDER BY k.id :order
 LIMIT $4
"""  # noqa: S608 - constants


async def favourites(conn: Connection, account_id: int, page: Page) -> Sequence[Marked]:
    """Return a page of what an account likes, the latest like first."""
    rows = await conn.fetch(page.query(_FAVOURITES), account_id, page.below, page.above, page.limit)
    return page.newest_first([Marked(row["cursor"], row["id"]) for row in rows])


async def bookmarks(conn: Connection, account_id: int, page: Page) -> Sequence[Marked]:
    """Return a page of what an account bookmarked, the latest bookmark first."""
    rows = await conn.fetch(page.query(_BOOKMARKS), account_id, page.below, page.above, page.limit)
    return page.newest_first([Marked(row["cursor"], row["id"]) for row in rows])
