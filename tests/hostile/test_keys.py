"""Keys that are not the actor's, not keys, or not worth waiting for."""

import asyncio
import base64
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.remote_actor import Json, RemoteActor
from tests.fakes.signing import Outgoing, Signing, pem, signed_headers
from tests.hostile.arena import VERIFIER, Arena, Shot
from tests.hostile.verdicts import Accepted, Verdict, rejected
from tests.infrastructure import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]
NOTHING_FETCHED = 0


def named(key_id: str) -> Attack:
    """Sign with a key of this name; `{actor}` and `{host}` are the signer's."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        activity = arena.post_of(nora)
        body = nora.host.encode(activity)
        name = key_id.format(actor=nora.id, host=nora.host.authority, ours=arena.site.origin)
        return arena.shot(
            nora,
            activity,
            headers=signed_headers(Signing(), Outgoing("POST", arena.inbox, body), name, nora.rsa),
        )

    return make


def key_document(change: Callable[[RemoteActor, RemoteActor, Json], object]) -> Attack:
    """Serve an actor whose document was changed: `change` gets it, the signer and a victim."""

    async def make(arena: Arena) -> Shot:
        nora, victim = arena.somebody(), arena.somebody("victim")
        document = nora.document()
        change(nora, victim, document)
        nora.host.serve(document, at=nora.id)
        return arena.shot(nora, arena.post_of(nora), watch=(victim.host,))

    return make


def published(pem_text: str) -> Attack:
    """Serve an actor with this as its key."""
    return key_document(
        lambda nora, _v, d: d.update(publicKey={**nora.public_key(), "publicKeyPem": pem_text})
    )


def answered(**trouble: object) -> Attack:
    """Have the actor's address answer in this manner."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        nora.host.behave(f"/users/{nora.name}", **trouble)
        return arena.shot(nora, arena.post_of(nora))

    return make


def in_the_name_of_a_victim(how: str) -> Attack:
    """Speak for an actor of another host, with a key document that says so."""

    async def make(arena: Arena) -> Shot:
        mallory, victim = arena.somebody("mallory"), arena.somebody("victim")
        if how == "unknown to us":
            pass
        elif how == "known to us":
            await arena.known(victim)
        document = mallory.document()
        document["publicKey"] = {**mallory.public_key(), "owner": victim.id}
        mallory.host.serve(document, at=mallory.id)
        activity = arena.post_of(victim)
        return arena.shot(mallory, activity, watch=(victim.host,))

    return make


def of_bits(bits: int, exponent: int = 65537) -> str:
    """Return the PEM of a new RSA key, by hand where no library makes one with this exponent."""
    if exponent == 65537:
        return pem(rsa.generate_private_key(public_exponent=65537, key_size=bits))
    modulus = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key().public_numbers().n
    return _spki(modulus, exponent)


