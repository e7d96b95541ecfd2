"""An Add: the post that is pinned is fetched where it is not here."""

from tests.fakes.remote_actor import RemoteActor
from tests.integration.verifier.running import RunningVerifier


async def followed(verifier: RunningVerifier, actor: RemoteActor) -> None:
    """Have somebody here follow a remote actor that features posts."""
    world = verifier.world
    actor.host.serve(actor.document() | {"featured": f"{actor.id}/featured"}, secure=actor.flavour.secure)
    ada = await world.account("ada")
    await world.follow(actor.id, ada)
    await world.pool.execute(
        "UPDATE follows SET follower_id = followee_id, followee_id = follower_id WHERE followee_id = $1", ada
    )


async def test_pinned_post_is_fetched(verifier: RunningVerifier) -> None:
    """The post that an actor pins goes along with the Add, if somebody here follows the actor."""
    nora = verifier.world.remote.host("birch").actor("nora")
    await followed(verifier, nora)
    note = nora.note()
    add = nora.activity("Add", note["id"]) | {"target": f"{nora.id}/featured"}
    await verifier.deliver(nora, add)
    (accepted,) = await verifier.until_accepted(add["id"])
    assert [one.id for one in accepted.fetched] == [note["id"]]


async def test_nothing_is_fetched_for_other_collections_or_strangers(verifier: RunningVerifier) -> None:
    """An Add to another collection, or by an actor whom nobody follows, causes no fetch of its object."""
    nora = verifier.world.remote.host("birch").actor("nora")
    olga = verifier.world.remote.host("ash").actor("olga")
    await followed(verifier, nora)
    for actor, target in ((nora, f"{nora.id}/moderators"), (olga, f"{olga.id}/featured")):
        note = actor.note()
        add = actor.activity("Add", note["id"]) | {"target": target}
        await verifier.deliver(actor, add)
        (accepted,) = await verifier.until_accepted(add["id"])
        assert accepted.fetched == ()
