"""What Heddle signs, Heddle verifies, and so does a server that was written apart from it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.signatures.dates import read_date
from shared.signatures.form import check_form
from shared.signatures.keys import KeyPair, generate_rsa, load_public
from shared.signatures.refused import Reason
from shared.signatures.sign import Signer, http_date
from shared.signatures.verify import parse
from tests.fakes.signing import problem_of, read_claim
from tests.unit.signatures import signed
from tests.unit.signatures.signed import BODY, ED25519_PAIR, INBOX, NOW, RSA_PAIR, public, refusal

WAYS = [
    pytest.param("cavage", RSA_PAIR, id="cavage-rsa"),
    pytest.param("cavage", ED25519_PAIR, id="cavage-ed25519"),
    pytest.param("rfc9421", RSA_PAIR, id="rfc9421-rsa"),
    pytest.param("rfc9421", ED25519_PAIR, id="rfc9421-ed25519"),
]


@pytest.mark.parametrize(("scheme", "pair"), WAYS)
def test_a_signed_post_verifies(scheme: str, pair: KeyPair) -> None:
    """A delivery signed in any scheme with any key passes both checks."""
    request = signed.signed(scheme, pair=pair)
    assert check_form(request.headers, "POST", BODY, NOW) is None
    assert refusal(request, public(pair)) is None


@pytest.mark.parametrize(("scheme", "pair"), WAYS)
def test_a_signed_get_verifies(scheme: str, pair: KeyPair) -> None:
    """A fetch has no body, needs no digest, and its query is signed."""
    request = signed.signed(scheme, pair=pair, method="GET", body=None, url=f"{signed.ORIGIN}/x?page=1")
    assert refusal(request, public(pair)) is None
    elsewhere = type(request)("GET", "/x?page=2", request.headers)
    assert refusal(elsewhere, public(pair)) is Reason.SIGNATURE_INVALID


@pytest.mark.parametrize(("scheme", "pair"), WAYS)
def test_a_foreign_server_accepts_our_signature(scheme: str, pair: KeyPair) -> None:
    """The signature fits what a server that shares no code with ours makes of the request."""
    request = signed.signed(scheme, pair=pair)
    headers = dict(request.headers)
    claim = read_claim("POST", INBOX, headers)
    assert problem_of(claim, headers, BODY, load_public(pair.algorithm, pair.public)) == ""
    assert problem_of(claim, headers, BODY + b" ", load_public(pair.algorithm, pair.public)) != ""


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_another_key_does_not_verify(scheme: str) -> None:
    """A signature verifies with the key that made it only."""
    other = generate_rsa()
    assert refusal(signed.signed(scheme), public(other)) is Reason.SIGNATURE_INVALID


def test_our_headers_suit_the_strictest_servers() -> None:
    """No space after commas, an upper-case digest name, rsa-sha256, and Accept is not signed."""
    value = signed.header(signed.signed(), "signature")
    assert '",' in value
    assert ", " not in value
    assert 'algorithm="rsa-sha256"' in value
    assert 'headers="(request-target) host date digest"' in value
    assert signed.header(signed.signed(), "digest").startswith("SHA-256=")


def test_rfc9421_covers_what_mastodon_requires() -> None:
    """Method, target and content digest are covered, and the moment of creation is stated."""
    parsed = parse(signed.signed("rfc9421"))
    assert parsed.covered == ("@method", "@target-uri", "content-digest")
    assert parsed.created == int(NOW.timestamp())


def test_a_signer_signs_each_request_anew() -> None:
    """A signer dates its requests with the present."""
    signer = Signer(key_id=signed.KEY_ID, private_key=RSA_PAIR.private)
    date = dict(signer.headers("POST", INBOX, BODY))["Date"]
    wanted = {http_date(datetime.now(UTC) - timedelta(seconds=ago)) for ago in range(5)}
    assert date in wanted


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_dates_are_read_as_they_are_written(moment: datetime) -> None:
    """Every date that we write reads as the same second."""
    aware = moment.replace(tzinfo=UTC, microsecond=0)
    assert read_date(http_date(aware)) == aware.timestamp()
