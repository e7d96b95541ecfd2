"""Values of many shapes: dates, links, addresses, keys and handles."""

from datetime import UTC, datetime

import pytest

from shared.protocol.activities import Add, Remove, Unknown
from shared.protocol.derived_ids import with_id
from shared.protocol.errors import Malformed
from shared.protocol.identifiers import is_http_uri, same_origin
from shared.protocol.key_formats import ED25519, read_multikey, read_pem, write_multikey, write_pem
from shared.protocol.reader import read_activity, read_actor, read_key_owner, read_note, read_webfinger
from shared.protocol.reader.languages import language_of
from shared.protocol.reader.notes import note_of
from shared.protocol.reader.values import time, web_link
from tests.builders import wire
from tests.payloads.captured import document

_WHEN = datetime(2026, 9, 14, 10, 21, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-09-14T10:21:34Z", _WHEN),
        ("2026-09-14T10:21:34+00:00", _WHEN),
        ("2026-09-14T10:21:34+0000", _WHEN),
        ("2026-09-14T12:21:34+02:00", _WHEN),
        ("2026-09-14T10:21:34", _WHEN),
        ("2026-09-14 10:21:34Z", _WHEN),
        ("2026-09-14T10:21:34.123456789Z", _WHEN.replace(microsecond=123_456)),
        ("2026-09-14T10:21:34.5Z", _WHEN.replace(microsecond=500_000)),
        ("2026-09-14", _WHEN.replace(hour=0, minute=0, second=0)),
        ("1969-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("10000-01-01T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        ("2" * 100, None),
        (1_789_381_294, None),
        (None, None),
        (["2026-09-14T10:21:34Z"], None),
    ],
)
def test_date_is_read_in_every_spelling(text: object, moment: datetime | None) -> None:
    """Zones, fractions and offsets of all kinds mean one moment; nonsense means none."""
    assert time(text) == moment


@pytest.mark.parametrize(
    ("value", "link"),
    [
        ("https://a.example/1", "https://a.example/1"),
        ({"type": "Link", "href": "https://a.example/1"}, "https://a.example/1"),
        (["threads://x", "https://a.example/1"], "https://a.example/1"),
        (
            [
                {"type": "Link", "mediaType": "video/mp4", "href": "https://a.example/v.mp4"},
                {"type": "Link", "mediaType": "text/html", "href": "https://a.example/1"},
            ],
            "https://a.example/1",
        ),
        ("javascript:alert(1)", ""),
        ("JAVASCRIPT:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//a.example/1", ""),
        ("https://user@a.example/", ""),
        ('https://a.example/"><script>', ""),
        ({"href": {"href": "https://a.example"}}, ""),
        (None, ""),
        (7, ""),
        ([], ""),
    ],
)
def test_link_is_the_page_for_people(value: object, link: str) -> None:
    """Of many links the page is taken, and only an http address is one."""
    assert web_link(value) == link


def test_origin_takes_the_port_into_account() -> None:
    """Owners differ by scheme, host and port, and a URI with a user has none."""
    assert same_origin("https://a.example/1", "https://A.example/2")
    assert not same_origin("https://a.example/1", "https://a.example:444/1")
    assert not same_origin("https://a.example/1", "http://a.example/1")
    assert not is_http_uri("https://a.example:b@c.example/")


def test_pem_of_both_kinds_is_one_key() -> None:
    """PKCS#8 and PKCS#1, with line breaks or without, come out as the same DER."""
    (key,) = read_actor(document("gotosocial", "actor-greg")).keys
    pem = write_pem(key.der)
    assert read_pem(pem) == ("rsa", key.der)
    assert read_pem(pem.replace("\n", "\r\n")) == ("rsa", key.der)
    flat = "".join(pem.split("\n")[1:-2])
    assert read_pem(f"-----BEGIN PUBLIC KEY-----{flat}-----END PUBLIC KEY-----") == ("rsa", key.der)
    pkcs1 = write_pem(key.der[24:]).replace("PUBLIC KEY", "RSA PUBLIC KEY")
    assert read_pem(pkcs1) == ("rsa", key.der)


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "garbage",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + "A" * 9000 + "\n-----END PUBLIC KEY-----",
    ],
)
def test_what_is_no_public_key_is_left_out(pem: str) -> None:
    """Private keys, certificates and garbage are no keys, and the actor is read all the same."""
    assert read_pem(pem) is None
    key = {"id": f"{wire.EDITH}#main-key", "owner": wire.EDITH, "publicKeyPem": pem}
    assert read_actor(wire.encode(wire.actor(publicKey=key))).keys == ()


