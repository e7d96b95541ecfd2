"""What is refused, and with which word."""

from base64 import b64encode
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from shared.protocol.objects import PublicKey
from shared.signatures.digest import digest_form
from shared.signatures.form import check_form
from shared.signatures.keys import load_private
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import Fields, Headers, SignedRequest
from shared.signatures.verify import parse
from tests.fakes.signing import Outgoing, Signing, signed_headers
from tests.unit.signatures.signed import (
    BODY,
    ED25519_PAIR,
    INBOX,
    KEY_ID,
    NOW,
    RSA_PAIR,
    header,
    public,
    refusal,
    signed,
    with_header,
)

CAVAGE = ("(request-target)", "host", "date", "digest")
RFC9421 = ("@method", "@target-uri", "content-digest")


def _foreign(how: Signing, *, url: str = INBOX, key_id: str = KEY_ID) -> SignedRequest:
    key = load_private(RSA_PAIR.private)
    headers = signed_headers(how, Outgoing("POST", url, BODY), key_id, key)
    lower = tuple((name.lower(), value) for name, value in headers.items())
    return SignedRequest("POST", urlsplit(url).path, lower, BODY)


def _how(scheme: str, **parts: object) -> Signing:
    return Signing(scheme=scheme, now=NOW, **parts)  # type: ignore[arg-type]  # checked by the class


def _form(request: SignedRequest) -> Reason | None:
    return check_form(request.headers, request.method, request.body, NOW)


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_a_foreign_signature_is_accepted(scheme: str) -> None:
    """What the refusals below start from is fine in itself."""
    assert _form(_foreign(_how(scheme))) is None
    assert refusal(_foreign(_how(scheme))) is None


def test_no_signature() -> None:
    """A request without a signature is refused by the receiver."""
    assert _form(with_header(signed(), "signature", None)) is Reason.SIGNATURE_MISSING
    assert _form(with_header(signed(), "signature", "")) is Reason.SIGNATURE_MISSING
    assert _form(with_header(signed("rfc9421"), "signature", None)) is Reason.SIGNATURE_MISSING


@pytest.mark.parametrize(
    ("scheme", "digest", "reason"),
    [
        ("cavage", None, Reason.DIGEST_MISSING),
        ("rfc9421", None, Reason.DIGEST_MISSING),
        ("cavage", "MD5=Sd/dVLAcvNLSq16eXua5uQ==", Reason.DIGEST_UNSUPPORTED),
        ("rfc9421", "md5=:Sd/dVLAcvNLSq16eXua5uQ==:", Reason.DIGEST_UNSUPPORTED),
        ("cavage", "SHA-256=AAAA", Reason.DIGEST_MISMATCH),
        ("rfc9421", "sha-256=:AAAA:", Reason.DIGEST_MISMATCH),
        ("cavage", "SHA-256=!!!!", Reason.DIGEST_MALFORMED),
        ("cavage", "SHA-256", Reason.DIGEST_MALFORMED),
        ("cavage", "SHA-256=" + "A" * 43 + "=", Reason.DIGEST_MISMATCH),
        ("rfc9421", "sha-256=:" + "A" * 43 + "=:", Reason.DIGEST_MISMATCH),
        ("cavage", "SHA-256=" + "A" * 43 + "\udcff", Reason.DIGEST_MALFORMED),
        ("cavage", "SHA-256=AAAA,sha-256=AAAA", Reason.DIGEST_MALFORMED),
        ("rfc9421", "sha-256=AAAA", Reason.DIGEST_MALFORMED),
        ("rfc9421", "sha-256=:AAAA:, sha-256=:AAAA:", Reason.DIGEST_MALFORMED),
        ("rfc9421", "x" * 2000, Reason.DIGEST_MALFORMED),
    ],
)
def test_digests_that_prove_nothing(scheme: str, digest: str | None, reason: Reason) -> None:
    """No digest, a broken one, one by MD5 and one of another body are refused by the receiver."""
    name = "digest" if scheme == "cavage" else "content-digest"
    assert _form(with_header(signed(scheme), name, digest)) is reason


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_a_digest_counts_in_the_spelling_of_its_own_header(scheme: str) -> None:
    """`Digest` has no colons and `Content-Digest` has them: the right hash in the other's form is refused."""
    plain = header(signed("cavage"), "digest").removeprefix("SHA-256=")
    name, other = (
        ("digest", f"sha-256=:{plain}:") if scheme == "cavage" else ("content-digest", f"sha-256={plain}")
    )
    assert _form(with_header(signed(scheme), name, other)) is Reason.DIGEST_MALFORMED