def _spki(modulus: int, exponent: int) -> str:
    """Write a public key by hand: no library makes these."""

    def der(tag: int, content: bytes) -> bytes:
        size = len(content)
        length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2)
        return bytes([tag]) + length + content

    def integer(number: int) -> bytes:
        return der(2, number.to_bytes(number.bit_length() // 8 + 1))

    algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    numbers = der(0x30, integer(modulus) + integer(exponent))
    encoded = base64.encodebytes(der(0x30, algorithm + der(3, b"\0" + numbers))).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{encoded}-----END PUBLIC KEY-----\n"


def _private() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUe\n-----END CERTIFICATE-----\n"
UNUSABLE = rejected("key_id_unusable", fetches=NOTHING_FETCHED)
UNLISTED = rejected("key_not_listed", "key_weak", "key_malformed", fetches=6)

ATTACKS: dict[str, tuple[Attack, Verdict]] = {
    "a key id of scheme data": (named("data:application/json,x"), UNUSABLE),
    "a key id of scheme file": (named("file:///etc/passwd"), UNUSABLE),
    "a key id of scheme acct": (named("acct:nora@{host}"), UNUSABLE),
    "a relative key id": (named("/users/nora#main-key"), UNUSABLE),
    "a key id of scheme did": (named("did:key:z6Mk"), UNUSABLE),
    "a key id without a host": (named("https:///users/nora"), UNUSABLE),
    "a key id of ours": (named("{ours}/actor#main-key"), rejected("local_actor", fetches=NOTHING_FETCHED)),
    "a key that is not there": (named("{actor}-nobody#main-key"), rejected("not_there", fetches=4)),
    "a key that the actor does not list": (named("{actor}#other-key"), UNLISTED),
    "a document that names a victim as the key's owner": (
        key_document(lambda nora, victim, d: d.update(publicKey={**nora.public_key(), "owner": victim.id})),
        UNLISTED,
    ),
    "a document that calls itself a victim": (
        key_document(lambda _n, victim, d: d.update(id=victim.id)),
        rejected("id_mismatch", "key_not_listed", "signer_not_actor", fetches=8),
    ),
    "no key at all": (key_document(lambda _n, _v, d: d.pop("publicKey")), UNLISTED),
    "a key that is a number": (key_document(lambda _n, _v, d: d.update(publicKey=17)), UNLISTED),
    "speaking for somebody unknown": (
        in_the_name_of_a_victim("unknown to us"),
        rejected("signer_not_actor", "key_not_listed", fetches=8),
    ),
    "speaking for somebody known": (
        in_the_name_of_a_victim("known to us"),
        rejected("signer_not_actor", "key_not_listed", fetches=8),
    ),
    "PEM garbage": (published("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), UNLISTED),
    "a certificate": (published(CERTIFICATE), UNLISTED),
    "a private key": (published(_private()), UNLISTED),
    "an RSA key of 1,024 bits": (published(of_bits(1024)), UNLISTED),
    "an RSA key with exponent 1": (published(of_bits(2048, 1)), UNLISTED),
    "an RSA key of 16,384 bits": (published(_spki((1 << 16383) | 12345, 65537)), UNLISTED),
    "an RSA key with an enormous exponent": (
        published(_spki((1 << 2047) | 12345, (1 << 2040) | 1)),
        UNLISTED,
    ),
    "404": (answered(status=404), rejected("not_there")),
    "410": (answered(status=410), rejected("gone")),
    "403": (answered(status=403), rejected("denied")),
    "HTML": (answered(content_type="text/html"), rejected("wrong_media_type")),
    "plain JSON": (answered(content_type="application/json"), rejected("wrong_media_type")),
    "an upload that looks like an actor": (
        answered(content_type="application/ld+json"),
        rejected("wrong_media_type"),
    ),
    "a compressed bomb": (answered(bomb=200_000_000), rejected("answer_too_large")),
    "four megabytes": (answered(body=b" " * (4 << 20)), rejected("answer_too_large")),
    "deep nesting": (answered(body=b'{"a":' * 5000 + b"1" + b"}" * 5000), rejected("too_deep")),
    "an empty object": (answered(body=b"{}"), rejected("key_not_listed")),
    "a redirect to the cloud's metadata": (
        answered(redirect="http://169.254.169.254/latest/meta-data/"),
        rejected("address_blocked"),
    ),
    "a redirect to a loopback address of ours": (
        answered(redirect="http://127.0.0.2:80/"),
        rejected("address_blocked"),
    ),
    "a redirect to a file": (answered(redirect="file:///etc/passwd"), rejected("bad_url")),
    "a redirect to itself": (answered(redirect="/users/nora"), rejected("too_many_redirects", fetches=10)),
    "a redirect that leads nowhere": (answered(status=302), rejected("too_many_redirects")),
    "a key in a document of its own": (
        key_document(lambda _n, _v, _d: None),
        Accepted(),
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_only_the_actors_own_key_speaks_for_it(arena: Arena, attack: str) -> None:
    """Each is rejected with its reason, without effect, and with no more requests than a key is worth."""
    make, verdict = ATTACKS[attack]
    await verdict.holds(arena, make)


async def test_a_thousand_bad_signatures_cost_one_fetch(arena: Arena) -> None:
    """However many signatures do not fit a known key, it is fetched again once in the window."""
    nora, mallory = await arena.known(arena.somebody()), arena.somebody("mallory")
    nora.host.fetched.clear()
    activities = [nora.activity("Like", nora.uri()) for _ in range(1000)]

    async def forge(activity: Json) -> None:
        body = nora.host.encode(activity)
        request = Outgoing("POST", arena.inbox, body)
        headers = signed_headers(Signing(), request, nora.key_id, mallory.rsa)
        assert (await arena.fire(arena.shot(nora, activity, headers=headers))).status == 202

    for start in range(0, 1000, 100):
        await asyncio.gather(*map(forge, activities[start : start + 100]))

    async def all_refused() -> bool:
        query = "SELECT count(*) FROM refusals WHERE actor_uri = $1 AND reason = 'signature_invalid'"
        return bool(await arena.pool.fetchval(query, nora.id) == 1000)

    await eventually(all_refused, "a thousand refusals", seconds=60)
    assert nora.host.fetched.count("/users/nora") == 1


async def test_a_rotated_key_is_fetched_once_and_believed(arena: Arena) -> None:
    """What a new key signed is accepted after one fetch of it."""
    nora = await arena.known(arena.somebody())
    nora.rotate_key()
    nora.host.fetched.clear()
    assert await arena.hear(nora, arena.post_of(nora)) == "applied"
    assert nora.host.fetched.count("/users/nora") == 1


async def test_a_dripping_key_host_holds_nobody_up(arena: Arena) -> None:
    """While keys drip a byte a second, others are heard; the drips are cut off and kept for later."""
    slow = [arena.somebody("slow") for _ in range(20)]
    for actor in slow:
        actor.host.behave("*", drip=1.0)
    dripping = [actor.create() for actor in slow]
    unreachable = await arena.count(VERIFIER, "heddle_key_lookups_total", result="unreachable")
    for actor, activity in zip(slow, dripping, strict=True):
        assert (await arena.fire(arena.shot(actor, activity))).status == 202
    honest = arena.somebody()
    assert await arena.hear(honest, arena.post_of(honest)) == "applied"
    assert await arena.count(VERIFIER, "heddle_key_lookups_total", result="unreachable") == unreachable

    async def given_up() -> bool:
        now = await arena.count(VERIFIER, "heddle_key_lookups_total", result="unreachable")
        return now >= unreachable + len(slow)

    await eventually(given_up, "the drips to be cut off", seconds=30)
    for activity in dripping:
        assert not (await arena.journey(activity["id"])).applied


async def test_the_end_of_a_stranger_causes_no_fetch(arena: Arena) -> None:
    """Deletions of actors nobody knows, whose keys are gone, are dropped unasked; of others they count."""
    strangers = [arena.somebody("ghost") for _ in range(20)]
    for ghost in strangers:
        ghost.host.behave("*", status=410)
        farewell = ghost.activity("Delete", ghost.id)
        assert (await arena.fire(arena.shot(ghost, farewell))).status == 202

        async def dropped(farewell: Json = farewell) -> bool:
            return bool((await arena.journey(farewell["id"])).refused)

        await eventually(dropped, "the farewell to be dropped")
    assert [ghost.host.fetched for ghost in strangers] == [[]] * 20
    nora = await arena.known(arena.somebody())
    nora.host.behave("*", status=410)
    assert await arena.hear(nora, nora.activity("Delete", nora.id)) == "applied"
