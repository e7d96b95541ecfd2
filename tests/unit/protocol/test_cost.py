"""What a hostile body may cost: 50 ms of CPU at most, be it refused or read."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.protocol.envelope import peek
from shared.protocol.reader import read_activity
from shared.protocol.text import sanitise_html
from shared.protocol.wire import decode
from shared.signatures.proofs import read_proof
from tests.cpu import BOUND, cost_of

MEGABYTE = 1 << 20
EDITH = "https://remote.example/users/edith"
NOTE = "https://remote.example/notes/1"


def create(**parts: object) -> bytes:
    """Return the Create of a note."""
    note = {"id": NOTE, "type": "Note", "attributedTo": EDITH, "content": "x", "to": ["as:Public"], **parts}
    activity = {"id": f"{NOTE}/activity", "type": "Create", "actor": EDITH, "object": note}
    return json.dumps(activity).encode()


def update(**parts: object) -> bytes:
    """Return the Update of an actor."""
    actor = {"id": EDITH, "type": "Person", "preferredUsername": "edith", "inbox": f"{EDITH}/inbox", **parts}
    return json.dumps({"id": f"{EDITH}#1", "type": "Update", "actor": EDITH, "object": actor}).encode()


def filled(piece: str) -> bytes:
    """Return an activity of a megabyte, filled with a list of this."""
    head = json.dumps({"id": f"{NOTE}/activity", "type": "Like", "actor": EDITH, "object": NOTE})[:-1]
    count = (MEGABYTE - len(head) - 10) // (len(piece) + 1)
    return f'{head},"x":[{",".join([piece] * count)}]}}'.encode()


def proven(**parts: object) -> bytes:
    """Return an activity with a proof that is well formed."""
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": f"{EDITH}#key",
        "proofPurpose": "assertionMethod",
        "created": "2026-01-01T00:00:00Z",
        "proofValue": "z" + "2" * 87,
    }
    activity = {"id": NOTE, "type": "Like", "actor": EDITH, "object": NOTE, "proof": proof, **parts}
    return json.dumps(activity).encode()


BOMBS = {
    "large numbers": filled("1e300"),
    "smallest numbers": filled("4.9e-324"),
    "longest numbers": filled("1.7976931348623157e308"),
    "fractions": filled("0.1"),
    "lists": filled("[]"),
    "objects": filled('{"a":0}'),
    "nested lists": filled("[" * 28 + "]" * 28),
    "strings": filled('""'),
    "escapes": filled(json.dumps("\x01" * 20)),
    "NUL look-alikes": filled('"' + "\\\\u0000" * 100 + '"'),
    "commas in a text": create(content="," * 400_000),
    "small values": filled("0,1,2,3"),
    "one long number": filled("9" * (MEGABYTE - 1000)),
    "many objects": json.dumps({"object": [{"id": NOTE, "type": "Note"}] * 9000}).encode(),
    "nested tags": create(content="<ul>" * 260_000),
    "nested tags everywhere": create(**dict.fromkeys(("content", "summary", "name"), "<div>" * 65_000)),
    "tags in every language": create(contentMap={f"l{one}": "<ul>" * 1000 for one in range(250)}),
    "attributes": create(content="<a " + " ".join(f"a{one}=b" for one in range(150_000)) + ">"),
    "entities": create(content="&amp;" * 200_000),
    "headings": create(content="<h1 " * 260_000),
    "comments": create(content="<!--" * 260_000),
    "overrides": create(content="\u202e" * 170_000, name="\u202e" * 900),
    "blanks": create(name=" \u00a0" * 70_000, summary=" " * 500_000),
    "mentions": create(tag=[{"type": "Mention", "href": EDITH, "name": "@a@b" * 200}] * 999),
    "hashtags": create(tag=[{"type": "Hashtag", "href": EDITH, "name": "#" + "é" * 150}] * 999),
    "attachments": create(attachment=[{"type": "Document", "url": NOTE, "name": "x" * 900}] * 999),
    "options": create(type="Question", oneOf=[{"type": "Note", "name": "x"}] * 19_000),
    "fields": update(
        summary="<ul>" * 60_000,
        attachment=[{"type": "PropertyValue", "name": "n", "value": "<ul>" * 5000}] * 40,
    ),
    "keys": update(
        assertionMethod=[
            {"id": f"{EDITH}#{one}", "controller": EDITH, "publicKeyMultibase": "z" + "2" * 1599}
            for one in range(500)
        ]
    ),
    "a proof of much text": proven(content='é"\\' * 12_000),
    "a proof of many numbers": proven(content=dict.fromkeys(map(str, range(8000)), 0.1)),
    "a proof of a long value": proven(proof={**json.loads(proven())["proof"], "proofValue": "z" * 100_000}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_body_costs_more_than_50_ms(bomb: str) -> None:
    """A body made to be expensive is refused or read in bearable time by every stage that parses it."""
    body = BOMBS[bomb]
    for read in (peek, read_activity, read_proof):
        assert cost_of(lambda read=read: read(body)) < BOUND, read.__name__  # type: ignore[misc]  # bound early


_TAGS = st.sampled_from(
    [
        "<ul>",
        "<div>",
        "<h1>",
        "</p>",
        "<a>",
        "<b><i>",
        "<blockquote>",
        "<table><tr><td>",
        "<ruby><rt>",
        "<svg>",
        "<math><mi>",
        "<select>",
        "<template>",
        "<font><p>",
        "<form>",
        "<button><p>",
        "<!--",
        "<![CDATA[",
        "&amp;",
        "&#x0;",
        "<p><a><b>",
        "<title>",
        "<plaintext>",
        "<textarea>",
        "<noscript>",
        "<frameset>",
        "<li><b>",
        "</ul></b>",
        "<nobr>",
        "<a><table>",
        "<b><table>",
        "<mglyph><style>",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_TAGS, min_size=1, max_size=6), st.integers(1, 65_536))
def test_no_html_costs_more_than_50_ms(pieces: list[str], count: int) -> None:
    """Whatever tags are repeated however often, one text is sanitised in bearable time."""
    html = "".join(pieces) * count
    assert cost_of(lambda: sanitise_html(html[:200_000])) < BOUND


def test_honest_numbers_are_read() -> None:
    """Fractions and exponents of honest documents are what they were."""
    wire = decode(create(attachment={"type": "Image", "url": NOTE, "focalPoint": [-0.42, 6.9e-1, 1e300]}))
    note = wire["object"]
    assert isinstance(note, dict)
    assert note["attachment"]["focalPoint"] == [-0.42, 0.69, 1e300]
