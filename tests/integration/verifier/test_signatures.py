"""Whose signature counts, and when."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.database.hosts import known_hosts
from shared.protocol.activities import Follow
from shared.protocol.messages import ReceivedRequest
from shared.queue.topology import INBOX_UNRESOLVED
from tests.fakes.remote_host import RemoteHost
from tests.fakes.signing import Signing
from tests.infrastructure import eventually
from tests.integration.verifier.running import RunningVerifier


# The key documents of GoToSocial hold the RSA key only.
@pytest.mark.parametrize(
    ("flavour", "how"),
    [
        (flavour, how)
        for flavour in ("mastodon", "gotosocial", "threads", "takahe")
        for how in ("cavage", "rfc9421", "ed25519")
        if (flavour, how) != ("gotosocial", "ed25519")
    ],
)
async def test_every_kind_of_signature_is_accepted(verifier: RunningVerifier, flavour: str, how: str) -> None:
    """An activity is accepted by each scheme and key, from each kind of server, though its key is unknown."""
    nora = verifier.world.remote.host("birch").actor("nora", flavour)
    follow = nora.activity("Follow", verifier.world.uris.actor(7))
    await verifier.deliver(nora, follow, how)
    (accepted,) = await verifier.until_accepted(follow["id"])
    assert isinstance(accepted.activity, Follow)
    assert (accepted.local, accepted.activity.object) == (False, verifier.world.uris.actor(7))


async def test_known_key_is_not_fetched_again(verifier: RunningVerifier) -> None:
    """The key is fetched for the first activity of an actor, and for none of the next."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    first = nora.create()
    await verifier.deliver(nora, first)
    await verifier.until_accepted(first["id"])
    fetched = list(birch.fetched)
    others = [nora.create() for _ in range(10)]
    await verifier.post(*(verifier.request(nora, other) for other in others))
    await verifier.until_accepted(*(other["id"] for other in others))
    assert birch.fetched == fetched


async def test_expiry_is_judged_at_receipt(verifier: RunningVerifier) -> None:
    """A signature that has expired since it was received is accepted; one that had expired by then is not."""
    nora = verifier.world.remote.host("birch").actor("nora")
    received = datetime.now(UTC) - timedelta(hours=3)
    how = Signing(now=received, expires=int(received.timestamp()) + 300)
    in_time, late = nora.create(), nora.create()
    await verifier.post(verifier.request(nora, in_time, how, received_at=received))
    await verifier.post(verifier.request(nora, late, how, received_at=received + timedelta(minutes=6)))
    await verifier.until_accepted(in_time["id"])
    assert (await verifier.until_refused(late["id"])).reason == "expired"


async def test_changed_body_is_refused(verifier: RunningVerifier) -> None:
    """A body that is not the signed one is refused, and its neighbours in the batch are not."""
    nora = verifier.world.remote.host("birch").actor("nora")
    changed, honest = nora.create(), nora.create()
    request = verifier.request(nora, changed, body=b'{"type": "Create"}')
    await verifier.post(request, verifier.request(nora, honest))
    await verifier.until_accepted(honest["id"])
    assert (await verifier.until_refused(changed["id"])).reason == "digest_mismatch"


async def test_signature_for_another_path_is_refused(verifier: RunningVerifier) -> None:
    """A request that does not sign its target is refused: it could be replayed elsewhere."""
    nora = verifier.world.remote.host("birch").actor("nora")
    create = nora.create()
    await verifier.deliver(nora, create, Signing(covered=("host", "date", "digest")))
    assert (await verifier.until_refused(create["id"])).reason == "target_not_covered"


async def test_rotated_key_is_fetched_once(verifier: RunningVerifier) -> None:
    """A new key is fetched when the known one no longer fits, once, and what it signed is accepted."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    before = nora.create()
    await verifier.deliver(nora, before)
    await verifier.until_accepted(before["id"])
    birch.fetched.clear()
    nora.rotate_key()
    after = [nora.create() for _ in range(50)]
    for create in after:
        await verifier.deliver(nora, create)
    await verifier.until_accepted(*(create["id"] for create in after))
    assert birch.fetched.count("/users/nora") == 1


async def test_a_hundred_bad_signatures_cause_one_fetch(verifier: RunningVerifier) -> None:
    """However many signatures do not fit a key, it is fetched again once in the window."""
    birch = verifier.world.remote.host("birch")
    nora, forger = birch.actor("nora"), birch.actor("forger")
    known = nora.create()
    await verifier.deliver(nora, known)
    await verifier.until_accepted(known["id"])
    birch.fetched.clear()
    forged = [nora.create() for _ in range(100)]
    requests = [_in_the_name_of(nora.key_id, verifier.request(forger, create)) for create in forged]
    await verifier.post(*requests)
    for create in forged:
        assert (await verifier.until_refused(create["id"])).reason == "signature_invalid"
    assert birch.fetched.count("/users/nora") == 1


async def test_a_second_new_key_in_the_window_is_not_asked_for(verifier: RunningVerifier) -> None:
    """Who replaces a key twice within the window is refused the second time, and nobody is asked again."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    for _ in range(2):
        create = nora.create()
        await verifier.deliver(nora, create)
        await verifier.until_accepted(create["id"])
        nora.rotate_key()
    birch.fetched.clear()
    create = nora.create()
    await verifier.deliver(nora, create)
    assert (await verifier.until_refused(create["id"])).reason == "signature_invalid"
    assert "/users/nora" not in birch.fetched


