"""Account entities."""

from collections.abc import Collection, Iterable, Mapping

from msgspec import UNSET

from services.platform_gateway.entities import midnight, timestamp
from services.platform_gateway.entities.accounts import (
    Account,
    AccountSource,
    CustomEmoji,
    ProfileField,
    Relationship,
    Role,
)
from services.platform_gateway.errors import not_found
from shared.database.api_actors import OwnRow, ProfileRow, actors_by_id, own_settings
from shared.database.api_relations import RelationRow, relations
from shared.database.pool import Connection
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import ActorKind, Emoji, QuotePolicy, Visibility

PRIVACY = {
    Visibility.PUBLIC: "public",
    Visibility.UNLISTED: "unlisted",
    Visibility.FOLLOWERS: "private",
    Visibility.DIRECT: "direct",
}
"""Visibilities as the client API names them."""

QUOTE_POLICY_NAMES = {
    QuotePolicy.PUBLIC: "public",
    QuotePolicy.FOLLOWERS: "followers",
    QuotePolicy.NOBODY: "nobody",
}
"""Who may quote unasked, as the client API names it."""

_BOTS = frozenset({ActorKind.SERVICE, ActorKind.APPLICATION})


def handle(row: ProfileRow, uris: LocalUris) -> str:
    """Return `user` for a local account, `user@domain` for a remote one."""
    return row.username if row.local or row.domain == uris.account_domain else f"{row.username}@{row.domain}"


def emojis(rows: Iterable[Emoji]) -> list[CustomEmoji]:
    """Return custom emojis."""
    return [CustomEmoji(shortcode=emoji.shortcode, url=emoji.url, static_url=emoji.url) for emoji in rows]


def account(row: ProfileRow, uris: LocalUris) -> Account:
    """Return an account as anybody sees it; of a suspended one only the name remains."""
    hidden = row.suspended_at is not None
    avatar = f"{uris.origin}/static/avatar.png" if hidden or not row.icon else row.icon
    header = f"{uris.origin}/static/header.png" if hidden or not row.image else row.image
    return Account(
        id=str(row.id),
        username=row.username,
        acct=handle(row, uris),
        display_name="" if hidden else row.display_name,
        locked=row.locked,
        bot=row.kind in _BOTS,
        discoverable=row.discoverable,
        indexable=row.indexable,
        group=row.kind is ActorKind.GROUP,
        created_at=midnight(row.created_at),
        note="" if hidden else row.summary,
        url=row.url or row.uri,
        uri=row.uri,
        avatar=avatar,
        avatar_static=avatar,
        header=header,
        header_static=header,
        followers_count=0 if hidden else row.followers_count,
        following_count=0 if hidden else row.following_count,
        statuses_count=0 if hidden else row.statuses_count,
        last_status_at=None if row.last_status_at is None else row.last_status_at.date().isoformat(),
        hide_collections=row.hide_collections if row.local else None,
        emojis=[] if hidden else emojis(row.emojis),
        fields=[] if hidden else _fields(row),
        roles=[] if row.local else UNSET,
        noindex=not row.indexable if row.local else UNSET,
        suspended=True if hidden else UNSET,
    )


def _fields(row: ProfileRow) -> list[ProfileField]:
    return [
        ProfileField(name=field.name, value=field.value, verified_at=field.verified_at)
        for field in row.fields
    ]


def own_account(row: ProfileRow, own: OwnRow, uris: LocalUris) -> Account:
    """Return an account as its owner sees it."""
    entity = account(row, uris)
    entity.source = AccountSource(
        privacy=PRIVACY[own.default_visibility],
        sensitive=own.default_sensitive,
        language=own.default_language,
        note=own.note_source,
        fields=[
            ProfileField(name=field.name, value=field.value, verified_at=field.verified_at)
            for field in own.field_sources
        ],
        follow_requests_count=own.follow_requests,
        hide_collections=row.hide_collections,
        discoverable=row.discoverable,
        indexable=row.indexable,
        quote_policy=QUOTE_POLICY_NAMES[own.default_quote_policy],
    )
    entity.role = Role()
    return entity


async def load_accounts(conn: Connection, ids: Collection[int], uris: LocalUris) -> dict[int, Account]:
    """Return accounts by id; those that are gone are left out."""
    rows = await actors_by_id(conn, set(ids))
    targets = {row.moved_to_id for row in rows.values() if row.moved_to_id is not None}
    known = {**await actors_by_id(conn, targets - rows.keys()), **rows}
    return {row.id: _whole(row, known, uris) for row in rows.values()}


def _whole(row: ProfileRow, known: Mapping[int, ProfileRow], uris: LocalUris) -> Account:
    """Return an account with the one that it moved to."""
    entity = account(row, uris)
    if row.moved_to_id is not None and row.moved_to_id in known:
        entity.moved = account(known[row.moved_to_id], uris)
    return entity


async def load_account(conn: Connection, actor_id: int, uris: LocalUris) -> Account:
    """Return one account, or end the request with 404."""
    known = await load_accounts(conn, [actor_id], uris)
    if actor_id not in known:
        raise not_found()
    return known[actor_id]


async def load_own_account(conn: Connection, account_id: int, uris: LocalUris) -> Account:
    """Return the account of the caller."""
    rows = await actors_by_id(conn, [account_id])
    if account_id not in rows:
        raise not_found()
    return own_account(rows[account_id], await own_settings(conn, account_id), uris)


def relationship(row: RelationRow) -> Relationship:
    """Return what lies between the caller and another account."""
    return Relationship(
        id=str(row.id),
        following=row.following,
        showing_reblogs=row.following and row.showing_reblogs,
        followed_by=row.followed_by,
        blocking=row.blocking,
        blocked_by=row.blocked_by,
        muting=row.muting,
        muting_notifications=row.muting_notifications,
        requested=row.requested,
        requested_by=row.requested_by,
        muting_expires_at=None if row.muting_expires_at is None else timestamp(row.muting_expires_at),
        domain_blocking=row.domain_blocking,
    )


async def load_relationship(conn: Connection, viewer_id: int, actor_id: int) -> Relationship:
    """Return what lies between the caller and one account, or end the request with 404."""
    rows = await relations(conn, viewer_id, [actor_id])
    if not rows:
        raise not_found()
    return relationship(rows[0])
