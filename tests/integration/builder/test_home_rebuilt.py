"""Home timelines as they are read: whatever happens, they are what a rebuild makes of the store."""

import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from services.timeline_builder import lapses
from services.timeline_builder.narrowing import narrow
from shared.actions import blocks, domain_blocks, follows, hashtags, homes, lists, mutes
from shared.actions.errors import NotAllowed, NotPossible, NotThere
from shared.actions.site import Site
from shared.database import api_home, outbox, timelines
from shared.database.authors import Author, author_by_name
from shared.database.lists import Replies
from shared.database.paging import Page
from shared.database.pool import Connection
from shared.protocol.activities import Activity
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.topology import ACTIVITY_ACCEPTED
from tests.builders import parsed
from tests.builders.parsed import WHEN
from tests.integration.builder.stage import Person, Stage
from tests.integration.builder.test_reactions import local_post

LIMIT = 3
"""Readers that make an author a wide one, here."""


class Game:
    """One reader, some whom they may follow, and things that happen, one chosen by chance after the other.

    Args:
        stage: Where; its site calls an author wide who has `LIMIT` readers.
        chance: What chooses.
    """

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage = Stage(
            pool=stage.pool, site=Site(uris=stage.site.uris, ids=stage.site.ids, fan_out_limit=LIMIT)
        )
        self.chance = chance
        self.readers: list[Person] = []
        self.authors: list[Person] = []
        self.away: list[Person] = []
        self.posts: list[str] = []
        self.names: dict[int, Author] = {}
        self.lists: list[int] = []
        self.crossings = 0
        self.things: list[Callable[[], Awaitable[None]]] = [
            *[self._post] * 12,
            *[self._boost] * 4,
            *[self._follow] * 8,
            self._unfollow,
            self._delete,
            self._mute,
            *[self._unmute] * 3,
            self._lapse,
            self._block,
            *[self._unblock] * 4,
            self._block_domain,
            *[self._unblock_domain] * 2,
            self._follow_tag,
            self._unfollow_tag,
            *[self._change_list] * 3,
            *[self.crowd] * 2,
            *[self.disperse] * 2,
            self._trim,
            self._be_away,
        ]

    async def begin(self) -> None:
        """Bring the people together; there are always some who read the first author."""
        self.readers = [await self.stage.here() for _ in range(LIMIT)]
        self.away = [await self.stage.away() for _ in range(4)]
        self.authors = [*self.away, self.readers[1]]
        async with self.stage.pool.acquire() as conn:
            for reader in self.readers:
                name = await conn.fetchval("SELECT username FROM actors WHERE id = $1", reader.id)
                author = await author_by_name(conn, name)
                assert author is not None
                self.names[reader.id] = author
            row = await lists.create(conn, self.stage.site, self.me, "apart", Replies.LIST, exclusive=True)
        self.lists.append(row.id)
        for reader in self.readers:
            await self.stage.follow(reader, self.away[0])
        await self.stage.follow(self.readers[0], self.away[1])

    @property
    def me(self) -> Author:
        """Whose timeline is looked at."""
        return self.names[self.readers[0].id]

    def _anybody(self) -> Person:
        return self.chance.choice(self.authors)

    async def act(self, work: Callable[[Connection], Awaitable[object]]) -> None:
        """Do what a request does, and then what the builder does about it."""
        async with self.stage.pool.acquire() as conn:
            try:
                async with conn.transaction():
                    await work(conn)
            except (NotAllowed, NotPossible, NotThere):
                return
            rows = await outbox.due(conn, 10_000)
            await outbox.note_sent(conn, [row.id for row in rows])
        codec = Codec(AcceptedActivity)
        for row in rows:
            if row.queue == ACTIVITY_ACCEPTED:
                await self.stage.apply(*codec.decode(row.payload))

    async def _post(self) -> None:
        who = self._anybody()
        parent = self.chance.choice([None, None, *self.posts[-5:]])
        tags = self.chance.choice([(), (), ("loom",)])
        if who in self.away:
            note = parsed.note(who.uri, in_reply_to=parent, hashtags=tags)
            await self.stage.apply(parsed.create(note))
            self.posts.append(note.id)
            return
        uri = await local_post(self.stage, who)
        made = parsed.create(parsed.note(who.uri, id=uri))
        await self.stage.apply(parsed.accepted(made, local=True))
        self.posts.append(uri)

    async def _boost(self) -> None:
        if self.posts:
            post, who = self.chance.choice(self.posts), self.chance.choice(self.away)
            await self.stage.apply(parsed.announce(post, who.uri))

    async def _follow(self) -> None:
        await self._let_follow(self.chance.choice(self.readers), self._anybody())

    async def _let_follow(self, who: Person, whom: Person) -> None:
        reader = self.names[who.id]
        await self.act(lambda conn: follows.follow(conn, self.stage.site, reader, whom.id))
        asked = await self.stage.pool.fetchval(
            "SELECT uri FROM follows WHERE follower_id = $1 AND followee_id = $2 AND state = 0",
            who.id,
            whom.id,
        )
        if asked:
            answer: Activity = parsed.accept(parsed.follow(who.uri, whom.uri, id=asked))
            await self.stage.apply(answer)

    async def crowd(self) -> None:
        """Have everybody follow one author, who writes then."""
        whom = self.chance.choice(self.away)
        for who in self.readers:
            await self._let_follow(who, whom)
        for _ in range(2):
            note = parsed.note(whom.uri)
            await self.stage.apply(parsed.create(note))
            self.posts.append(note.id)

    async def disperse(self) -> None:
        """Have the others leave, so that wide authors are none any more."""
        for who in self.readers[1:]:
            for whom in self.away:
                await self._let_unfollow(who, whom)
        async with self.stage.pool.acquire() as conn:
            wide = await conn.fetchval("SELECT count(*) FROM wide_authors")
            await narrow(conn, LIMIT, 0, 1)
            self.crossings += wide - await conn.fetchval("SELECT count(*) FROM wide_authors")

    async def _unfollow(self) -> None:
        await self._let_unfollow(self.chance.choice(self.readers), self._anybody())

    async def _let_unfollow(self, who: Person, whom: Person) -> None:
        reader = self.names[who.id]
        await self.act(lambda conn: follows.unfollow(conn, self.stage.site, reader, whom.id))

    async def _delete(self) -> None:
        if self.posts:
            await self.stage.apply(parsed.delete(self.chance.choice(self.posts), self._anybody().uri))

    async def _mute(self) -> None:
        whom, duration = self._anybody(), self.chance.choice([0, 3600])
        await self.act(lambda conn: mutes.mute(conn, self.stage.site, self.me, whom.id, duration=duration))

    async def _unmute(self) -> None:
        whom = self._anybody()
        await self.act(lambda conn: mutes.unmute(conn, self.stage.site, self.me, whom.id))

    async def _lapse(self) -> None:
        await self.stage.pool.execute("UPDATE mutes SET expires_at = now() WHERE expires_at IS NOT NULL")
        await lapses.once(self.stage.pool)

    async def _block(self) -> None:
        whom = self._anybody()
        if self.chance.random() < 0.5 and whom in self.away:
            await self.stage.apply(parsed.block(self.readers[0].uri, whom.uri, id=f"{whom.uri}#block"))
        else:
            await self.act(lambda conn: blocks.block(conn, self.stage.site, self.me, whom.id))

    async def _unblock(self) -> None:
        whom = self._anybody()
        await self.act(lambda conn: blocks.unblock(conn, self.stage.site, self.me, whom.id))
        if whom in self.away:
            taken_back = parsed.block(self.readers[0].uri, whom.uri, id=f"{whom.uri}#block")
            await self.stage.apply(parsed.undo(taken_back))

    async def _block_domain(self) -> None:
        domain = self.chance.choice(self.away).uri.split("/")[2]
        await self.act(lambda conn: domain_blocks.block(conn, self.stage.site, self.me, domain))

    async def _unblock_domain(self) -> None:
        for person in self.away:
            domain = person.uri.split("/")[2]
            await self.act(lambda conn, domain=domain: domain_blocks.unblock(conn, self.me, domain))  # type: ignore[misc]

    async def _follow_tag(self) -> None:
        await self.act(lambda conn: hashtags.follow(conn, self.stage.site, self.me, "loom"))

    async def _unfollow_tag(self) -> None:
        await self.act(lambda conn: hashtags.unfollow(conn, self.me, "loom"))

    async def _change_list(self) -> None:
        whom, one = self._anybody(), self.lists[0]
        changes: list[Callable[[Connection], Awaitable[object]]] = [
            lambda conn: lists.add(conn, self.stage.site, self.me, one, [whom.id]),
            lambda conn: lists.take_out(conn, self.me, one, [whom.id]),
            lambda conn: lists.change(conn, self.me, one, exclusive=self.chance.random() < 0.6),
        ]
        await self.act(self.chance.choice(changes))

    async def _trim(self) -> None:
        async with self.stage.pool.acquire() as conn:
            await timelines.trim(conn, 0, 1)

    async def _be_away(self) -> None:
        """Stay away for long, and come back."""
        await self.stage.pool.execute("UPDATE accounts SET home_state = 0 WHERE actor_id = $1", self.me.id)
        await self._post()
        async with self.stage.pool.acquire() as conn:
            await homes.fill_home(conn, self.me.id)

    async def seen(self) -> list[int]:
        """Return the home timeline as it is read, page by page, as far as it is kept."""
        return (await self.down())[: timelines.KEPT]

    async def down(self) -> list[int]:
        """Return the whole of it."""
        found: list[int] = []
        async with self.stage.pool.acquire() as conn:
            while page := await self._page(conn, Page(limit=3, max_id=found[-1] if found else None)):
                found += page
        return found

    async def _page(self, conn: Connection, page: Page) -> list[int]:
        ids, _ = await api_home.home(conn, self.me.id, page)
        return ids

    async def up(self) -> list[int]:
        """Return the same, read from the end."""
        found: list[int] = []
        async with self.stage.pool.acquire() as conn:
            while page := await self._page(conn, Page(limit=3, min_id=(found or [0])[-1])):
                found += reversed(page)
        return found[::-1][: timelines.KEPT]

    async def rebuild(self) -> None:
        """Make the timeline anew."""
        async with self.stage.pool.acquire() as conn, conn.transaction():
            await timelines.clear(conn, self.me.id)
            await timelines.refill(conn, self.me.id)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have so few entries kept that timelines are trimmed."""
    monkeypatch.setattr(timelines, "KEPT", 12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("short")
async def test_a_rebuilt_timeline_reads_the_same(stage: Stage, seed: int) -> None:
    """After any mixture of posts, boosts, follows, mutes, blocks, lists, tags, crossings it is the same."""
    game = Game(stage, random.Random(seed))
    await game.begin()
    entries = 0
    for turn in range(5):
        for step in range(20):
            await game.chance.choice(game.things)()
            if step == 15:
                await (game.disperse if turn % 2 else game.crowd)()
        seen = await game.seen()
        assert await game.up() == seen or len(await game.down()) > timelines.KEPT
        await game.rebuild()
        again = await game.seen()
        assert seen == again[: len(seen)]
        assert len(seen) >= min(len(again), timelines.KEPT - 6)
        entries += len(seen)
    assert entries > 20
    assert game.crossings > 0


async def _old_and_new(game: Game) -> list[str]:
    """Have more posts than are kept: a wide author's and another's by turns, then many of a third; trim."""
    await game.begin()
    wide, other, third = game.away[:3]
    for who in (other, third):
        await game.stage.follow(game.readers[0], who)
    moments = (WHEN + timedelta(seconds=number) for number in itertools.count())
    newest = []
    for who in [*[wide, other] * 6, *[third] * timelines.KEPT]:
        note = parsed.note(who.uri, published=next(moments))
        await game.stage.apply(parsed.create(note))
        if who is third:
            newest.append(note.id)
    async with game.stage.pool.acquire() as conn:
        assert await conn.fetchval("SELECT true FROM wide_authors WHERE actor_id = $1", wide.id)
        await timelines.trim(conn, 0, 1)
    return newest


@pytest.mark.usefixtures("short")
async def test_where_much_is_gone_only_what_is_whole_is_read(stage: Stage) -> None:
    """Beyond what was trimmed a wide author's posts do not stand alone, as if others had written nothing."""
    game = Game(stage, random.Random(0))
    for post in (await _old_and_new(game))[:8]:
        await game.stage.apply(parsed.delete(post, game.away[2].uri))
    seen = await game.seen()
    assert await game.up() == seen
    await game.rebuild()
    again = await game.seen()
    assert len(seen) == timelines.KEPT - 8
    assert seen == again[: len(seen)]
    assert len(again) == timelines.KEPT


@pytest.mark.usefixtures("short")
async def test_who_leaves_an_author_reads_on_in_what_was_trimmed(stage: Stage) -> None:
    """After an unfollow the timeline is as full as one made anew, of the same posts."""
    game = Game(stage, random.Random(0))
    await _old_and_new(game)
    author = game.names[game.readers[0].id]
    await game.act(lambda conn: follows.unfollow(conn, game.stage.site, author, game.away[2].id))
    seen = await game.seen()
    await game.rebuild()
    assert len(seen) == timelines.KEPT
    assert seen == await game.seen()