async def test_a_key_that_another_process_found_is_used(verifier: RunningVerifier) -> None:
    """Where this process may not ask again, what another one has stored since decides, not its own memory."""
    birch = verifier.world.remote.host("birch")
    nora, forger = birch.actor("nora"), birch.actor("forger")
    known, forged, after = nora.create(), nora.create(), nora.create()
    await verifier.deliver(nora, known)
    await verifier.until_accepted(known["id"])
    await verifier.post(_in_the_name_of(nora.key_id, verifier.request(forger, forged)))
    await verifier.until_refused(forged["id"])
    nora.rotate_key()
    await verifier.world.resolver.key(nora.key_id)  # what the other process does
    birch.fetched.clear()
    await verifier.deliver(nora, after)
    await verifier.until_accepted(after["id"])
    assert "/users/nora" not in birch.fetched


def _in_the_name_of(key_id: str, request: ReceivedRequest) -> ReceivedRequest:
    """Return a request whose signature names another key than the one it was made with."""
    headers = tuple(
        (name, re.sub(r'keyId="[^"]+"', f'keyId="{key_id}"', value)) for name, value in request.headers
    )
    return replace(request, headers=headers)


async def test_rotated_key_is_found_after_its_server_was_away(verifier: RunningVerifier) -> None:
    """A server that cannot be asked for its new key now is asked again later, and has not lost anything."""
    birch = verifier.world.remote.host("birch")
    nora = birch.actor("nora")
    before = nora.create()
    await verifier.deliver(nora, before)
    await verifier.until_accepted(before["id"])
    nora.rotate_key()
    birch.behave("/users/nora", status=503)
    after = nora.create()
    await verifier.deliver(nora, after)

    async def kept() -> bool:
        return len(await verifier.set_for_later()) == 1

    await eventually(kept, "the request to be kept")
    birch.behave_well()
    verifier.world.resolver.forget_failure(nora.key_id)
    await verifier.post(*await verifier.set_for_later(), queue=INBOX_UNRESOLVED)
    await verifier.until_accepted(after["id"])


async def test_who_signs_with_ed25519_is_known_to_take_it(verifier: RunningVerifier) -> None:
    """A host whose actors sign by Ed25519 keys may be sent such signatures; one that uses RSA may not."""
    remote = verifier.world.remote
    able, other = remote.host("birch"), remote.host("fir")
    for host, how in ((able, "ed25519"), (other, "rfc9421")):
        nora = host.actor("nora")
        for _ in range(2):  # the first has its key fetched, and shows only that it is the actor's
            note = nora.create()
            await verifier.deliver(nora, note, how)
            await verifier.until_accepted(note["id"])

    async def noted() -> bool:
        async with verifier.world.pool.acquire() as conn:
            found = await known_hosts(conn, [able.authority, other.authority])
        return [host for host, one in found.items() if one.takes_ed25519] == [able.authority]

    await eventually(noted, "the host to be noted as one that takes Ed25519")


async def test_spelling_of_digests_is_noted(verifier: RunningVerifier) -> None:
    """Of a host it is known how it writes the digest of what it signs, the latest that it used."""
    remote = verifier.world.remote
    birch, fir = remote.host("birch"), remote.host("fir")

    async def send(host: RemoteHost, how: str | Signing) -> None:
        nora = host.actor("nora")
        for _ in range(2):  # the first has its key fetched
            note = nora.create()
            await verifier.deliver(nora, note, how)
            await verifier.until_accepted(note["id"])

    async def forms() -> dict[str, str]:
        async with verifier.world.pool.acquire() as conn:
            rows = await conn.fetch("SELECT host, digest_form FROM hosts WHERE digest_form <> ''")
        return {row["host"]: row["digest_form"] for row in rows}

    await send(birch, "cavage")
    await send(fir, "rfc9421")

    async def noted() -> bool:
        return await forms() == {birch.authority: "SHA-256", fir.authority: "Content-Digest"}

    await eventually(noted, "the spellings to be noted")