def test_content_digest_names_its_algorithm_in_lower_case() -> None:
    """A key of a structured field is in lower case (RFC 9651 section 3.1.2): `SHA-256` is none."""
    right = header(signed("rfc9421"), "content-digest")
    wrong = with_header(signed("rfc9421"), "content-digest", right.replace("sha", "SHA"))
    assert _form(wrong) is Reason.DIGEST_MALFORMED


@pytest.mark.parametrize("inserted", ["B", "SHA-256=", " ", ","])
def test_a_digest_with_one_letter_changed_is_refused(inserted: str) -> None:
    """Nothing passes for the digest because it is nearly the right one."""
    right = header(signed(), "digest")
    for wrong in (right[:-2] + inserted + right[-1], right + "," + right, right[:9] + inserted + right[10:]):
        assert _form(with_header(signed(), "digest", wrong)) in {
            Reason.DIGEST_MALFORMED,
            Reason.DIGEST_MISMATCH,
        }


def test_every_stated_digest_has_to_fit() -> None:
    """A right digest beside a wrong one does not help."""
    wrong = with_header(signed(), "content-digest", "sha-256=:AAAA:")
    assert _form(wrong) is Reason.DIGEST_MISMATCH
    both = header(signed(), "digest") + ",SHA-512=AAAA"
    assert _form(with_header(signed(), "digest", both)) is Reason.DIGEST_MISMATCH


def test_a_digest_in_lower_case_with_others_is_taken() -> None:
    """The name of the algorithm is taken in any case, and unknown ones beside a known one are passed over."""
    digest = header(signed(), "digest").replace("SHA-256", "sha-256") + ",unixsum=30637"
    assert _form(with_header(signed(), "digest", digest)) is None


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ((("digest", "SHA-256=abc"),), "SHA-256"),
        ((("digest", "sha-256=abc"),), "sha-256"),
        ((("digest", "sha-512=abc,SHA-256=abc"),), "sha-512"),
        ((("content-digest", "sha-256=:abc:"),), "Content-Digest"),
        ((("digest", "<b>=abc"),), ""),
        ((), ""),
    ],
)
def test_digest_is_told_by_its_spelling(headers: Headers, form: str) -> None:
    """How a server writes a digest is known by its first one; a word that names no hash is none."""
    assert digest_form(Fields(headers)) == form


def test_an_unsigned_digest() -> None:
    """A digest that the signature does not cover is refused."""
    request = _foreign(_how("cavage", covered=CAVAGE[:3]))
    assert _form(request) is Reason.DIGEST_NOT_COVERED
    assert refusal(request) is Reason.DIGEST_NOT_COVERED
    assert refusal(_foreign(_how("rfc9421", covered=RFC9421[:2]))) is Reason.DIGEST_NOT_COVERED


@pytest.mark.parametrize(
    ("scheme", "covered", "reason"),
    [
        ("cavage", ("host", "date", "digest"), Reason.TARGET_NOT_COVERED),
        ("cavage", ("(request-target)", "date", "digest"), Reason.HOST_NOT_COVERED),
        ("cavage", ("(request-target)", "host", "digest"), Reason.DATE_NOT_COVERED),
        ("rfc9421", ("@target-uri", "content-digest"), Reason.TARGET_NOT_COVERED),
        ("rfc9421", ("@method", "content-digest"), Reason.TARGET_NOT_COVERED),
        ("rfc9421", ("@method", "@authority", "@path", "content-digest"), Reason.TARGET_NOT_COVERED),
    ],
)
def test_coverage_that_lacks_something(scheme: str, covered: tuple[str, ...], reason: Reason) -> None:
    """A signature that leaves out target, host, digest or date is refused, however well it fits."""
    assert refusal(_foreign(_how(scheme, covered=covered))) is reason


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_signed_for_another_path_or_host(scheme: str) -> None:
    """What was signed for another inbox or another server is refused."""
    request = _foreign(_how(scheme))
    elsewhere = SignedRequest("POST", "/users/2/inbox", request.headers, BODY)
    assert refusal(elsewhere) is Reason.SIGNATURE_INVALID
    other = _foreign(_how(scheme), url="https://other.example/users/1/inbox")
    ours = with_header(other, "host", "heddle.example")
    assert refusal(ours) is Reason.SIGNATURE_INVALID
    if scheme == "cavage":
        assert refusal(other) is Reason.HOST_MISMATCH