def test_multikey_comes_back_as_it_went() -> None:
    """An Ed25519 key survives the way to base58 and back; other codecs are unknown."""
    keys = {key.algorithm: key for key in read_actor(document("fedify", "actor-alice")).keys}
    text = write_multikey(keys[ED25519].der)
    assert read_multikey(text) == (ED25519, keys[ED25519].der)
    for broken in ("", "z", "f00", "z0OIl", text[:-1], "z" + "1" * 2000):
        assert read_multikey(broken) is None
    with pytest.raises(ValueError, match="Ed25519"):
        write_multikey(keys["rsa"].der)


def test_actor_lists_only_its_own_keys() -> None:
    """A key that belongs to somebody else is not the actor's, wherever it is listed."""
    pem = write_pem(read_actor(document("gotosocial", "actor-greg")).keys[0].der)
    own = {"id": f"{wire.EDITH}#main-key", "owner": wire.EDITH, "publicKeyPem": pem}
    foreign = {"id": "https://evil.example/#k", "owner": wire.ADA, "publicKeyPem": pem}
    actor = read_actor(wire.encode(wire.actor(publicKey=[own, foreign])))
    assert [key.id for key in actor.keys] == [own["id"]]


def test_key_document_without_owner_claims_nothing() -> None:
    """A document with no key in it belongs to nobody."""
    assert read_key_owner(b"{}").owner is None
    assert read_key_owner(b"{}").keys == ()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a\u202eb",
        "a\u200bb",
        "a\u2066b",
        "a\ufeffb",
        "a/b",
        "a@b",
        "<b>",
        "a\nb",
        "x" * 300,
        7,
        None,
    ],
)
def test_handle_with_invisible_or_foreign_characters_is_refused(name: object) -> None:
    """Direction marks, zero-width characters, markup and separators make no handle."""
    with pytest.raises(Malformed, match="preferredUsername"):
        read_actor(wire.encode(wire.actor(preferredUsername=name)))


@pytest.mark.parametrize("name", ["edith", "edith.w", "édith_1", "編", "mastodon.example:8080"])
def test_handle_of_any_script_is_read(name: str) -> None:
    """Letters and digits of any script make a handle."""
    assert read_actor(wire.encode(wire.actor(preferredUsername=name))).username == name


def test_handle_follows_the_actors_own_webfinger_address() -> None:
    """FEP-2c59 wins over preferredUsername, and only where it makes sense."""
    actor = read_actor(wire.encode(wire.actor(webfinger="acct:Edie@Split.example")))
    assert (actor.username, actor.acct_domain) == ("Edie", "split.example")
    plain = read_actor(wire.encode(wire.actor(webfinger="no address")))
    assert (plain.username, plain.acct_domain) == ("edith", "")


def test_markup_in_plain_text_fields_stays_text() -> None:
    """Names and warnings are plain text: kept as written, to be escaped where they are shown."""
    assert read_actor(wire.encode(wire.actor(name="<b>Edith</b>"))).name == "<b>Edith</b>"
    assert read_note(wire.encode(wire.note(summary="<script>x</script>"))).summary == "<script>x</script>"


def test_fields_are_sanitised() -> None:
    """Profile fields lose what runs, nameless and unknown ones are left out."""
    rows = [
        {"type": "PropertyValue", "name": "Web", "value": '<a href="javascript:x" onclick="y">z</a>'},
        {"type": "PropertyValue", "name": "", "value": "x"},
        {"type": "Link", "name": "Site", "href": "https://a.example/?x=1&y=2"},
        {"type": "Note", "name": "About", "content": "<p>me</p><script>x</script>"},
        {"type": "IdentityProof", "name": "x", "value": "y"},
    ]
    fields = read_actor(wire.encode(wire.actor(attachment=rows))).fields
    assert [field.name for field in fields] == ["Web", "Site", "About"]
    assert fields[0].value == '<a rel="nofollow noopener noreferrer">z</a>'
    assert 'href="https://a.example/?x=1&amp;y=2"' in fields[1].value
    assert fields[2].value == "<p>me</p>"


@pytest.mark.parametrize(
    "target",
    ["https://else.example/statuses/1", {"id": "https://else.example/statuses/1", "type": "Note"}],
)
def test_undo_of_what_another_did_is_refused(target: object) -> None:
    """An Undo that embeds another actor's activity has no effect."""
    foreign = {"id": "https://else.example/1", "type": "Announce", "actor": wire.ADA, "object": target}
    with pytest.raises(Malformed) as caught:
        read_activity(wire.encode(wire.activity("Undo", wire.EDITH, object=foreign)))
    assert caught.value.reason == "actor_mismatch"


