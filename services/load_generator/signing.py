"""Signed requests made ahead of time: the generator must not spend its core on RSA while it measures."""

import base64
import time
from collections.abc import Iterable
from email.utils import formatdate
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from services.load_generator.keys import KeyRing
from services.load_generator.payloads import digest
from services.load_generator.population import SimulatedActor

_PADDING, _HASH = PKCS1v15(), SHA256()


class SignedRequest(Struct, frozen=True):
    """A whole HTTP request, ready for the socket, and the id of the activity in it."""

    activity_id: str
    wire: bytes


def sign_post(
    keys: KeyRing,
    actor: SimulatedActor,
    inbox: str,
    activity_id: str,
    body: bytes,
    *,
    now: float | None = None,
    signed_by: int | None = None,
) -> SignedRequest:
    """Return a POST of the body to the inbox, signed by the actor as Mastodon does (draft-cavage-12).

    Args:
        keys: Holds the actor's private key.
        actor: Who signs.
        inbox: An http URL; its host and path are what gets signed.
        activity_id: The id of the activity in the body, for the ledger.
        body: The activity.
        now: Unix time of the Date header; the present where absent.
        signed_by: Number of another actor whose key is used instead: a forgery.
    """
    target = urlsplit(inbox)
    date = formatdate(time.time() if now is None else now, usegmt=True)
    hashed = digest(body)
    to_sign = f"(request-target): post {target.path}\nhost: {target.netloc}\ndate: {date}\ndigest: {hashed}"
    signature = base64.b64encode(
        keys.private_key(actor.number if signed_by is None else signed_by).sign(
            to_sign.encode(), _PADDING, _HASH
        )
    ).decode()
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nDate: {date}\r\nDigest: {hashed}\r\n"
        f"Content-Type: application/activity+json\r\nContent-Length: {len(body)}\r\n"
        f"User-Agent: heddle-load\r\n"
        f'Signature: keyId="{actor.key_id}",algorithm="rsa-sha256",'
        f'headers="(request-target) host date digest",signature="{signature}"\r\n\r\n'
    )
    return SignedRequest(activity_id, head.encode() + body)


def unsigned_post(inbox: str, activity_id: str, body: bytes) -> SignedRequest:
    """Return a POST of the body without a signature."""
    target = urlsplit(inbox)
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nDate: {formatdate(usegmt=True)}\r\n"
        f"Content-Type: application/activity+json\r\nContent-Length: {len(body)}\r\n"
        f"User-Agent: heddle-load\r\n\r\n"
    )
    return SignedRequest(activity_id, head.encode() + body)


def sign_all(
    keys: KeyRing, inbox: str, made: Iterable[tuple[SimulatedActor, str, bytes]]
) -> list[SignedRequest]:
    """Return one signed request for each (actor, activity id, body)."""
    return [sign_post(keys, actor, inbox, activity_id, body) for actor, activity_id, body in made]