def test_the_target_may_be_signed_without_its_query() -> None:
    """Both habits of the field, the target with and without the query, are taken."""
    with_query = signed(url=f"{INBOX}?a=b")
    without = SignedRequest("POST", urlsplit(INBOX).path + "?a=b", signed().headers, BODY)
    assert refusal(with_query) is None
    assert refusal(without) is None


@pytest.mark.parametrize("host", ["heddle.example", "HEDDLE.example", "heddle.example:443"])
def test_our_host_in_any_spelling(host: str) -> None:
    """Case and a default port do not make another host."""
    key = load_private(RSA_PAIR.private)
    url = INBOX.replace("heddle.example", host)
    headers = signed_headers(_how("cavage"), Outgoing("POST", url, BODY), KEY_ID, key)
    lower = tuple((name.lower(), value) for name, value in headers.items())
    assert refusal(SignedRequest("POST", urlsplit(INBOX).path, lower, BODY)) is None


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (timedelta(hours=-11, minutes=-59), None),
        (timedelta(minutes=59), None),
        (timedelta(hours=-12, minutes=-1), Reason.DATE_OUT_OF_WINDOW),
        (timedelta(hours=1, minutes=1), Reason.DATE_OUT_OF_WINDOW),
    ],
)
def test_the_window_around_the_receipt(scheme: str, offset: timedelta, reason: Reason | None) -> None:
    """12 hours back and one hour ahead, judged by the receiver and again by the verifier."""
    request = signed(scheme, now=NOW + offset)
    assert _form(request) is reason
    assert refusal(request) is reason


def test_no_date_at_all() -> None:
    """With neither a date nor a moment of creation nobody can tell how old a request is."""
    assert _form(with_header(signed(), "date", None)) is Reason.DATE_MISSING
    inputs = header(signed("rfc9421"), "signature-input")
    undated = with_header(signed("rfc9421"), "signature-input", inputs.replace(";created=1795435200", ""))
    assert _form(undated) is Reason.DATE_MISSING
    assert refusal(undated) is Reason.DATE_MISSING


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "2026-11-23T12:00:00Z",
        "Mon, 32 Nov 2026 12:00:00 GMT",
        "Mon, 23 Nov 2026 12:00:00 CET",
        "x" * 99,
    ],
)
def test_dates_that_are_none(date: str) -> None:
    """A date in another form is refused rather than guessed."""
    assert _form(with_header(signed(), "date", date)) is Reason.DATE_MALFORMED


@pytest.mark.parametrize(
    "date",
    ["Mon, 23 Nov 2026 12:00:00 GMT", "Mon, 23 Nov 2026 12:00:00 +0000", "Mon, 23 Nov 2026 12:00:00 UTC"],
)
def test_dates_as_others_write_them(date: str) -> None:
    """The spellings of UTC that other servers' libraries use are read."""
    assert _form(with_header(signed(), "date", date)) is None


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_expiry(scheme: str) -> None:
    """A signature that had expired when it arrived, or before it was made, is refused."""
    now = int(NOW.timestamp())
    assert refusal(_foreign(_how(scheme, expires=now + 300))) is None
    assert refusal(_foreign(_how(scheme, expires=now - 1))) is Reason.EXPIRED
    never_valid = _foreign(_how(scheme, expires=now - 1))
    assert refusal(never_valid, now=NOW - timedelta(minutes=30)) is Reason.EXPIRED


def test_expiry_is_judged_at_receipt() -> None:
    """A signature of five minutes that waited an hour in the queue is as good as on arrival."""
    request = _foreign(_how("cavage", expires=int(NOW.timestamp()) + 300))
    assert refusal(request, now=NOW + timedelta(minutes=4)) is None
    assert refusal(request, now=NOW + timedelta(minutes=6)) is Reason.EXPIRED


@pytest.mark.parametrize(
    ("scheme", "algorithm", "reason"),
    [
        ("cavage", "none", Reason.ALGORITHM_UNSUPPORTED),
        ("cavage", "hmac-sha256", Reason.ALGORITHM_UNSUPPORTED),
        ("cavage", "rsa-sha1", Reason.ALGORITHM_UNSUPPORTED),
        ("cavage", "hs2019", None),
        ("cavage", "RSA-SHA256", None),
        ("rfc9421", "none", Reason.ALGORITHM_UNSUPPORTED),
        ("rfc9421", "hmac-sha256", Reason.ALGORITHM_UNSUPPORTED),
        ("rfc9421", "rsa-pss-sha512", Reason.ALGORITHM_UNSUPPORTED),
        ("rfc9421", "ed25519", Reason.ALGORITHM_MISMATCH),
    ],
)
def test_algorithms(scheme: str, algorithm: str, reason: Reason | None) -> None:
    """The algorithm is the key's; a label may agree or say nothing, and what is weak is refused by name."""
    assert refusal(_foreign(_how(scheme, algorithm=algorithm))) is reason


