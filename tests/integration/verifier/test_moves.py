"""A Move: what both accounts say of each other is read from their servers before it goes on."""

from shared.database import actors, moves
from tests.fakes.remote_actor import Json, RemoteActor
from tests.integration.verifier.running import RunningVerifier


def serve(actor: RemoteActor, **parts: object) -> None:
    """Have an actor's document say more."""
    document: Json = actor.document() | parts
    actor.host.serve(document, secure=actor.flavour.secure)


async def test_both_ends_are_read_anew(verifier: RunningVerifier) -> None:
    """However they were known before, the builder sees what both accounts say now."""
    world = verifier.world
    old = world.remote.host("birch").actor("nora")
    new = world.remote.host("ash").actor("nora")
    ada = await world.account("ada")
    await world.follow(old.id, ada)
    async with world.pool.acquire() as conn:
        await conn.execute(
            "UPDATE follows SET follower_id = followee_id, followee_id = follower_id WHERE followee_id = $1",
            ada,
        )
    serve(old, movedTo=new.id)
    serve(new, alsoKnownAs=[old.id])
    move = old.activity("Move", old.id) | {"target": new.id}
    await verifier.deliver(old, move)
    await verifier.until_accepted(move["id"])
    async with world.pool.acquire() as conn:
        known = await actors.by_uris(conn, [old.id, new.id])
        ends = await moves.ends(conn, [row.id for row in known.values()])
    assert ends[known[old.id].id].moved_to == new.id
    assert ends[known[new.id].id].also_known_as == (old.id,)


async def test_move_of_a_stranger_costs_no_fetch(verifier: RunningVerifier) -> None:
    """Where nobody here follows the old account, the new one is not asked for."""
    old = verifier.world.remote.host("birch").actor("nora")
    new = verifier.world.remote.host("ash").actor("nora")
    move = old.activity("Move", old.id) | {"target": new.id}
    await verifier.deliver(old, move)
    await verifier.until_accepted(move["id"])
    assert new.host.fetched == []
