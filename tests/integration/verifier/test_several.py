"""An Announce of several things (FEP-1a11)."""

from shared.protocol.activities import Announce
from tests.integration.verifier.running import RunningVerifier


async def test_each_is_a_share_of_its_own(verifier: RunningVerifier) -> None:
    """Posts and Creates in one Announce come out as one share each, fetched; what is gone is left out."""
    group = verifier.world.remote.host("birch").actor("group")
    nora = verifier.world.remote.host("ash").actor("nora")
    first, second = nora.note(), nora.note()
    several = [nora.create(first), second["id"], f"{nora.host.origin}/notes/gone", {"type": "Create"}]
    announce = group.activity("Announce", several)
    await verifier.deliver(group, announce)
    shares = await verifier.until_accepted(announce["id"], f"{announce['id']}#1")
    assert [one.activity.object for one in shares if isinstance(one.activity, Announce)] == [
        first["id"],
        second["id"],
    ]
    assert [note.id for one in shares for note in one.fetched] == [first["id"], second["id"]]
    assert all(isinstance(one.activity, Announce) and not one.activity.also for one in shares)
    assert len([one for one in verifier.accepted if one.activity.actor == group.id]) == len(shares)