def test_the_label_has_to_fit_the_key() -> None:
    """An Ed25519 key does not verify what is labelled as RSA."""
    assert refusal(_foreign(_how("cavage")), public(ED25519_PAIR)) is Reason.ALGORITHM_MISMATCH
    assert refusal(_foreign(_how("rfc9421")), public(ED25519_PAIR)) is Reason.ALGORITHM_MISMATCH


def test_created_belongs_to_hs2019() -> None:
    """(created) dates a signature of hs2019, and is an error with rsa-sha256, as the draft says."""
    covered = ("(request-target)", "(created)", "host", "digest")
    assert refusal(_created(covered, "hs2019", int(NOW.timestamp()))) is None
    assert refusal(_created(covered, "hs2019", int(NOW.timestamp()) - 13 * 3600)) is Reason.DATE_OUT_OF_WINDOW
    assert refusal(_created(covered, "rsa-sha256", int(NOW.timestamp()))) is Reason.COMPONENT_UNSUPPORTED


def _signed_text(text: str) -> str:
    key = load_private(RSA_PAIR.private)
    assert isinstance(key, RSAPrivateKey)
    return b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def _created(covered: tuple[str, ...], algorithm: str, created: int) -> SignedRequest:
    plain = signed()
    values = dict(plain.headers) | {
        "(request-target)": f"post {plain.target}",
        "(created)": str(created),
    }
    text = "\n".join(f"{name}: {values[name]}" for name in covered)
    value = (
        f'keyId="{KEY_ID}",algorithm="{algorithm}",created={created},headers="{" ".join(covered)}",'
        f'signature="{_signed_text(text)}"'
    )
    return with_header(plain, "signature", value)


@pytest.mark.parametrize(
    "key_id",
    [
        "data:text/plain,key",
        "file:///etc/passwd",
        "acct:nora@remote.example",
        "users/nora#main-key",
        "//remote.example/key",
        "https://",
        "https://user:word@remote.example/key",
        "https://remote.example/" + "x" * 2048,
        "Test",
    ],
)
def test_key_ids_that_are_not_worth_a_fetch(key_id: str) -> None:
    """Only an absolute http or https URI names a key; all else is refused before anything is fetched."""
    with pytest.raises(Refused) as refused:
        parse(_foreign(_how("cavage"), key_id=key_id))
    assert refused.value.why is Reason.KEY_ID_UNUSABLE


@pytest.mark.parametrize("name", ["signature", "date", "digest", "host"])
def test_headers_that_come_twice(name: str) -> None:
    """A signed header that came twice is refused: nobody knows which of them was meant."""
    request = signed()
    doubled = SignedRequest("POST", request.target, (*request.headers, (name, header(request, name))), BODY)
    assert refusal(doubled) is Reason.HEADER_REPEATED


def test_a_signed_header_that_is_not_there() -> None:
    """A signature that covers a header which did not come is refused."""
    request = _foreign(_how("cavage"))
    value = header(request, "signature").replace("date digest", "date digest x-other")
    assert refusal(with_header(request, "signature", value)) is Reason.HEADER_MISSING


def test_a_line_break_in_a_header_cannot_forge_another() -> None:
    """A signed header with a line break in it is refused: it could pose as two."""
    request = with_header(signed(), "host", "heddle.example\ndate: x")
    assert refusal(request) in {Reason.HEADER_MALFORMED, Reason.HOST_MISMATCH}
    value = header(request, "signature").replace("date digest", "date digest accept")
    broken = with_header(with_header(signed(), "accept", "a\nb"), "signature", value)
    assert refusal(broken) is Reason.HEADER_MALFORMED


