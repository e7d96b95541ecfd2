"""Status entities: a whole list with three queries, however long it is; a single post with two."""

import html
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import UNSET, Struct, structs

from services.platform_gateway.entities import timestamp
from services.platform_gateway.entities.accounts import Account
from services.platform_gateway.entities.statuses import (
    Application,
    MentionedAccount,
    Quote,
    QuoteApproval,
    Status,
    StatusEdit,
    StatusTag,
)
from services.platform_gateway.errors import not_found
from services.platform_gateway.rendering import media
from services.platform_gateway.rendering.accounts import PRIVACY, emojis, load_accounts
from shared.database import api_statuses, follows
from shared.database.api_quotes import QuoteView, views
from shared.database.api_statuses import EditRow, Marks, Seen, StatusRow, marks_of, statuses_by_id
from shared.database.follows import FollowState
from shared.database.pool import Connection
from shared.database.quotes import QuoteState
from shared.policy.quotes import Circle, Expected, Quoter, QuoteTerms, expected
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import Visibility

_CIRCLES: Final = {
    Circle.PUBLIC: "public",
    Circle.FOLLOWERS: "followers",
    Circle.FOLLOWING: "following",
    Circle.OTHERS: "unsupported_policy",
}
_STRANGER: Final = Quoter()
UNMARKED = Marks(favourited=False, reblogged=False, bookmarked=False, pinned=False)


class _Material(Struct, frozen=True, kw_only=True):
    """Everything that the posts of one list need, loaded together."""

    statuses: dict[int, StatusRow]
    accounts: dict[int, Account]
    marks: dict[int, Marks]
    quoted: dict[int, QuoteView]
    quoters: dict[int, Quoter]
    viewer_id: int | None
    uris: LocalUris


async def load_statuses(
    conn: Connection, ids: Sequence[int], viewer_id: int | None, uris: LocalUris
) -> list[Status]:
    """Return posts in the order of their ids; what is gone, author included, is left out.

    Visibility is the caller's business: the ids come from a query that keeps it.
    """
    seen = Seen(await statuses_by_id(conn, ids), {})
    return await _render(conn, ids, seen, viewer_id, uris)


async def _render(
    conn: Connection, ids: Sequence[int], seen: Seen, viewer_id: int | None, uris: LocalUris
) -> list[Status]:
    """Return those of these posts that were found, with what is still missing to show them."""
    rows, marks = dict(seen.rows), dict(seen.marks)
    quoted = await _quoted(conn, rows, viewer_id)
    accounts = await load_accounts(conn, {row.actor_id for row in rows.values()}, uris)
    unasked = rows.keys() - marks.keys()
    if viewer_id is not None and unasked:
        marks.update(await marks_of(conn, viewer_id, unasked))
    material = _Material(
        statuses=rows,
        accounts=accounts,
        marks=marks,
        quoted=quoted,
        quoters=await _quoters(conn, rows.values(), viewer_id),
        viewer_id=viewer_id,
        uris=uris,
    )
    rendered = (_status(material, identifier) for identifier in ids)
    return [status for status in rendered if status is not None]


async def _quoted(
    conn: Connection, rows: dict[int, StatusRow], viewer_id: int | None
) -> dict[int, QuoteView]:
    """Load the posts that these posts quote into `rows`; return how each quote is shown, by who quotes."""
    quoting = {row.id: row.quote_uri for row in rows.values() if row.quote_uri}
    if not quoting:
        return {}
    found = await views(conn, viewer_id, quoting)
    wanted = {view.quoted_id for view in found.values() if view.quoted_id is not None and view.shown}
    rows.update(await statuses_by_id(conn, wanted - rows.keys()))
    return found


async def _quoters(conn: Connection, rows: Collection[StatusRow], viewer_id: int | None) -> dict[int, Quoter]:
    """Return what the viewer is to those authors whose terms depend on it."""
    authors = {row.actor_id for row in rows if row.quote_terms is not None and row.quote_terms.personal}
    if viewer_id is None or not authors:
        return {}
    known = await follows.between(conn, [pair for a in authors for pair in ((viewer_id, a), (a, viewer_id))])
    accepted = {pair for pair, row in known.items() if row.state is FollowState.ACCEPTED}
    return {
        author: Quoter(follows=(viewer_id, author) in accepted, followed=(author, viewer_id) in accepted)
        for author in authors
    }


