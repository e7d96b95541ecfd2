"""Signatures that prove nothing, and a few that look odd and are right."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.remote_actor import RemoteActor
from tests.fakes.signing import Outgoing, Signing, pem, signed_headers
from tests.hostile.arena import Arena, Shot
from tests.hostile.verdicts import Accepted, Refused, Verdict, rejected

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]
CAVAGE, RFC9421 = "cavage", "rfc9421"
EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
FULL = ("(request-target)", "host", "date", "digest")
FULL_9421 = ("@method", "@target-uri", "content-digest")


def ago(**past: float) -> datetime:
    """Return a moment that is so long past."""
    return datetime.now(UTC) - timedelta(**past)


def signed(how: Signing | str = CAVAGE, *drop: str, **headers: str) -> Attack:
    """Send a good post, signed in this way; take headers away, or put others in their place."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        return arena.shot(nora, arena.post_of(nora), how, drop=drop, headers=headers)

    return make


def of_age(scheme: str, covered: tuple[str, ...] | None = None, **past: float) -> Attack:
    """Send a post signed at another time."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        drop = ("Date",) if scheme == RFC9421 else ()
        return arena.shot(
            nora, arena.post_of(nora), Signing(scheme=scheme, now=ago(**past), covered=covered), drop=drop
        )

    return make


def expiring(scheme: str, seconds: int) -> Attack:
    """Send a post whose signature ends so many seconds from now."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        expires = int(datetime.now(UTC).timestamp()) + seconds
        return arena.shot(nora, arena.post_of(nora), Signing(scheme=scheme, expires=expires))

    return make


def made_and_expiring(scheme: str, made: int, ends: int) -> Attack:
    """Send a post signed so many seconds from now, whose signature ends so many seconds from now."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        expires = int(datetime.now(UTC).timestamp()) + ends
        how = Signing(scheme=scheme, now=ago(seconds=-made), expires=expires)
        return arena.shot(nora, arena.post_of(nora), how)

    return make


def rewritten(scheme: str, change: Callable[[Arena, RemoteActor, dict[str, str], bytes], None]) -> Attack:
    """Send a post whose headers were changed by hand after signing."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        shot = arena.shot(nora, arena.post_of(nora), scheme)
        headers = dict(shot.headers)
        change(arena, nora, headers, shot.body)
        return replace(shot, headers=headers)

    return make


