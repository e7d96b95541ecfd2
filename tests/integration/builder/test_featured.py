"""Add and Remove: the posts that remote actors pin."""

from services.timeline_builder.work import Outcome
from shared.protocol.activities import Add, Remove
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage


async def stored_post(stage: Stage, author: Person) -> str:
    """Have a post of a remote author stored here; return its URI."""
    reader = await stage.here()
    await stage.follow(reader, author)
    note = parsed.note(author.uri)
    await stage.apply(parsed.create(note))
    return note.id


def add(post: str, who: Person, number: int = 1, target: str = "") -> Add:
    """Return the Add of a post to an actor's featured collection, or to another."""
    target = target or f"{who.uri}/featured"
    return Add(id=f"{who.uri}#add-{number}-{post}", actor=who.uri, object=post, target=target)


def remove(post: str, who: Person) -> Remove:
    """Return the Remove of a post from an actor's featured collection."""
    return Remove(id=f"{who.uri}#remove-{post}", actor=who.uri, object=post, target=f"{who.uri}/featured")


async def pinned(stage: Stage, who: Person) -> list[str]:
    """Return the posts that an actor has pinned."""
    rows = await stage.pool.fetch(
        "SELECT s.uri FROM pins p JOIN statuses s ON s.id = p.status_id WHERE p.actor_id = $1", who.id
    )
    return [row["uri"] for row in rows]


async def test_pinned_and_unpinned(stage: Stage) -> None:
    """An Add pins a post once, a Remove unpins it, and it can be pinned anew."""
    edith = await stage.away()
    post = await stored_post(stage, edith)
    assert await stage.apply(add(post, edith), add(post, edith, 2)) == [Outcome.APPLIED, Outcome.APPLIED]
    assert await pinned(stage, edith) == [post]
    await stage.apply(remove(post, edith))
    assert await pinned(stage, edith) == []
    await stage.apply(add(post, edith, 3))
    assert await pinned(stage, edith) == [post]


async def test_only_own_posts_in_the_own_collection(stage: Stage) -> None:
    """Nobody pins another's post, to another's profile, or unpins it there."""
    edith, mallory = await stage.away(), await stage.away()
    post, own = await stored_post(stage, edith), await stored_post(stage, mallory)
    await stage.apply(add(post, edith))
    theft = Remove(id=f"{mallory.uri}#theft", actor=mallory.uri, object=post, target=f"{edith.uri}/featured")
    outcomes = await stage.apply(
        add(post, mallory),
        add(own, mallory, 2, target=f"{edith.uri}/featured"),
        add(own, mallory, 3, target=f"{mallory.uri}/other"),
        remove(post, mallory),
        theft,
    )
    assert outcomes == [Outcome.NOT_PERMITTED] * 5
    assert await pinned(stage, mallory) == []
    assert await pinned(stage, edith) == [post]


async def test_unknown_post_is_not_pinned(stage: Stage) -> None:
    """A post that is not here leaves nothing."""
    edith = await stage.away()
    assert await stage.apply(add(f"{edith.uri}/nothing", edith)) == [Outcome.UNKNOWN_OBJECT]


async def test_deleted_post_is_pinned_no_more(stage: Stage) -> None:
    """The Delete of a pinned post unpins it, and it stays so."""
    edith = await stage.away()
    post = await stored_post(stage, edith)
    await stage.apply(add(post, edith), parsed.delete(post, edith.uri))
    assert await pinned(stage, edith) == []
    assert await stage.apply(add(post, edith, 2)) == [Outcome.DELETED]


async def test_fetched_post_is_stored_and_pinned(stage: Stage) -> None:
    """A post that was fetched because it is pinned is kept, if it is the actor's own and somebody follows."""
    ada, edith, stranger = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, edith)
    old, other = parsed.note(edith.uri), parsed.note(stranger.uri)
    outcomes = await stage.apply(
        parsed.accepted(add(old.id, edith), fetched=(old,)),
        parsed.accepted(add(other.id, stranger), fetched=(other,)),
        parsed.accepted(add(other.id, edith, 2), fetched=(other,)),
    )
    assert outcomes == [Outcome.APPLIED, Outcome.UNKNOWN_OBJECT, Outcome.UNKNOWN_OBJECT]
    assert await pinned(stage, edith) == [old.id]
    assert await stage.post(other.id) is None


async def test_deleted_post_is_not_stored_by_a_pin(stage: Stage) -> None:
    """A post whose Delete came first is neither stored nor pinned."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    note = parsed.note(edith.uri)
    await stage.apply(parsed.delete(note.id, edith.uri))
    pin = parsed.accepted(add(note.id, edith), fetched=(note,))
    assert await stage.apply(pin) == [Outcome.UNKNOWN_OBJECT]
    assert await stage.post(note.id) is None
