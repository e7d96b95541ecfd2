"""Replies to posts of ours are passed on to those who follow their author (ActivityPub section 7.1.2)."""

from msgspec.structs import replace

from shared.database import outbox
from shared.protocol.activities import Activity
from shared.protocol.identifiers import PUBLIC, uri_hash
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.topology import FANOUT_PLAN
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage

BODY = b'{"as": "it came"}'


def _came(activity: Activity) -> AcceptedActivity:
    return replace(parsed.accepted(activity), body=BODY)


async def _passed_on(stage: Stage, by: Person) -> list[AcceptedActivity]:
    async with stage.pool.acquire() as conn:
        rows = [row for row in await outbox.due(conn, 10_000) if row.queue == FANOUT_PLAN]
    items = [item for row in rows for item in Codec(AcceptedActivity).decode(row.payload)]
    return [item for item in items if item.passed_on_by == by.uri]


async def _post(stage: Stage, author: Person) -> str:
    note = parsed.note(author.uri, id=stage.site.uris.status(stage.site.ids.next()), cc=(author.followers,))
    async with stage.pool.acquire() as conn:
        await conn.execute(
            """
            INSERT INTO statuses (id, uri, uri_hash, local, actor_id, conversation_id, visibility,
                                  created_at)
            VALUES ($1, $2, $4, true, $3, $1, 0, now())
            """,
            stage.site.uris.status_id(note.id),
            note.id,
            author.id,
            uri_hash(note.id),
        )
    return note.id


async def test_reply_to_our_followers_is_passed_on_once(stage: Stage) -> None:
    """A reply that names the followers of whom it answers goes on unchanged, once; its copy does not."""
    ada, edith = await stage.here(), await stage.away()
    note = parsed.note(edith.uri, in_reply_to=await _post(stage, ada), cc=(ada.followers,))
    create = parsed.create(note)
    await stage.apply(_came(create))
    await stage.apply(_came(create))
    [item] = await _passed_on(stage, ada)
    assert (item.activity, item.body, item.local) == (create, BODY, False)


async def test_other_replies_are_not_passed_on(stage: Stage) -> None:
    """Nobody's followers but those of whom is answered are reached through us, and none who are not named."""
    ada, ben, edith = await stage.here(), await stage.here(), await stage.away()
    theirs, ours = parsed.note(edith.uri), await _post(stage, ada)
    for note in (
        parsed.note(edith.uri, in_reply_to=ours, to=(PUBLIC,), cc=(edith.followers,)),
        parsed.note(edith.uri, in_reply_to=ours, cc=(ben.followers,)),
        parsed.note(edith.uri, cc=(ada.followers,)),
        parsed.note(edith.uri, in_reply_to=theirs.id, cc=(ada.followers,)),
    ):
        await stage.apply(_came(parsed.create(note)))
    await stage.apply(parsed.create(parsed.note(edith.uri, in_reply_to=ours, cc=(ada.followers,))))
    assert await _passed_on(stage, ada) == await _passed_on(stage, ben) == []


async def test_end_of_a_reply_follows_it(stage: Stage) -> None:
    """The Delete of a reply goes on too where its author's proof came along, and only then."""
    ada, edith = await stage.here(), await stage.away()
    ours = await _post(stage, ada)
    notes = [parsed.note(edith.uri, in_reply_to=ours, cc=(ada.followers,)) for _ in "12"]
    await stage.apply(*(_came(parsed.create(note)) for note in notes))
    proven = parsed.delete(notes[0].id, edith.uri)
    await stage.apply(_came(proven), parsed.delete(notes[1].id, edith.uri))
    assert [item.activity for item in await _passed_on(stage, ada)][2:] == [proven]