def elsewhere(url: str, scheme: str = CAVAGE) -> Attack:
    """Send a post that was signed for another address."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        shot = arena.shot(nora, arena.post_of(nora), scheme, url=url.format(origin=arena.site.origin))
        host = {"Host": arena.site.host} if url.startswith("{origin}") else {}
        return replace(shot, url=arena.inbox, headers={**shot.headers, **host})

    return make


def _hmac(_: Arena, nora: RemoteActor, headers: dict[str, str], __: bytes) -> None:
    made = hmac.new(pem(nora.rsa).encode(), b"anything", hashlib.sha256).digest()
    headers["Signature"] = _replaced(headers["Signature"], base64.b64encode(made), "hmac-sha256")


def _replaced(signature: str, value: bytes, algorithm: str) -> str:
    signature = re.sub(r'signature="[^"]*"', f'signature="{value.decode()}"', signature)
    return re.sub(r'algorithm="[^"]*"', f'algorithm="{algorithm}"', signature)


def _by_another_key(arena: Arena, nora: RemoteActor, headers: dict[str, str], body: bytes) -> None:
    mallory = arena.somebody("mallory")
    headers |= signed_headers(Signing(), Outgoing("POST", arena.inbox, body), nora.key_id, mallory.rsa)


def _beyond_the_order(_: Arena, __: RemoteActor, headers: dict[str, str], ___: bytes) -> None:
    raw = base64.b64decode(headers["Signature"].removeprefix("sig1=:").removesuffix(":"))
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(raw[32:], "little") + order
    other = base64.b64encode(raw[:32] + scalar.to_bytes(32, "little")).decode()
    headers["Signature"] = f"sig1=:{other}:"


def _broken_9421_beside_good_cavage(
    arena: Arena, nora: RemoteActor, headers: dict[str, str], body: bytes
) -> None:
    good = dict(headers)
    headers |= nora.signed("POST", arena.inbox, body, RFC9421)
    headers["Signature"] = good["Signature"]


def _two_signatures(_: Arena, __: RemoteActor, headers: dict[str, str], ___: bytes) -> None:
    headers["Signature-Input"] += ", " + headers["Signature-Input"].replace("sig1", "sig2", 1)
    headers["Signature"] += ", " + headers["Signature"].replace("sig1", "sig2", 1)


def _undated(_: Arena, __: RemoteActor, headers: dict[str, str], ___: bytes) -> None:
    del headers["Date"]
    headers["Signature-Input"] = re.sub(r";created=\d+", "", headers["Signature-Input"])


def _created(seconds: int | None) -> Attack:
    def change(_: Arena, __: RemoteActor, headers: dict[str, str], ___: bytes) -> None:
        value = "" if seconds is None else f";created={int(datetime.now(UTC).timestamp()) + seconds}"
        headers["Signature-Input"] = re.sub(r";created=\d+", value, headers["Signature-Input"])
        headers.pop("Date", None) if seconds is not None else None

    return rewritten(RFC9421, change)


ATTACKS: dict[str, tuple[Attack, Verdict]] = {
    "a post without a signature": (signed(CAVAGE, "Signature"), Refused(401, "signature_missing")),
    "a signature of garbage": (signed(CAVAGE, Signature="!!"), Refused(401, "signature_malformed")),
    "a signature without a key id": (
        rewritten(
            CAVAGE, lambda _a, _n, h, _b: h.update(Signature='algorithm="rsa-sha256",signature="AA=="')
        ),
        Refused(401, "signature_malformed"),
    ),
    "no Digest": (signed(CAVAGE, "Digest"), Refused(401, "digest_missing")),
    "no Content-Digest": (signed(RFC9421, "Content-Digest"), Refused(401, "digest_missing")),
    "the digest of another body": (
        signed(Signing(digest=f"SHA-256={EMPTY}")),
        Refused(401, "digest_mismatch"),
    ),
    "the Content-Digest of another body": (
        signed(Signing(scheme=RFC9421, digest=f"sha-256=:{EMPTY}:")),
        Refused(401, "digest_mismatch"),
    ),
    "a digest that is right beside one that is wrong": (
        signed(CAVAGE, Content_Digest=f"sha-256=:{EMPTY}:"),
        Refused(401, "digest_mismatch"),
    ),
    "an md5 digest": (
        signed(Signing(digest="MD5=1B2M2Y8AsgTpgAmY7PhCfg==")),
        Refused(401, "digest_unsupported"),
    ),
    "a digest of no known kind": (signed(Signing(digest="FNV=AAAA")), Refused(401, "digest_unsupported")),
    "a digest of garbage": (signed(Signing(digest="SHA-256")), Refused(401, "digest_malformed")),
    "a digest that is not signed": (signed(Signing(covered=FULL[:3])), Refused(401, "digest_not_covered")),
    "a body changed after signing": (
        signed(CAVAGE, Digest=f"SHA-256={EMPTY}"),
        Refused(401, "digest_mismatch"),
    ),
    "a Date 13 hours past": (of_age(CAVAGE, hours=13), Refused(401, "date_out_of_window")),
    "a Date two hours ahead": (of_age(CAVAGE, hours=-2), Refused(401, "date_out_of_window")),
    "created 13 hours past": (of_age(RFC9421, hours=13), Refused(401, "date_out_of_window")),
    "created two hours ahead": (of_age(RFC9421, hours=-2), Refused(401, "date_out_of_window")),
    "a Date of garbage": (signed(CAVAGE, Date="yesterday"), Refused(401, "date_malformed")),
    "neither Date nor created": (
        signed(Signing(covered=("(request-target)", "host", "digest")), "Date"),
        Refused(401, "date_missing"),
    ),
    "neither Date nor created in RFC 9421": (
        rewritten(RFC9421, _undated),
        Refused(401, "date_missing"),
    ),
    "a Date that is not signed": (
        signed(Signing(covered=("(request-target)", "host", "digest"))),
        rejected("date_not_covered"),
    ),
    "the request target not signed": (
        signed(Signing(covered=("host", "date", "digest"))),
        rejected("target_not_covered"),
    ),
    "the host not signed": (
        signed(Signing(covered=("(request-target)", "date", "digest"))),
        rejected("host_not_covered"),
    ),
    "signed for another path": (elsewhere("{origin}/users/1/inbox"), rejected("signature_invalid")),
    "signed for another host": (elsewhere("https://other.example/inbox"), rejected("host_mismatch")),
    "signed for another host by RFC 9421": (
        elsewhere("https://other.example/inbox", RFC9421),
        rejected("signature_invalid"),
    ),
    "expired an hour ago": (expiring(CAVAGE, -3600), rejected("expired")),
    "expired an hour ago by RFC 9421": (expiring(RFC9421, -3600), rejected("expired")),
    "expired before it was made": (made_and_expiring(CAVAGE, 600, 60), rejected("expired")),
    "expired before it was made by RFC 9421": (made_and_expiring(RFC9421, 600, 60), rejected("expired")),
    "algorithm none": (signed(Signing(algorithm="none")), rejected("algorithm_unsupported")),
    "algorithm none by RFC 9421": (
        signed(Signing(scheme=RFC9421, algorithm="none")),
        rejected("algorithm_unsupported"),
    ),
    "an HMAC keyed with the public key": (rewritten(CAVAGE, _hmac), rejected("algorithm_unsupported")),
    "an HMAC by RFC 9421": (
        signed(Signing(scheme=RFC9421, algorithm="hmac-sha256")),
        rejected("algorithm_unsupported"),
    ),
    "the label of another kind of key": (
        signed(Signing(scheme=RFC9421, algorithm="ed25519")),
        rejected("algorithm_mismatch"),
    ),
    "another's key": (rewritten(CAVAGE, _by_another_key), rejected("signature_invalid", fetches=8)),
    "RFC 9421 without @method": (
        signed(Signing(scheme=RFC9421, covered=FULL_9421[1:])),
        rejected("target_not_covered"),
    ),
    "RFC 9421 without @target-uri": (
        signed(Signing(scheme=RFC9421, covered=("@method", "@path", "content-digest"))),
        rejected("target_not_covered"),
    ),
    "RFC 9421 without content-digest": (
        signed(Signing(scheme=RFC9421, covered=FULL_9421[:2])),
        rejected("digest_not_covered"),
    ),
    "RFC 9421 without created": (_created(None), rejected("date_missing")),
    "RFC 9421 with another created than was signed": (_created(-5), rejected("signature_invalid", fetches=8)),
    "two signatures": (rewritten(RFC9421, _two_signatures), Refused(401, "several_signatures")),
    "an Ed25519 signature beyond the order": (
        rewritten("ed25519", _beyond_the_order),
        rejected("signature_invalid", fetches=8),
    ),
    "a bad RFC 9421 signature beside a good one of the old kind": (
        rewritten(CAVAGE, _broken_9421_beside_good_cavage),
        Refused(401, "signature_malformed"),
    ),
    "hs2019 with an RSA key": (signed(Signing(algorithm="hs2019")), Accepted()),
    "no label at all in RFC 9421": (signed(RFC9421), Accepted()),
    "an Ed25519 key": (signed("ed25519"), Accepted()),
    "eleven hours on the way": (of_age(CAVAGE, hours=11), Accepted()),
    "an expiry that is to come": (expiring(RFC9421, 300), Accepted()),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_signature_proves_its_request_or_nothing(arena: Arena, attack: str) -> None:
    """Each is refused or rejected with its reason, counted, and without effect; what is right is accepted."""
    make, verdict = ATTACKS[attack]
    await verdict.holds(arena, make)
