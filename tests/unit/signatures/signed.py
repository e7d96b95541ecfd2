"""Signed requests to take apart: one that is right, and ways to change it."""

from datetime import UTC, datetime

from shared.protocol.objects import PublicKey
from shared.signatures.keys import KeyPair, generate_ed25519, generate_rsa, load_private
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import SignedRequest
from shared.signatures.sign import sign_request
from shared.signatures.verify import parse, verify

ORIGIN = "https://heddle.example"
INBOX = f"{ORIGIN}/users/1/inbox"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
BODY = b'{"type":"Like"}'
KEY_ID = "https://remote.example/users/nora#main-key"
RSA_PAIR = generate_rsa()
ED25519_PAIR = generate_ed25519()


def public(pair: KeyPair) -> PublicKey:
    """Return the public half, as an actor document lists it."""
    owner = KEY_ID.partition("#")[0]
    return PublicKey(id=KEY_ID, owner=owner, algorithm=pair.algorithm, der=pair.public)


def signed(
    scheme: str = "cavage",
    *,
    pair: KeyPair = RSA_PAIR,
    url: str = INBOX,
    body: bytes | None = BODY,
    key_id: str = KEY_ID,
    now: datetime = NOW,
    method: str = "POST",
) -> SignedRequest:
    """Return a request as Heddle signs it."""
    key = load_private(pair.private)
    headers = sign_request(scheme, method, url, body, key_id=key_id, private_key=key, now=now)
    lower = tuple((name.lower(), value) for name, value in headers)
    return SignedRequest(method, "/" + url.split("/", 3)[3], lower, body or b"")


def header(request: SignedRequest, name: str) -> str:
    """Return the value of a header."""
    return dict(request.headers)[name]


def with_header(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    """Return the request with another value of a header, or without it."""
    kept = tuple(pair for pair in request.headers if pair[0] != name)
    added = () if value is None else ((name, value),)
    return SignedRequest(request.method, request.target, kept + added, request.body)


def refusal(
    request: SignedRequest,
    key: PublicKey | None = None,
    *,
    origin: str = ORIGIN,
    now: datetime = NOW,
) -> Reason | None:
    """Return why the verifier refuses a request, or None if it does not."""
    try:
        verify(parse(request), request, key or public(RSA_PAIR), origin=origin, now=now)
    except Refused as refused:
        return refused.why
    return None
