"""Hostile headers: whatever comes, the answer is a refusal, and it comes at once."""

import contextlib
import string
from collections.abc import Callable

import http_sf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.signatures import cavage
from shared.signatures.form import check_form
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import Fields, ParsedSignature, SignedRequest
from shared.signatures.verify import is_usable, parse, read_signature, verify
from tests.cpu import BOUND, cost_of
from tests.unit.signatures.signed import BODY, NOW, ORIGIN, RSA_PAIR, public, signed, with_header

_ALPHABET = string.ascii_letters + string.digits + ' \t"\\=:;,()@+/.-_?é\n\x00\udcff'
_TEXT = st.text(_ALPHABET, max_size=200) | st.text(max_size=60)
_NAMES = st.sampled_from(
    ["signature", "signature-input", "date", "digest", "content-digest", "host", "accept", "x-other"]
)


def _judge(request: SignedRequest) -> None:
    """Go the whole way; anything but a refusal fails the test."""
    check_form(request.headers, request.method, request.body, NOW)
    with pytest.raises(Refused):
        verify(parse(request), request, public(RSA_PAIR), origin=ORIGIN, now=NOW)


@given(st.lists(st.tuples(_NAMES, _TEXT), max_size=8), _TEXT, st.sampled_from(["POST", "GET", "é"]))
def test_no_headers_raise_anything_but_a_refusal(
    headers: list[tuple[str, str]], target: str, method: str
) -> None:
    """Any headers at all are judged without a crash, and none of them is accepted."""
    _judge(SignedRequest(method, target, tuple(headers), BODY))


@given(st.sampled_from(["cavage", "rfc9421"]), _NAMES, _TEXT, st.integers(0, 400), st.integers(0, 40))
def test_no_mutation_raises_anything_but_a_refusal(
    scheme: str, name: str, inserted: str, position: int, cut: int
) -> None:
    """A good request with a piece of a header replaced by anything is judged without a crash."""
    request = signed(scheme)
    value = dict(request.headers).get(name, "")
    mutated = value[:position] + inserted + value[position + cut :]
    changed = with_header(request, name, mutated)
    check_form(changed.headers, "POST", BODY, NOW)
    with contextlib.suppress(Refused):
        verify(parse(changed), changed, public(RSA_PAIR), origin=ORIGIN, now=NOW)


_PIECES = (
    'keyId="a"',
    'headers="x y"',
    'signature="Z=="',
    "created=12",
    "expires=1.5",
    ",",
    ", ",
    " ",
    '"',
    "\\",
    "a",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=9), st.sampled_from(["", ","]))
def test_a_signature_is_read_the_same_in_the_quick_way_and_in_the_careful_one(
    pieces: list[str], between: str
) -> None:
    """The quick reading of a header says what reading it by the grammar says."""
    header = between.join(pieces)
    assert _read(cavage.read_parameters, header) == _read(cavage.match_parameters, header)


_BEFORE = (
    'keyId="a"',
    'algorithm="RSA-SHA256"',
    'headers="x y"',
    'headers="x x"',
    'signature="QUJD"',
    'created="12"',
    "created=12",
    "expires=1.5",
    'a="b"',
    'keyId="é"',
    'keyId="a,signature=',
    "",
    " ",
)
_AFTER = (
    'signature="QUJD"',
    'signature="QUJD" ',
    'signature=""',
    'signature="QUJD',
    'signature="QUJDA',
    'signature="Q"',
    "",
)


@given(st.lists(st.sampled_from(_BEFORE), max_size=5), st.sampled_from(_AFTER), st.sampled_from([",", ", "]))
@example(['keyId="a"', *[f'{"a" * n}="b"' for n in range(1, 15)]], 'signature="QUJD"', ",")
@example(['keyId="a"', *[f'{"a" * n}="b"' for n in range(1, 16)]], 'signature="QUJD"', ",")
@example(['keyId="a"'], 'signature="QUJDA', ",")
@example(['keyId="a"', 'headers="x y"'], 'signature="QUJD"', ",")
@example(['keyId="a"', "created=12"], 'signature="QUJD"', ",")
@example(['keyId="a,signature='], 'signature="QUJD"', ",")
def test_a_signature_behind_what_is_known_claims_what_it_claims_alone(
    before: list[str], after: str, between: str
) -> None:
    """What stands before a signature may be remembered: it says what the grammar says of the whole."""
    header = between.join([*before, after])
    assert _claim(cavage.read_signature, header) == _claim(cavage.read_in_full, header)


def _claim(way: Callable[[str, Fields], ParsedSignature], header: str) -> tuple[object, ...] | str:
    try:
        said = way(header, Fields(()))
    except Refused as refused:
        return str(refused)
    return said.key_id, said.algorithm, said.covered, said.signature, said.created, said.expires, said.raw