def test_post_without_embedding_is_refused_in_the_open() -> None:
    """A Create or Update that holds only an id has a reason of its own."""
    for kind in ("Create", "Update"):
        with pytest.raises(Malformed) as caught:
            read_activity(wire.encode(wire.activity(kind, wire.EDITH, object="https://remote.example/1")))
        assert caught.value.reason == "object_not_embedded"


def test_post_takes_the_audience_of_its_activity() -> None:
    """Where only the activity is addressed, the post is for the same people."""
    post = wire.note()
    del post["to"], post["cc"]
    activity = wire.activity("Create", wire.EDITH, object=post, to=["as:Public"], cc=[wire.ADA])
    note = getattr(read_activity(wire.encode(activity)), "note", None)
    assert note is not None
    assert (note.to, note.cc) == ((wire.PUBLIC,), (wire.ADA,))


def test_id_is_derived_for_what_came_without() -> None:
    """The same request has the same id; the same words signed at another time have another."""
    pin = wire.activity("Add", wire.EDITH, object=f"{wire.EDITH}/statuses/1", target=f"{wire.EDITH}/featured")
    del pin["id"]
    added = read_activity(wire.encode(pin))
    assert isinstance(added, Add)
    first, again = with_id(added, 1_789_381_294), with_id(added, 1_789_381_294.5)
    later = with_id(added, 1_789_381_300)
    removed = with_id(
        Remove(id="", actor=added.actor, object=added.object, target=added.target), 1_789_381_294
    )
    assert first == again
    assert len({first.id, later.id, removed.id}) == 3
    assert same_origin(first.id, wire.EDITH)


def test_own_id_is_kept() -> None:
    """What has an id keeps it."""
    activity = Unknown(id="https://a.example/1", actor=wire.EDITH, wire_type="View")
    assert with_id(activity, 0) is activity


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ({"rel": "self", "type": "text/html", "href": wire.EDITH}, "self_link_missing"),
        ({"rel": "other", "type": "application/activity+json", "href": wire.EDITH}, "self_link_missing"),
        ({"rel": "self", "type": "application/activity+json", "href": "file:///x"}, "self_link_missing"),
    ],
)
def test_webfinger_needs_a_typed_self_link(link: dict[str, str], reason: str) -> None:
    """Only a self link of an ActivityPub type leads to an actor."""
    with pytest.raises(Malformed) as caught:
        read_webfinger(wire.encode({"subject": "acct:edith@remote.example", "links": [link]}))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "place", ["https://a.example/u{}v", "https://a.example/{}", "https://a.example/u?q={}"]
)
def test_what_a_uri_may_hold_is_the_same_however_plain_it_looks(place: str) -> None:
    """Behind the host every printable ASCII character may stand but quotes and angle brackets."""
    taken = {chr(code) for code in range(0x80) if is_http_uri(place.format(chr(code)))}
    assert taken == {chr(code) for code in range(0x21, 0x7F)} - set('"<>')


@pytest.mark.parametrize("code", ["de", "zh-Hant-TW", "abc-12345678-12345678-12345678"])
def test_a_language_is_read_up_to_the_longest_code(code: str) -> None:
    """The longest code there can be is one, a letter more is none, and nor are the words for no language."""
    assert _language_of(code) == code
    assert _language_of(f"{code}-123456789") is None
    assert _language_of("a" * 31) is None
    assert _language_of("UND") is None


def _language_of(code: str) -> str | None:
    return language_of({"contentMap": {code: "<p>Hello</p>"}})


@pytest.mark.parametrize(
    ("attributed_to", "author"),
    [
        (wire.ADA, wire.ADA),
        ([wire.EDITH, wire.ADA], wire.ADA),
        ([wire.EDITH], wire.EDITH),
        (wire.EDITH, wire.EDITH),
        ({"id": wire.EDITH}, wire.EDITH),
        (None, wire.ADA),
    ],
)
def test_a_post_is_by_whom_it_names(attributed_to: object, author: str) -> None:
    """Of several authors the sender is preferred; what is by another stays so, for the verifier."""
    note = {"id": f"{wire.ADA}/1", "type": "Note", "attributedTo": attributed_to}
    assert note_of(note, wire.ADA).attributed_to == author
