"""The builder's stage: a database, people here and elsewhere, and questions about what came of it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from services.timeline_builder.apply import apply_batch
from services.timeline_builder.work import Outcome
from shared.actions.site import Site
from shared.database import actors, follows, outbox
from shared.database.accounts import Identity, NewAccount, insert_actor
from shared.database.actors import RemoteActor
from shared.database.follows import FollowRow, FollowState
from shared.database.pool import Pool
from shared.protocol.activities import Activity
from shared.protocol.identifiers import host_of
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.objects import ActorKind
from tests.builders import parsed

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """An actor, here or elsewhere."""

    id: int
    uri: str
    followers: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the tests of the builder work with; every person is new, so that tests can share a database."""

    pool: Pool
    site: Site

    async def here(self, *, locked: bool = False, federated: bool = True) -> Person:
        """Make a local account."""
        account = NewAccount(username=f"local{next(_numbers)}", locked=locked)
        actor_id, uris = self.site.ids.next(), self.site.uris
        who = Identity(
            id=actor_id,
            uri=uris.actor(actor_id),
            domain=uris.account_domain,
            url=uris.profile_page(account.username),
            inbox=uris.inbox(actor_id),
            shared_inbox=uris.shared_inbox,
            outbox=uris.outbox(actor_id),
            followers=uris.followers(actor_id),
            following=uris.following(actor_id),
            featured=uris.featured(actor_id),
            rsa_key=uris.main_key(actor_id),
            ed25519_key=uris.ed25519_key(actor_id),
        )
        async with self.pool.acquire() as conn, conn.transaction():
            await insert_actor(conn, who, account, ActorKind.PERSON)
            # Without the keys of a real account: nothing is signed here, and making them takes long.
            await conn.execute(
                """
                INSERT INTO accounts (actor_id, federated, rsa_private_key, ed25519_private_key)
                VALUES ($1, $2, '', '')
                """,
                actor_id,
                federated,
            )
        return Person(actor_id, self.site.uris.actor(actor_id), self.site.uris.followers(actor_id))

    async def away(self) -> Person:
        """Make a remote actor on a server of its own."""
        uri = f"https://r{next(_numbers)}.example/users/edith"
        profile = parsed.profile(uri)
        async with self.pool.acquire() as conn, conn.transaction():
            known = RemoteActor(profile=profile, domain=host_of(uri))
            stored = await actors.upsert_remote(conn, [known], self.site.ids)
        return Person(stored[uri], uri, profile.followers)

    async def follow(self, follower: Person, followee: Person) -> None:
        """Have one follow the other, as if it had always been so; the counts know of it."""
        await self._follow(follower, followee, FollowState.ACCEPTED)
        await self.pool.execute(
            "UPDATE actors SET followers_count = followers_count + 1 WHERE id = $1", followee.id
        )
        await self.pool.execute(
            "UPDATE actors SET following_count = following_count + 1 WHERE id = $1", follower.id
        )

    async def ask_to_follow(self, follower: Person, followee: Person) -> str:
        """Have somebody here ask to follow; return the id of the Follow."""
        return await self._follow(follower, followee, FollowState.REQUESTED)

    async def _follow(self, follower: Person, followee: Person, state: FollowState) -> str:
        row_id = self.site.ids.next()
        uri = self.site.uris.activity(row_id)
        row = FollowRow(id=row_id, uri=uri, follower_id=follower.id, followee_id=followee.id, state=state)
        async with self.pool.acquire() as conn:
            await follows.insert(conn, [row])
        return uri

    async def apply(self, *activities: Activity | AcceptedActivity) -> list[Outcome]:
        """Apply a batch."""
        items = [a if isinstance(a, AcceptedActivity) else parsed.accepted(a) for a in activities]
        return await apply_batch(self.pool, self.site, items)

    async def home(self, account: Person) -> list[str]:
        """Return the URIs in a home timeline, newest first."""
        rows = await self.pool.fetch(
            """
            SELECT s.uri FROM home_timeline h JOIN statuses s ON s.id = h.status_id
             WHERE h.account_id = $1 ORDER BY h.status_id DESC
            """,
            account.id,
        )
        return [row["uri"] for row in rows]

    async def told(self, account: Person) -> list[tuple[str, int, str | None]]:
        """Return the notifications (kind, actor, post) of an account, in no particular order."""
        rows = await self.pool.fetch(
            """
            SELECT n.kind, n.actor_id, s.uri FROM notifications n LEFT JOIN statuses s ON s.id = n.status_id
             WHERE n.account_id = $1 ORDER BY n.kind, n.actor_id, s.uri
            """,
            account.id,
        )
        return [(row["kind"], row["actor_id"], row["uri"]) for row in rows]

    async def post(self, uri: str) -> dict[str, object] | None:
        """Return a post's row."""
        row = await self.pool.fetchrow("SELECT * FROM statuses WHERE uri = $1", uri)
        return None if row is None else dict(row)

    async def actor(self, person: Person) -> dict[str, object]:
        """Return an actor's row."""
        row = await self.pool.fetchrow("SELECT * FROM actors WHERE id = $1", person.id)
        assert row is not None
        return dict(row)

    async def follows(self, follower: Person, followee: Person) -> FollowState | None:
        """Return how far a follow has come."""
        async with self.pool.acquire() as conn:
            row = (await follows.between(conn, [(follower.id, followee.id)])).get((follower.id, followee.id))
        return None if row is None else row.state

    async def sent(self, to: Person) -> Sequence[Activity]:
        """Return what waits in the outbox for a remote actor."""
        codec = Codec(AcceptedActivity)
        async with self.pool.acquire() as conn:
            rows = await outbox.due(conn, 10_000)
        items = [item for row in rows for item in codec.decode(row.payload)]
        return [item.activity for item in items if to.uri in item.activity.to]
