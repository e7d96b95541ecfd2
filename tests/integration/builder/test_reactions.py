"""Like and Announce, and taking them back."""

from services.timeline_builder.work import Outcome
from shared.database.own_posts import show_own
from shared.database.statuses import NewStatus, insert
from shared.protocol.activities import EmojiReact
from shared.protocol.objects import Mention, Visibility
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage


async def local_post(stage: Stage, author: Person, visibility: Visibility = Visibility.PUBLIC) -> str:
    """Write a post as the gateway does; return its URI."""
    status_id = stage.site.ids.next()
    post = NewStatus(
        id=status_id,
        uri=stage.site.uris.status(status_id),
        local=True,
        actor_id=author.id,
        conversation_id=status_id,
        visibility=visibility,
        created_at=parsed.WHEN,
    )
    async with stage.pool.acquire() as conn:
        await insert(conn, [post])
        await show_own(conn, author.id, status_id)
    return post.uri


async def count(stage: Stage, uri: str, column: str) -> object:
    """Return a count of a post."""
    row = await stage.post(uri)
    assert row is not None
    return row[column]


async def test_like_is_counted_and_told(stage: Stage) -> None:
    """A like of a local post is counted once and told to its author, however often the actor likes it."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    await stage.apply(parsed.like(post, edith.uri), parsed.like(post, edith.uri))
    assert await count(stage, post, "favourites_count") == 1
    assert await stage.told(ada) == [("favourite", edith.id, post)]


async def test_like_taken_back_leaves_no_trace(stage: Stage) -> None:
    """An Undo takes count and notification away, in whichever order the two arrive."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    like, early = parsed.like(post, edith.uri), parsed.like(post, edith.uri)
    await stage.apply(like)
    await stage.apply(parsed.undo(like))
    await stage.apply(parsed.undo(early))
    assert await stage.apply(early) == [Outcome.UNDONE]
    assert await count(stage, post, "favourites_count") == 0
    assert await stage.told(ada) == []


async def test_like_of_something_unknown_is_let_go(stage: Stage) -> None:
    """A like of a post that is not here leaves nothing."""
    edith = await stage.away()
    assert await stage.apply(parsed.like(f"{edith.uri}/nothing", edith.uri)) == [Outcome.UNKNOWN_OBJECT]


async def test_boost_reaches_the_followers_of_the_booster(stage: Stage) -> None:
    """A boost of a local post stands in the booster's followers' timelines and is told to the author."""
    ada, grace, edith = await stage.here(), await stage.here(), await stage.away()
    await stage.follow(grace, edith)
    post = await local_post(stage, ada)
    boost = parsed.announce(post, edith.uri)
    await stage.apply(boost)
    assert await stage.home(grace) == [boost.id]
    assert await stage.told(ada) == [("reblog", edith.id, post)]
    assert await count(stage, post, "reblogs_count") == 1


async def test_boosts_can_be_hidden(stage: Stage) -> None:
    """A follower who wants no boosts of an actor gets none; one who blocks the author neither."""
    quiet, wary = await stage.here(), await stage.here()
    edith, author = await stage.away(), await stage.away()
    for account in (quiet, wary):
        await stage.follow(account, edith)
    await stage.pool.execute("UPDATE follows SET show_reblogs = false WHERE follower_id = $1", quiet.id)
    await stage.pool.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, '', $3, 1)",
        wary.id,
        author.id,
        str(wary.id).encode(),
    )
    note = parsed.note(author.uri)
    boost = parsed.accepted(parsed.announce(note.id, edith.uri), fetched=(note,))
    await stage.apply(boost)
    assert await stage.home(quiet) == []
    assert await stage.home(wary) == []


async def test_fetched_post_is_stored_with_its_boost(stage: Stage) -> None:
    """A post that was fetched for its boost is stored and boosted; its Create later changes nothing."""
    ada, edith, author = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, edith)
    note = parsed.note(author.uri)
    boost = parsed.announce(note.id, edith.uri)
    await stage.apply(parsed.accepted(boost, fetched=(note,)))
    assert await stage.home(ada) == [boost.id]
    await stage.apply(parsed.create(note))
    assert (await stage.actor(author))["statuses_count"] == 1


