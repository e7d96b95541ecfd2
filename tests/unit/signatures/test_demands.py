"""What we sign satisfies the most particular of those who check it."""

import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256

import pytest

from shared.signatures.keys import load_private
from shared.signatures.request import Scheme
from shared.signatures.sign import Signer, sign_request
from tests.unit.signatures.signed import RSA_PAIR

BODY = b'{"type":"Create"}'
INBOX = "https://birch.example/users/nora/inbox"
KEY = "https://loom.example/users/1#main-key"
DIGEST = b64encode(sha256(BODY).digest()).decode()


def signed(scheme: Scheme, body: bytes | None = BODY) -> dict[str, str]:
    """Return the headers of a request of ours, signed now."""
    return dict(Signer(key_id=KEY, private_key=RSA_PAIR.private, scheme=scheme).headers("POST", INBOX, body))


def test_gotosocial_reads_our_signature_header() -> None:
    """The parameters are separated by a comma and nothing else, and each comes once."""
    header = signed(Scheme.CAVAGE)["Signature"]
    assert ", " not in header
    names = [part.partition("=")[0] for part in re.split(r",(?=[a-zA-Z]+=)", header)]
    assert names == ["keyId", "algorithm", "headers", "signature"]


def test_takahe_and_threads_read_our_digest() -> None:
    """The algorithm is written in upper case, which both insist on, and is labelled as what it is."""
    headers = signed(Scheme.CAVAGE)
    assert headers["Digest"] == f"SHA-256={DIGEST}"
    assert 'algorithm="rsa-sha256"' in headers["Signature"]


def test_mastodon_finds_covered_what_it_wants() -> None:
    """The four headers are signed in the old scheme, method, target and digest in the new one, once each."""
    assert 'headers="(request-target) host date digest"' in signed(Scheme.CAVAGE)["Signature"]
    headers = signed(Scheme.RFC9421)
    assert headers["Signature-Input"].startswith('sig1=("@method" "@target-uri" "content-digest");created=')
    assert headers["Content-Digest"] == f"sha-256=:{DIGEST}:"
    assert headers["Signature-Input"].count("sig1=") == headers["Signature"].count("sig1=") == 1


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("body", [BODY, None])
def test_accept_is_never_signed(scheme: Scheme, body: bytes | None) -> None:
    """No signature of ours covers Accept, which Mastodon 4.6 and Misskey cope badly with."""
    headers = signed(scheme, body)
    assert "accept" not in str(headers).lower()


def test_takahe_finds_our_date_within_its_minute() -> None:
    """Date is that of the moment, to the second, in GMT."""
    text = signed(Scheme.CAVAGE)["Date"]
    assert text.endswith(" GMT")
    assert abs(datetime.now(UTC) - parsedate_to_datetime(text)) < timedelta(seconds=30)


def test_a_target_without_a_query_is_signed_without_one() -> None:
    """The target of an inbox is its path alone: no question mark, no host, no fragment."""
    key = load_private(RSA_PAIR.private)
    now = datetime.now(UTC)
    one, other = (
        dict(sign_request(Scheme.CAVAGE, "POST", url, BODY, key_id=KEY, private_key=key, now=now))
        for url in (INBOX, f"{INBOX}?")
    )
    assert one["Signature"] == other["Signature"]
