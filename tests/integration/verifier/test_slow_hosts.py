"""A host that is down, slow or hostile costs itself something, and nobody else."""

import pytest
from msgspec.structs import replace

from services.signature_verifier.slow_lane import DELAYS
from shared.queue.topology import INBOX_UNRESOLVED
from tests.infrastructure import eventually
from tests.integration.verifier.running import RunningVerifier


async def test_host_that_does_not_answer_delays_nobody_else(verifier: RunningVerifier) -> None:
    """While a key host keeps its connections open in silence, all that comes after it is judged."""
    hanging, birch = verifier.world.remote.host("hanging"), verifier.world.remote.host("birch")
    hanging.behave("*", delay=60.0)
    stuck = [hanging.actor(f"stuck{number}") for number in range(40)]
    held = [verifier.request(actor, actor.create()) for actor in stuck]
    await verifier.post(*held)
    await eventually(lambda: len(hanging.fetched) > 0, "the hanging host to be asked")
    unknown = [birch.actor(f"nora{number}") for number in range(10)]
    creates = [actor.create() for actor in unknown]
    requests = [verifier.request(*pair) for pair in zip(unknown, creates, strict=True)]
    await verifier.post(*requests)
    await verifier.until_accepted(*(create["id"] for create in creates))
    # Everything of the good host is through before anything of the hanging one was given up.
    assert not {one.activity_id for one in held} & {one.activity.id for one in verifier.accepted}
    assert all(request.attempt == 1 for request in await verifier.set_for_later())


async def test_unreachable_key_is_tried_again_later(verifier: RunningVerifier) -> None:
    """An activity whose key cannot be fetched now is kept, and accepted once its host answers."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    birch.behave("/users/nora", status=503)
    create = nora.create()
    await verifier.deliver(nora, create)

    async def kept() -> bool:
        return len(await verifier.set_for_later()) == 1

    await eventually(kept, "the request to be kept")
    (again,) = await verifier.set_for_later()
    assert again.attempt == 2
    birch.behave_well()
    verifier.world.resolver.forget_failure(nora.key_id)
    await verifier.post(again, queue=INBOX_UNRESOLVED)
    await verifier.until_accepted(create["id"])


async def test_key_that_stays_unreachable_is_given_up_with_its_reason(verifier: RunningVerifier) -> None:
    """After its last attempt an activity whose key host is away is refused in the open."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    birch.behave("*", reset=True)
    create = nora.create()
    request = replace(verifier.request(nora, create), attempt=len(DELAYS) + 1)
    await verifier.post(request, queue=INBOX_UNRESOLVED)
    assert (await verifier.until_refused(create["id"])).reason == "key_unreachable"
    assert await verifier.set_for_later() == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"status": 404}, "not_there"),
        ({"status": 410}, "gone"),
        ({"content_type": "text/html"}, "wrong_media_type"),
        ({"bomb": 50_000_000}, "answer_too_large"),
        ({"body": b"{}"}, "key_not_listed"),
        ({"redirect": "http://169.254.169.254/latest"}, "address_blocked"),
    ],
)
async def test_key_documents_that_prove_nothing_are_refused(
    verifier: RunningVerifier, trouble: dict[str, object], reason: str
) -> None:
    """Whatever a key's address answers instead of the key, the activity has no effect and says why."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    birch.behave("/users/nora", **trouble)
    create = nora.create()
    request = replace(verifier.request(nora, create), attempt=len(DELAYS) + 1)
    await verifier.post(request, queue=INBOX_UNRESOLVED)
    refused = await verifier.until_refused(create["id"])
    assert refused.reason == reason


async def test_shared_post_that_stays_unreachable_is_named_as_such(verifier: RunningVerifier) -> None:
    """A share whose post cannot be fetched is given up for the post's sake, not for the signer's."""
    birch, ash = verifier.world.remote.host("birch"), verifier.world.remote.host("ash")
    nora = birch.actor("nora")
    ash.behave("*", status=503)
    announce = nora.activity("Announce", f"{ash.origin}/notes/1")
    request = replace(verifier.request(nora, announce), attempt=len(DELAYS) + 1)
    await verifier.post(request)
    assert (await verifier.until_refused(announce["id"])).reason == "post_unreachable"