async def test_boost_for_nobody_here_is_not_stored(stage: Stage) -> None:
    """A boost by a stranger of a stranger's post leaves neither boost nor post."""
    edith, author = await stage.away(), await stage.away()
    note = parsed.note(author.uri)
    boost = parsed.accepted(parsed.announce(note.id, edith.uri), fetched=(note,))
    assert await stage.apply(boost) == [Outcome.UNCONCERNED]
    assert await stage.post(note.id) is None


async def test_private_post_is_not_boosted_by_others(stage: Stage) -> None:
    """A post for followers stays with them: a boost by another has no effect."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada, Visibility.FOLLOWERS)
    assert await stage.apply(parsed.announce(post, edith.uri)) == [Outcome.NOT_PERMITTED]
    assert await count(stage, post, "reblogs_count") == 0


async def test_boost_taken_back_is_gone(stage: Stage) -> None:
    """An Undo removes the boost from timelines, counts and notifications, also where it came first."""
    ada, grace, edith = await stage.here(), await stage.here(), await stage.away()
    await stage.follow(grace, edith)
    post, other = await local_post(stage, ada), await local_post(stage, ada)
    boost, early = parsed.announce(post, edith.uri), parsed.announce(other, edith.uri)
    await stage.apply(parsed.undo(early), boost)
    await stage.apply(early)
    assert await stage.home(grace) == [boost.id]
    await stage.apply(parsed.undo(boost))
    assert await stage.home(grace) == []
    assert await stage.told(ada) == []
    assert await count(stage, post, "reblogs_count") == 0
    assert (await stage.actor(edith))["statuses_count"] == 0


async def test_boost_again_after_taking_it_back(stage: Stage) -> None:
    """A post may be boosted anew after the boost was taken back."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    first, second = parsed.announce(post, edith.uri), parsed.announce(post, edith.uri)
    await stage.apply(first, parsed.undo(first), second)
    assert await count(stage, post, "reblogs_count") == 1


async def test_deleted_post_takes_its_boosts_along(stage: Stage) -> None:
    """When a boosted post is deleted the boost disappears with it and is not counted for the booster."""
    ada, edith, author = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, edith)
    note = parsed.note(author.uri)
    await stage.apply(parsed.accepted(parsed.announce(note.id, edith.uri), fetched=(note,)))
    await stage.apply(parsed.delete(note.id, author.uri))
    assert await stage.home(ada) == []
    assert (await stage.actor(edith))["statuses_count"] == 0


async def test_local_post_reaches_local_followers(stage: Stage) -> None:
    """A post written here is shown to followers here and told to those it names; counts are the gateway's."""
    ada, grace = await stage.here(), await stage.here()
    await stage.follow(grace, ada)
    uri = await local_post(stage, ada)
    note = parsed.note(ada.uri, id=uri, mentions=(Mention(href=grace.uri),))
    await stage.apply(parsed.accepted(parsed.create(note), local=True))
    assert await stage.home(grace) == [uri]
    assert await stage.told(grace) == [("mention", ada.id, uri)]
    assert (await stage.actor(ada))["statuses_count"] == 0


def reaction(post: str, who: Person, content: str) -> EmojiReact:
    """Return a reaction to a post."""
    return EmojiReact(id=f"{who.uri}#react-{content}", actor=who.uri, object=post, content=content)


async def test_reaction_with_an_emoji_is_a_like(stage: Stage) -> None:
    """A reaction counts as a like, keeps its emoji, is told once, and its Undo takes all of that away."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    bird = reaction(post, edith, "🐦")
    assert await stage.apply(bird) == [Outcome.APPLIED]
    assert await count(stage, post, "favourites_count") == 1
    assert await stage.told(ada) == [("favourite", edith.id, post)]
    assert await stage.pool.fetchval("SELECT content FROM favourites WHERE uri = $1", bird.id) == "🐦"
    await stage.apply(parsed.undo(bird))
    assert await count(stage, post, "favourites_count") == 0
    assert await stage.told(ada) == []


async def test_second_reaction_taken_back_leaves_the_first(stage: Stage) -> None:
    """Of two reactions by one actor the first counts, and only its own Undo ends it."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    first, second = reaction(post, edith, "🐦"), reaction(post, edith, "🦊")
    await stage.apply(first, second, parsed.undo(second))
    assert await count(stage, post, "favourites_count") == 1
    await stage.apply(parsed.undo(first))
    assert await count(stage, post, "favourites_count") == 0
