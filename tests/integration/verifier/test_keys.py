"""What looking for keys costs: one query for a batch, none where they are remembered, one fetch in vain."""

from collections.abc import Sequence

import pytest

from shared.database import keys
from shared.database.keys import KnownKey
from shared.database.pool import Connection
from tests.fakes.remote_actor import RemoteActor
from tests.integration.verifier.running import RunningVerifier, run_verifier
from tests.integration.world import World


async def test_keys_of_a_batch_are_read_in_one_query(
    world: World, own_broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that starts reads all keys of a batch at once, and from then on those keys not at all."""
    birch = world.remote.host("birch")
    actors = [birch.actor(f"nora{number}") for number in range(12)]
    asked: list[int] = []
    by_ids = keys.by_ids

    async def counting(conn: Connection, key_ids: Sequence[str]) -> dict[str, KnownKey]:
        asked.append(len(key_ids))
        return await by_ids(conn, key_ids)

    async with run_verifier(world, own_broker_url) as first:
        await _deliver_together(first, actors)
    monkeypatch.setattr(keys, "by_ids", counting)
    async with run_verifier(world, own_broker_url) as second:
        await _deliver_together(second, actors)
        assert asked == [12]
        await _deliver_together(second, actors)
        assert asked == [12]


async def _deliver_together(verifier: RunningVerifier, actors: Sequence[RemoteActor]) -> None:
    creates = [(actor, actor.create()) for actor in actors]
    await verifier.post(*(verifier.request(actor, create) for actor, create in creates))
    await verifier.until_accepted(*(create["id"] for _, create in creates))


async def test_a_key_that_is_not_there_is_asked_for_once(verifier: RunningVerifier) -> None:
    """However many activities name a key that its server does not have, the server is not asked again."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    birch.behave("/users/nora", status=404)
    first = nora.create()
    await verifier.deliver(nora, first)
    assert (await verifier.until_refused(first["id"])).reason == "not_there"
    asked = list(birch.fetched)
    others = [nora.create() for _ in range(20)]
    await verifier.post(*(verifier.request(nora, other) for other in others))
    for other in others:
        assert (await verifier.until_refused(other["id"])).reason == "not_there"
    assert birch.fetched == asked
