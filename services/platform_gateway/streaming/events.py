"""From ids of what happened to what each listener is shown: looked up once for all, checked for each."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from services.platform_gateway.client_api.notifications import load_notifications
from services.platform_gateway.entities.statuses import Status
from services.platform_gateway.rendering.filtering import Filters
from services.platform_gateway.rendering.statuses import load_statuses
from services.platform_gateway.streaming.channels import LIST, NOTIFICATIONS, USER, Channel
from shared.database import live as live_reads
from shared.database.api_notifications import NotificationRow
from shared.database.filters import FilterRow, in_force
from shared.database.live import LivePost
from shared.database.pool import Connection
from shared.protocol.live import Live
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import Visibility

UPDATE, EDIT, DELETE, NOTIFICATION = "update", "status.update", "delete", "notification"
FILTERS = "filters_changed"

_HOME = Channel(USER)
_encoder = msgspec.json.Encoder()

Listeners = Mapping[int | None, frozenset[Channel]]


class Showing(Struct, frozen=True):
    """What an account is to be sent on those of its streams; `account_id` is None for visitors."""

    account_id: int | None
    channels: Sequence[Channel]
    kind: str
    payload: str


class Events:
    """What one change means for those who listen.

    Args:
        conn: Where to look things up.
        uris: Who we are.
        live: What happened.
        listeners: Which account listens to what.
    """

    def __init__(self, conn: Connection, uris: LocalUris, live: Live, listeners: Listeners) -> None:
        self._conn = conn
        self._uris = uris
        self._live = live
        self._accounts = [account for account in listeners if account is not None]
        self._home = [account for account in self._accounts if _HOME in listeners[account]]
        self._lists: dict[int, list[int]] = {}
        for account in self._accounts:
            for channel in listeners[account]:
                if channel.list_id:
                    self._lists.setdefault(channel.list_id, []).append(account)
        self._public = {
            account: channels
            for account, heard in listeners.items()
            if (channels := [channel for channel in heard if not channel.personal])
        }
        self._posts: dict[int, LivePost] = {}
        self._shared: dict[int, Status] = {}
        self._filters: dict[int, Filters] | None = None

    async def showings(self) -> AsyncIterator[Showing]:
        """Yield everything that is to be sent, in the order in which it happened."""
        live = self._live
        self._posts = await live_reads.posts(self._conn, [*live.new, *live.changed, *live.gone])
        for kind, ids in ((UPDATE, live.new), (EDIT, live.changed)):
            wanted = await self._readers([one for one in ids if not self._gone(one)])
            for reader, streams in wanted.items():
                for status in await self._rendered(kind, list(streams), reader):
                    channels = await self._filtered(status, streams[int(status.id)], reader)
                    if channels:
                        yield Showing(reader, channels, kind, _encoder.encode(status).decode())
        for reader, status_id, channels in await self._losers(live.gone):
            yield Showing(reader, channels, DELETE, str(status_id))
        for owner, payload in await self._told(live.told):
            yield Showing(owner, (_HOME, Channel(NOTIFICATIONS)), NOTIFICATION, payload)
        for owner in dict.fromkeys(live.filters):
            # It says nothing more; as a word, since an event without data is none over SSE.
            yield Showing(owner, (_HOME,), FILTERS, "undefined")

    def _gone(self, status_id: int) -> bool:
        return status_id not in self._posts or self._posts[status_id].deleted

    async def _readers(self, ids: Sequence[int]) -> dict[int | None, dict[int, list[Channel]]]:
        """Return who is shown which of these posts, and on which streams."""
        wanted: dict[int | None, dict[int, list[Channel]]] = {}
        if ids and self._home:
            for owner, status_id in await live_reads.home_of(self._conn, ids, self._home):
                wanted.setdefault(owner, {}).setdefault(status_id, []).append(_HOME)
        if ids and self._lists:
            for list_id, status_id in await live_reads.lists_of(self._conn, ids, list(self._lists)):
                for owner in self._lists[list_id]:
                    wanted.setdefault(owner, {}).setdefault(status_id, []).append(_list(list_id))
        for account, status_id, channels in await self._public_readers(ids):
            wanted.setdefault(account, {}).setdefault(status_id, []).extend(channels)
        return wanted

    async def _public_readers(self, ids: Sequence[int]) -> list[tuple[int | None, int, list[Channel]]]:
        posts = [self._posts[one] for one in ids if _is_public(self._posts[one])]
        found = [
            (account, post, channels)
            for post in posts
            for account, heard in self._public.items()
            if (channels := _taking(heard, post))
        ]
        if not found:
            return []
        authors = {post.actor_id for _, post, _ in found}
        kept = await live_reads.kept_from_public(self._conn, authors)
        accounts = [account for account, _, _ in found if account is not None]
        unwelcome = await live_reads.unwelcome(self._conn, authors, accounts) if accounts else set()
        return [
            (account, post.id, channels)
            for account, post, channels in found
            if post.actor_id not in kept and (account, post.actor_id) not in unwelcome
        ]

    async def _rendered(self, kind: str, ids: Collection[int], account: int | None) -> list[Status]:
        """Return posts as an account sees them; nobody has marked yet what is new."""
        plain = [one for one in ids if kind == UPDATE and not self._posts[one].boost]
        missing = [one for one in plain if one not in self._shared]
        for status in await self._load(missing, None):
            self._shared[int(status.id)] = status
        found = [_unmarked(self._shared[one], account) for one in plain if one in self._shared]
        return [*found, *await self._load([one for one in ids if one not in plain], account)]

    async def _filtered(
        self, status: Status, channels: list[Channel], reader: int | None
    ) -> Sequence[Channel]:
        """Write on a post why it is filtered; return the streams on which the reader is sent it."""
        filters = None if reader is None else (await self._filters_by_reader()).get(reader)
        if filters is None or reader is None:
            return channels
        await filters.mark([status])
        if not filters.drops(status, "home", reader):
            return channels
        return [channel for channel in channels if channel != _HOME]

    async def _filters_by_reader(self) -> dict[int, Filters]:
        """Return the filters of those who listen, looked up once."""
        if self._filters is None:
            rows: dict[int, list[FilterRow]] = {}
            for row in await in_force(self._conn, self._accounts):
                rows.setdefault(row.account_id, []).append(row)
            self._filters = {account: Filters(some) for account, some in rows.items()}
        return self._filters

    async def _load(self, ids: Sequence[int], account: int | None) -> list[Status]:
        return await load_statuses(self._conn, ids, account, self._uris) if ids else []

    async def _losers(self, ids: Iterable[int]) -> list[tuple[int | None, int, list[Channel]]]:
        """Return who may have seen what is gone: authors, followers, and those who look at what is public."""
        posts = [self._posts[one] for one in ids if one in self._posts]
        if not posts:
            return []
        authors = {post.actor_id for post in posts}
        readers: dict[int, list[int]] = {one: [one] for one in authors.intersection(self._home)}
        if self._home:
            for account, actor in await live_reads.followers_among(self._conn, authors, self._home):
                readers.setdefault(actor, []).append(account)
        holders: dict[int, list[int]] = {}
        if self._lists:
            for list_id, actor in await live_reads.members_among(self._conn, authors, list(self._lists)):
                holders.setdefault(actor, []).append(list_id)
        found: list[tuple[int | None, int, list[Channel]]] = []
        for post in posts:
            found += [
                (owner, post.id, [_list(list_id)])
                for list_id in holders.get(post.actor_id, ())
                for owner in self._lists[list_id]
            ]
            found += [(account, post.id, [_HOME]) for account in readers.get(post.actor_id, ())]
            if _is_public(post):
                found += [(account, post.id, channels) for account, channels in self._public.items()]
        return found

    async def _told(self, ids: Collection[int]) -> list[tuple[int, str]]:
        if not ids or not self._accounts:
            return []
        rows: dict[int, list[NotificationRow]] = {}
        for account, row in await live_reads.told(self._conn, ids, self._accounts):
            rows.setdefault(account, []).append(row)
        filters = await self._filters_by_reader() if rows else {}
        return [
            (account, _encoder.encode(entity).decode())
            for account, some in rows.items()
            for entity in await load_notifications(
                self._conn, some, account, self._uris, filters.get(account)
            )
        ]


def _list(list_id: int) -> Channel:
    return Channel(LIST, list_id=list_id)


def _is_public(post: LivePost) -> bool:
    return post.visibility is Visibility.PUBLIC and not post.boost


def _taking(heard: Sequence[Channel], post: LivePost) -> list[Channel]:
    """Return the public streams among those heard on which a post is shown; replies go to hashtags only."""
    return [
        channel
        for channel in heard
        if not (post.reply and not channel.tag)
        and channel.takes(local=post.local, media=post.media, tags=post.tags)
    ]


def _unmarked(status: Status, account: int | None) -> Status:
    if account is None:
        return status
    return msgspec.structs.replace(
        status, favourited=False, reblogged=False, bookmarked=False, muted=False, filtered=[]
    )