async def load_status(conn: Connection, status_id: int, viewer_id: int | None, uris: LocalUris) -> Status:
    """Return one post, or end the request with 404 where the viewer may not see it."""
    seen = await require_seen(conn, status_id, viewer_id)
    return await show_seen(conn, seen, status_id, viewer_id, uris)


async def show_seen(
    conn: Connection, seen: Seen, status_id: int, viewer_id: int | None, uris: LocalUris
) -> Status:
    """Return a post that was found, or end the request with 404 where its author or original is gone."""
    found = await _render(conn, [status_id], seen, viewer_id, uris)
    if not found:
        raise not_found()
    return found[0]


async def require_visible(conn: Connection, status_id: int, viewer_id: int | None) -> StatusRow:
    """Return a post's row, or end the request with 404 where the viewer may not see it."""
    return (await require_seen(conn, status_id, viewer_id)).rows[status_id]


async def require_seen(conn: Connection, status_id: int, viewer_id: int | None) -> Seen:
    """Return what `show_seen` takes, or end the request with 404 where the viewer may not see the post."""
    seen = await api_statuses.seen(conn, viewer_id, status_id)
    if status_id not in seen.rows:
        raise not_found()
    return seen


def _status(material: _Material, identifier: int) -> Status | None:
    row = material.statuses.get(identifier)
    if row is None or row.actor_id not in material.accounts:
        return None
    reblog = None
    if row.reblog_of_id is not None:
        reblog = _status(material, row.reblog_of_id)
        if reblog is None:
            return None
    entity = plain(row, material.accounts[row.actor_id], material.uris)
    if reblog is not None:
        dress_as(entity, reblog)
    _quote(material, row, entity)
    if material.viewer_id is not None:
        _mark(material, row, entity)
    return entity


def plain(row: StatusRow, author: Account, uris: LocalUris) -> Status:
    """Return a post as everybody sees it, without what it shares or quotes."""
    return Status(
        id=str(row.id),
        created_at=timestamp(row.created_at),
        in_reply_to_id=_text(row.in_reply_to_id),
        in_reply_to_account_id=_text(row.in_reply_to_actor_id),
        sensitive=row.sensitive,
        spoiler_text=row.spoiler_text,
        visibility=PRIVACY[row.visibility],
        language=row.language,
        uri=row.uri,
        url=row.url or row.uri,
        replies_count=row.replies_count,
        reblogs_count=row.reblogs_count,
        favourites_count=row.favourites_count,
        edited_at=None if row.edited_at is None else timestamp(row.edited_at),
        content=_content(row),
        reblog=None,
        account=author,
        media_attachments=media.attachments(row.id, row.attachments),
        mentions=_mentions(row, uris),
        tags=tags(row.tags, uris),
        emojis=emojis(row.emojis),
        poll=media.poll(row),
        quotes_count=row.quotes_count,
        quote_approval=_approval(row),
        application=(Application(name=row.application) if row.application else None) if row.local else UNSET,
    )


def _quote(material: _Material, row: StatusRow, entity: Status) -> None:
    """Show what a post quotes: the post itself where the viewer may and wants to see it, else a link."""
    if not row.quote_uri:
        return
    view = material.quoted.get(row.id)
    state = "" if view is None else quote_state(view)
    quoted = material.statuses.get((view.quoted_id or 0) if view is not None and view.shown else 0)
    if state == "accepted" and quoted is not None and quoted.actor_id in material.accounts:
        inner = plain(quoted, material.accounts[quoted.actor_id], material.uris)
        if material.viewer_id is not None:
            _mark(material, quoted, inner)
        entity.quote = Quote(state=state, quoted_status=inner)
    elif state not in {"", "accepted"}:
        entity.quote = Quote(state=state)
    elif row.quote_uri not in entity.content and "RE: " not in entity.content:
        link = html.escape(row.quote_uri)
        entity.content += f'<p>RE: <a href="{link}" rel="nofollow noopener">{link}</a></p>'


def quote_state(view: QuoteView) -> str:
    """Return what a client is told of a quote; "accepted" is only shown where the quoted post can be."""
    if view.state in {QuoteState.REJECTED, QuoteState.REVOKED}:
        return view.state.name.lower()
    if view.deleted:
        return "deleted"
    if view.own or view.state is QuoteState.ACCEPTED:
        return "accepted"
    if view.state is QuoteState.PENDING:
        return "pending"
    return "unauthorized" if view.closed else "accepted"


