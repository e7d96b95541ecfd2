"""`heddle prune`: what nobody refers to goes, everything else stays."""

from datetime import UTC, datetime, timedelta

from shared.database import bookmarks, favourites, statuses
from shared.database.actors import RemoteActor, upsert_remote
from shared.database.deliveries import State
from shared.database.pool import Connection
from shared.database.statuses import NewStatus
from shared.database.worker_ids import id_generator
from shared.protocol.identifiers import IdGenerator
from shared.protocol.objects import ActorKind, ActorProfile, Visibility
from tests.integration.console.command_line import Heddle
from tests.integration.console.trouble import plan

OLD = datetime.now(UTC) - timedelta(days=200)


class Store:
    """Puts posts of another server into the store."""

    def __init__(self, conn: Connection, ids: IdGenerator, author: int) -> None:
        self._conn = conn
        self._ids = ids
        self._author = author

    async def post(self, name: str, *, at: datetime = OLD, parent: int | None = None) -> int:
        """Store one and return its id."""
        status_id = self._ids.at(int(at.timestamp() * 1000))
        new = NewStatus(
            id=status_id,
            uri=f"https://far.example/{name}",
            local=False,
            actor_id=self._author,
            conversation_id=status_id,
            visibility=Visibility.PUBLIC,
            created_at=at,
            content=name,
            in_reply_to_id=parent,
        )
        await statuses.insert(self._conn, [new])
        return status_id


async def store_of(database: Connection) -> Store:
    """Return a store with one remote author."""
    ids = await id_generator(database)
    uri = "https://far.example/users/bob"
    profile = ActorProfile(
        id=uri, kind=ActorKind.PERSON, username="bob", inbox=f"{uri}/inbox", followers=f"{uri}/followers"
    )
    actors = await upsert_remote(database, [RemoteActor(profile=profile, domain="far.example")], ids)
    return Store(database, ids, actors[uri])


async def kept(database: Connection) -> set[str]:
    """Return the names of the remote posts that are there."""
    rows = await database.fetch("SELECT content FROM statuses WHERE NOT local")
    return {row["content"] for row in rows}


async def test_only_what_nobody_refers_to_goes(heddle: Heddle, database: Connection) -> None:
    """A dry run counts and deletes nothing; `--apply` deletes the old unreferred, no more."""
    ada = int(str((await heddle("account", "create", "ada")).record()["id"]))
    store = await store_of(database)
    await store.post("lonely")
    await store.post("young", at=datetime.now(UTC) - timedelta(days=2))
    liked = await store.post("liked")
    await favourites.insert(database, [favourites.FavouriteRow(id=1, uri="l", actor_id=ada, status_id=liked)])
    marked = await store.post("marked", parent=await store.post("answered by what is marked"))
    await bookmarks.bookmark(database, 2, ada, marked)
    home = await store.post("at home")
    await database.execute(
        "INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)"
        " SELECT $1, actor_id, 1, 'f', 'f'::bytea, 3 FROM statuses WHERE id = $2",
        ada,
        home,
    )
    await database.execute(
        "INSERT INTO home_timeline SELECT $1, id, actor_id FROM statuses WHERE id = $2", ada, home
    )
    told = await store.post("told of")
    await database.execute(
        "INSERT INTO notifications (id, account_id, kind, actor_id, status_id)"
        " SELECT 4, $1, 'mention', actor_id, id FROM statuses WHERE id = $2",
        ada,
        told,
    )
    await store.post("reply to nobody's", parent=await store.post("nobody's"))
    everything = await kept(database)

    counted = (await heddle("prune", "--json")).record()
    settled = {"activities": 0, "deliveries": 0}
    assert counted == {"posts": 2, "boosts": 0, "tombstones": 0, **settled, "deleted": False}
    assert await kept(database) == everything

    removed = (await heddle("prune", "--apply", "--json")).record()
    assert removed == {"posts": 3, "boosts": 0, "tombstones": 0, **settled, "deleted": True}
    assert await kept(database) == everything - {"lonely", "nobody's", "reply to nobody's"}
    again = (await heddle("prune", "--apply", "--json")).record()
    assert again["posts"] == 0


async def counted_and_removed(heddle: Heddle) -> tuple[object, object]:
    """Return how many posts a dry run counts, and then how many are deleted."""
    counted = (await heddle("prune", "--json")).record()
    removed = (await heddle("prune", "--apply", "--json")).record()
    return counted["posts"], removed["posts"]


async def test_posts_of_wide_authors_stay(heddle: Heddle, database: Connection) -> None:
    """What is merged into home timelines by reading stands in none of them, and stays all the same."""
    store = await store_of(database)
    post = await store.post("read by many")
    await database.execute(
        "INSERT INTO wide_authors (actor_id) SELECT actor_id FROM statuses WHERE id = $1", post
    )
    assert await counted_and_removed(heddle) == (0, 0)
    assert await kept(database) == {"read by many"}
    await database.execute("DELETE FROM wide_authors")
    assert (await heddle("prune", "--apply", "--json")).record()["posts"] == 1


async def test_what_came_home_by_a_hashtag_stays(heddle: Heddle, database: Connection) -> None:
    """A post that a follower of its hashtag has at home stays, though nobody follows its author."""
    ada = int(str((await heddle("account", "create", "ada")).record()["id"]))
    store = await store_of(database)
    home, other = await store.post("at home"), await store.post("sunk")
    await database.execute(
        "INSERT INTO status_tags (tag, name, status_id) VALUES ('loom', 'Loom', $1), ('loom', 'Loom', $2)",
        home,
        other,
    )
    await database.execute("INSERT INTO tag_follows (id, account_id, tag) VALUES (1, $1, 'loom')", ada)
    await database.execute(
        "INSERT INTO home_timeline SELECT $1, id, actor_id FROM statuses WHERE id = $2", ada, home
    )
    assert await counted_and_removed(heddle) == (1, 1)
    assert await kept(database) == {"at home"}


async def test_deliveries_settled_for_long_are_counted_and_let_go(
    heddle: Heddle, database: Connection
) -> None:
    """A dry run counts them, `--apply` lets them go; the post's report says how many were told."""
    await heddle("account", "create", "ada", "--federate")
    made = (await heddle("post", "ada", "Hello")).record()
    inboxes = [f"https://{name}.example/inbox" for name in ("fir", "oak")]
    await plan(database, dict.fromkeys(inboxes, State.DELIVERED), subject=str(made["uri"]))
    await database.execute("UPDATE sent_activities SET created_at = now() - interval '31 days'")
    for apply in ((), ("--apply",)):
        found = (await heddle("prune", "--json", *apply)).record()
        assert (found["activities"], found["deliveries"]) == (1, 2)
    assert await database.fetchval("SELECT count(*) FROM deliveries") == 0
    report = (await heddle("delivery", str(made["id"]), "--json")).record()
    assert (report["let_go"], report["activities"]) == (2, [])