def test_what_is_remembered_of_signatures_is_bounded() -> None:
    """A long key id, and a time, which no other request has, are read each time and not kept."""
    remembered = cavage.read_before.cache_info().currsize, is_usable.cache_info().currsize
    for unlike in ("a" * 1000, "ü"):
        cavage.read_signature(f'keyId="{unlike}",signature="QUJD"', Fields(()))
    cavage.read_signature('keyId="a",created=12,signature="QUJD"', Fields(()))
    with pytest.raises(Refused):
        parse(SignedRequest("POST", "/", (("signature", f'keyId="{"a" * 1000}",signature="QUJD"'),)))
    assert (cavage.read_before.cache_info().currsize, is_usable.cache_info().currsize) == remembered


def _read(way: Callable[[str], dict[str, str]], header: str) -> dict[str, str] | None:
    try:
        return way(header)
    except Refused:
        return None


@given(
    st.lists(
        st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12),
        unique=True,
        max_size=6,
    ),
    st.integers(0, 9_999_999_999),
    st.text(string.ascii_letters + string.digits + '"\\ -/:#', min_size=1, max_size=30),
    st.text(string.ascii_letters + ' "\\', max_size=10),
)
@example([], 0, "k", '"')
def test_parameters_are_written_as_the_structured_fields_library_writes_them(
    names: list[str], created: int, key_id: str, nonce: str
) -> None:
    """The last line of the signature base is the canonical form, whatever spaces the sender wrote."""
    items: list[http_sf.ItemType] = list(names)
    parameters: http_sf.types.ParamsType = {"created": created, "keyid": key_id, "nonce": nonce, "x": True}
    canonical = http_sf.ser({"sig1": (items, parameters)})
    spaced = canonical.replace("(", "(  ").replace(";created", ";  created")
    headers = (("signature-input", spaced), ("signature", "sig1=:AAAA:"))
    assert read_signature(headers).parameters == canonical.removeprefix("sig1=")


MEGABYTE = 1_000_000
BOMBS = [
    pytest.param("signature", 'keyId="' + "\\" * MEGABYTE, id="backslashes"),
    pytest.param("signature", " " * MEGABYTE + "x", id="blanks"),
    pytest.param("signature", 'keyId="k",' * (MEGABYTE // 10), id="parameters"),
    pytest.param("signature", f'keyId="k",headers="{"a " * MEGABYTE}",signature="A"', id="names"),
    pytest.param("signature", 'keyId="k",created=' + "1" * MEGABYTE, id="digits"),
    pytest.param("signature-input", "s=(" + '"a" ' * MEGABYTE, id="items"),
    pytest.param("signature-input", "s=" + "(" * MEGABYTE, id="nesting"),
    pytest.param("signature-input", "s=()" + ";a" * MEGABYTE, id="keys"),
    pytest.param("digest", "," * MEGABYTE, id="commas"),
    pytest.param("digest", "SHA-256=" + "=" * MEGABYTE, id="equals"),
    pytest.param("content-digest", "a=:" + "A" * MEGABYTE, id="bytes"),
    pytest.param("date", "Mon, " + "0" * MEGABYTE, id="date"),
]


@pytest.mark.parametrize(("name", "value"), BOMBS)
def test_a_huge_header_is_refused(name: str, value: str) -> None:
    """A header of a megabyte is refused for its size, whatever it repeats."""
    request = with_header(
        signed("rfc9421" if name.startswith(("signature-", "content-")) else "cavage"), name, value
    )
    form = check_form(request.headers, "POST", BODY, NOW)
    assert form in {Reason.SIGNATURE_MALFORMED, Reason.DIGEST_MALFORMED, Reason.DATE_MALFORMED}


@pytest.mark.parametrize(("name", "value"), BOMBS)
def test_a_huge_header_costs_no_time(name: str, value: str) -> None:
    """A header made to be expensive is judged within 50 ms of CPU."""
    scheme = "rfc9421" if name.startswith(("signature-", "content-")) else "cavage"
    for size in (8000, len(value)):
        request = with_header(signed(scheme), name, value[:size])
        assert cost_of(lambda request=request: check_form(request.headers, "POST", BODY, NOW)) < BOUND  # type: ignore[misc]  # bound early


_FRAGMENTS = st.sampled_from(
    ['keyId="k"', "headers=", '"a" ', "(", ")", ";", ";a", "=", ",", '"', "\\", ":", "A", " ", "sig1=("]
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["signature", "signature-input", "digest", "content-digest", "date"]),
    st.lists(_FRAGMENTS, min_size=1, max_size=5),
    st.integers(1, 8000),
)
def test_no_repetition_in_a_header_costs_more_than_50_ms(name: str, pieces: list[str], count: int) -> None:
    """Whatever is repeated in a header however often, both schemes judge it in bearable time."""
    for scheme in ("cavage", "rfc9421"):
        request = with_header(signed(scheme), name, ("".join(pieces) * count)[:100_000])
        assert cost_of(lambda request=request: _try(request)) < BOUND  # type: ignore[misc]  # bound early


def _try(request: SignedRequest) -> None:
    check_form(request.headers, "POST", BODY, NOW)
    verify(parse(request), request, public(RSA_PAIR), origin=ORIGIN, now=NOW)


def test_the_reason_is_a_word_for_the_metric() -> None:
    """Every reason is one lower-case word with underscores, fit for a label."""
    for reason in Reason:
        assert set(reason.value) <= set(string.ascii_lowercase + "_")
        assert Refused(reason).reason == reason.value