def _approval(row: StatusRow, quoter: Quoter | None = None) -> QuoteApproval:
    """Return who may quote a post, and whether the viewer may, if that is known without or with a viewer."""
    terms = QuoteTerms() if row.visibility > Visibility.UNLISTED else row.quote_terms
    if terms is None:
        return QuoteApproval(automatic=[])
    known = quoter is not None or not terms.personal
    word = expected(terms, row.visibility, quoter or _STRANGER) if known else Expected.UNKNOWN
    return QuoteApproval(
        automatic=_names(terms.automatic), manual=_names(terms.manual), current_user=word.value
    )


def _names(circle: Circle) -> list[str]:
    return [name for part, name in _CIRCLES.items() if part in circle]


def dress_as(entity: Status, reblog: Status) -> None:
    """Let a boost carry the texts of what it shares: clients that know no boosts show it so."""
    entity.reblog = reblog
    entity.content, entity.spoiler_text = reblog.content, reblog.spoiler_text
    entity.sensitive, entity.language = reblog.sensitive, reblog.language
    entity.url = reblog.url
    entity.quote_approval = reblog.quote_approval


def _mark(material: _Material, row: StatusRow, entity: Status) -> None:
    if row.actor_id in material.quoters and row.reblog_of_id is None:
        entity.quote_approval = _approval(row, material.quoters[row.actor_id])
    own = material.marks.get(row.reblog_of_id or row.id, UNMARKED)
    mark(entity, own, mine=row.actor_id == material.viewer_id)


def mark(entity: Status, own: Marks, *, mine: bool) -> None:
    """Show what the viewer did with a post, or with what a boost shares.

    Args:
        entity: The post or boost.
        own: What the viewer did.
        mine: Whether the viewer wrote or boosted it.
    """
    entity.favourited, entity.reblogged, entity.bookmarked = own.favourited, own.reblogged, own.bookmarked
    entity.muted = False
    entity.filtered = []
    if entity.poll is not None:
        entity.poll.voted = bool(own.votes) or mine
        entity.poll.own_votes = list(own.votes)
    if mine:
        entity.pinned = entity.reblog is None and own.pinned
        if entity.reblog is None:
            entity.quote_approval = structs.replace(entity.quote_approval, current_user="automatic")


def _content(row: StatusRow) -> str:
    # Titled types carry their title in the text already, so that they are readable anywhere.
    if not row.title or html.escape(row.title, quote=False) in row.content:
        return row.content
    return f"<p><strong>{html.escape(row.title)}</strong></p>{row.content}"


def _mentions(row: StatusRow, uris: LocalUris) -> list[MentionedAccount]:
    return [
        MentionedAccount(
            id=str(mention.id),
            username=mention.username,
            url=mention.url,
            acct=mention.username
            if mention.domain == uris.account_domain
            else f"{mention.username}@{mention.domain}",
        )
        for mention in row.mentions
    ]


def tags(names: Iterable[str], uris: LocalUris) -> list[StatusTag]:
    """Return the hashtags of a post."""
    return [StatusTag(name=name.lower(), url=uris.tag_page(name.lower())) for name in names]


def edits(status: Status, row: StatusRow, earlier: Collection[EditRow]) -> list[StatusEdit]:
    """Return all versions of a post, the oldest first; each is dated by when it was made."""
    versions = [
        StatusEdit(
            content=edit.content,
            spoiler_text=edit.spoiler_text,
            sensitive=edit.sensitive,
            created_at=timestamp(edit.created_at),
            account=status.account,
            media_attachments=media.attachments(row.id, edit.attachments),
            emojis=emojis(edit.emojis),
        )
        for edit in earlier
    ]
    now = StatusEdit(
        content=status.content,
        spoiler_text=status.spoiler_text,
        sensitive=status.sensitive,
        created_at=status.edited_at or status.created_at,
        account=status.account,
        media_attachments=status.media_attachments,
        emojis=status.emojis,
    )
    return [*versions, now]


def _text(identifier: int | None) -> str | None:
    return None if identifier is None else str(identifier)
