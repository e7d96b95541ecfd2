"""What a run of activities leads to beyond its own rows: gathered by the handlers, written together."""

from collections.abc import Sequence

from services.timeline_builder.changes import Changes
from services.timeline_builder.facts import Facts
from shared.actions.site import Site
from shared.database import notifications, outbox, pending, timelines, wide_authors
from shared.database.counters import Counts
from shared.database.notifications import NewNotification
from shared.database.outbox import OutboxMessage
from shared.database.pending import PendingNote
from shared.database.pool import Connection


class Run:
    """The transaction that a run is applied in, what is known, and the effects that it gathers.

    Args:
        conn: In a transaction.
        site: This site.
        facts: What the store knows of all that the run names.
        counts: The counts of the whole batch.
        changes: What the whole batch may show to those who look on.
    """

    def __init__(self, conn: Connection, site: Site, facts: Facts, counts: Counts, changes: Changes) -> None:
        self.conn = conn
        self.site = site
        self.facts = facts
        self.counts = counts
        self.changes = changes
        self._new_posts: set[int] = set()
        self._posts: set[int] = set()
        self._tagged: set[int] = set()
        self._extended: set[int] = set()
        self._pruned: set[int] = set()
        self._told: list[NewNotification] = []
        self._withdrawn: list[tuple[int, str, int]] = []
        self._withdrawn_about: list[tuple[str, int, int]] = []
        self._left: list[PendingNote] = []
        self._sent: list[OutboxMessage] = []

    def fan_out(self, status_id: int, *, new: bool = False) -> None:
        """Have a post or boost stand in every home timeline where it belongs; `new` if it was just stored."""
        (self._new_posts if new else self._posts).add(status_id)

    def fan_out_tagged(self, status_id: int) -> None:
        """Have a post stand in the home timelines of those who follow one of its hashtags."""
        self._tagged.add(status_id)

    def extend(self, account_id: int) -> None:
        """Have an account's home timeline take in what now belongs there."""
        self._extended.add(account_id)

    def prune(self, account_id: int) -> None:
        """Have an account's home timeline lose what no longer belongs."""
        self._pruned.add(account_id)

    def tell(self, account_id: int, kind: str, actor_id: int, status_id: int | None = None) -> None:
        """Notify an account, unless it is not one of ours."""
        new = NewNotification(
            id=self.site.ids.next(), account_id=account_id, kind=kind, actor_id=actor_id, status_id=status_id
        )
        self._told.append(new)

    def withdraw(self, account_id: int, kind: str, actor_id: int) -> None:
        """Take a notification back that is about no post."""
        self._withdrawn.append((account_id, kind, actor_id))

    def withdraw_about(self, kind: str, actor_id: int, status_id: int) -> None:
        """Take a notification about a post back."""
        self._withdrawn_about.append((kind, actor_id, status_id))

    def forget_posts(self, status_ids: set[int]) -> None:
        """Drop what was gathered about posts that are gone."""
        self._new_posts -= status_ids
        self._posts -= status_ids
        self._tagged -= status_ids
        self._told = [new for new in self._told if new.status_id not in status_ids]

    def leave(self, note: PendingNote) -> None:
        """Leave word for what has not arrived."""
        self._left.append(note)

    def send(self, message: OutboxMessage) -> None:
        """Have a message published after the commit."""
        self._sent.append(message)

    async def write(self) -> None:
        """Write all that was gathered."""
        await self._fan_out()
        if self._extended:
            await timelines.extend(self.conn, sorted(self._extended))
        if self._pruned:
            await timelines.prune(self.conn, sorted(self._pruned))
        if self._told:
            self.changes.tell(await notifications.insert(self.conn, self._told))
        if self._withdrawn:
            await notifications.withdraw(self.conn, self._withdrawn)
        if self._withdrawn_about:
            await notifications.withdraw_about(self.conn, self._withdrawn_about)
        if self._left:
            await pending.leave(self.conn, self._left)
        await outbox.enqueue(self.conn, self._sent)

    async def _fan_out(self) -> None:
        if self._new_posts:
            await self._fan_out_once(sorted(self._new_posts), new=True)
        if others := self._posts - self._new_posts:
            await self._fan_out_once(sorted(others), new=False)
        if self._tagged:
            await timelines.fan_out_tagged(self.conn, sorted(self._tagged))

    async def _fan_out_once(self, status_ids: Sequence[int], *, new: bool) -> None:
        written = await timelines.fan_out(self.conn, status_ids, new=new)
        if written >= self.site.fan_out_limit:
            # So many entries may be one author's: what that one writes next is merged in by reading.
            await wide_authors.widen(self.conn, status_ids, self.site.fan_out_limit)