CAVAGE_FORMS = [
    'keyId="k",signature="AAAA"',
    'keyId="k",keyId="l",headers="date",signature="AAAA"',
    'keyId="k",headers="date date",signature="AAAA"',
    'keyId="k",headers="",signature="AAAA"',
    'keyId="k",headers="date  host",signature="AAAA"',
    'keyId="k",headers="(request-line)",signature="AAAA"',
    'keyId="k",headers="date",signature="AAA"',
    'keyId="k",headers="date",signature=""',
    'keyId="k\\"",headers="date",signature="AAAA"',
    'keyId="k",headers="date",signature="AAAA",',
    'keyId="k" headers="date" signature="AAAA"',
    'keyId="k",created="soon",headers="date",signature="AAAA"',
    'keyId="k",created=-1,headers="date",signature="AAAA"',
    'keyId="k",expires=1.x,headers="date",signature="AAAA"',
    'headers="date",signature="AAAA"',
    "Signature",
    "sig1=:AAAA:",
    'keyId="k",signature="' + "A" * 4000 + '"',
    'keyId="' + "k" * 9000 + '",signature="AAAA"',
    'keyId="k",headers="' + " ".join(f"x-{n}" for n in range(40)) + '",signature="AAAA"',
    ",".join(f'{chr(97 + n)}="1"' for n in range(20)) + ',keyId="k",signature="AAAA"',
]


@pytest.mark.parametrize("value", CAVAGE_FORMS[1:])
def test_forms_that_are_not_cavage(value: str) -> None:
    """A Signature header in any other form is refused by the receiver."""
    assert _form(with_header(signed(), "signature", value)) is Reason.SIGNATURE_MALFORMED


RFC9421_FORMS = [
    ("sig1=(date);created=1", Reason.COMPONENT_UNSUPPORTED),
    ('sig1=("@method";req);created=1;keyid="k"', Reason.COMPONENT_UNSUPPORTED),
    ('sig1=("@status");created=1;keyid="k"', Reason.COMPONENT_UNSUPPORTED),
    ('sig1=("Date");created=1;keyid="k"', Reason.COMPONENT_UNSUPPORTED),
    ('sig1=("@method" "@method");created=1;keyid="k"', Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");created=1;created=2;keyid="k"', Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");created="1";keyid="k"', Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");created=1.5;keyid="k"', Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");created=?1;keyid="k"', Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");created=-1;keyid="k"', Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");created=1;keyid=k', Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");created=1', Reason.SIGNATURE_MALFORMED),
    ('sig2=("@method");created=1;keyid="k"', Reason.SIGNATURE_MALFORMED),
    ('sig1="@method"', Reason.SIGNATURE_MALFORMED),
    ("sig1", Reason.SIGNATURE_MALFORMED),
    ("", Reason.SIGNATURE_MALFORMED),
    ("sig1=(", Reason.SIGNATURE_MALFORMED),
    ('sig1=("@method");keyid="k", sig2=("@method");keyid="k"', Reason.SEVERAL_SIGNATURES),
    ("s" * 9000, Reason.SIGNATURE_MALFORMED),
    ('sig1=("é");keyid="k"', Reason.SIGNATURE_MALFORMED),
]


@pytest.mark.parametrize(("inputs", "reason"), RFC9421_FORMS)
def test_forms_that_are_not_rfc9421(inputs: str, reason: Reason) -> None:
    """A Signature-Input in any other form is refused by the receiver."""
    assert _form(with_header(signed("rfc9421"), "signature-input", inputs)) is reason


@pytest.mark.parametrize(
    "value", ["sig1=AAAA", "sig1=:AAA:", "sig1=::", "sig1=:!:", "x", "sig1=1, sig1=2", "é"]
)
def test_signatures_that_are_not_bytes(value: str) -> None:
    """The Signature of RFC 9421 is a byte sequence under the label of its input."""
    assert _form(with_header(signed("rfc9421"), "signature", value)) is Reason.SIGNATURE_MALFORMED


def test_nothing_falls_back_to_a_weaker_scheme() -> None:
    """With a Signature-Input a cavage signature in the same request counts for nothing, and vice versa."""
    cavage = header(signed(), "signature")
    inputs = header(signed("rfc9421"), "signature-input")
    mixed = with_header(with_header(signed(), "signature-input", inputs), "signature", cavage)
    assert _form(mixed) is Reason.SIGNATURE_MALFORMED
    broken = with_header(signed("rfc9421"), "signature", "sig1=:" + "A" * 344 + ":")
    assert refusal(broken) is Reason.SIGNATURE_INVALID


def test_a_header_of_raw_bytes_does_not_travel() -> None:
    """Undecodable bytes in what is signed are refused: they could not be written into a message."""
    request = with_header(signed(), "digest", header(signed(), "digest") + ",x\udcff=1")
    assert _form(request) is Reason.HEADER_MALFORMED


def test_a_key_that_lies_about_itself() -> None:
    """A key stored under another algorithm than its own verifies nothing."""
    key = PublicKey(id=KEY_ID, owner="", algorithm="ed25519", der=RSA_PAIR.public)
    assert refusal(_foreign(_how("cavage", algorithm="hs2019")), key) is Reason.KEY_UNSUPPORTED
