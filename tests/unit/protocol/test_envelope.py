"""The receiver's cheap look: what cannot be an activity is refused before anything is queued."""

import json

import pytest

from shared.protocol.envelope import Envelope, peek
from shared.protocol.errors import Malformed
from shared.protocol.wire import MAX_DEPTH, MAX_ENTRIES
from tests.builders import wire

_ID, _ACTOR = "https://remote.example/activities/1", wire.EDITH


def _body(**changes: object) -> bytes:
    return wire.encode({"id": _ID, "type": "Like", "actor": _ACTOR, "object": wire.ADA, **changes})


def _without(name: str, **changes: object) -> bytes:
    fields = json.loads(_body(**changes))
    del fields[name]
    return wire.encode(fields)


def _reason(body: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        peek(body)
    return caught.value.reason


def test_outside_of_an_activity_is_read() -> None:
    """Id, type and actor are known without looking further."""
    assert peek(_body()) == Envelope(id=_ID, type="Like", actor=_ACTOR)


def test_actor_may_be_embedded() -> None:
    """An actor given as an object counts by its id."""
    assert peek(_body(actor={"id": _ACTOR, "type": "Person"})).actor == _ACTOR


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "json_broken"),
        (b"{", "json_broken"),
        (b"not json", "json_broken"),
        (_body() + b"}", "json_broken"),
        (_body(x="\u00ff").decode().encode("latin-1"), "json_broken"),
        (_body(x=1).replace(b'"x":1', b'"x":"\\ud800"'), "json_broken"),
        (_body(x=1).replace(b'"x":1', b'"x":NaN'), "json_broken"),
        (_body(x=1).replace(b'"x":1', b'"x":Infinity'), "json_broken"),
        (_body(x=1).replace(b'"x":1', b'"x":-Infinity'), "json_broken"),
        (_body(x=1).replace(b'"x":1', b'"x":1e999'), "number_out_of_range"),
        (_body(x=1).replace(b'"x":1', b'"x":-1e999'), "number_out_of_range"),
        (_body(x=1).replace(b'"x":1', b'"x":' + b"9" * 6000), "number_out_of_range"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"[" + _body() + b"]", "not_an_object"),
        (_without("type"), "type_missing"),
        (_body(type=None), "type_missing"),
        (_body(type=["Like"]), "type_invalid"),
        (_body(type=7), "type_invalid"),
        (_body(type=""), "type_invalid"),
        (_body(type="x" * 1000), "type_invalid"),
        (_without("actor"), "actor_missing"),
        (_body(actor=None), "actor_missing"),
        (_body(actor=7), "actor_invalid"),
        (_body(actor="edith"), "actor_invalid"),
        (_body(actor={"name": "edith"}), "actor_missing"),
        (_body(actor=[_ACTOR, wire.ADA]), "actor_invalid"),
        (_without("id"), "id_missing"),
        (_body(id=None), "id_invalid"),
        (_body(id=17), "id_invalid"),
        (_body(id={"id": _ID}), "id_invalid"),
        (_body(id=[_ID]), "id_invalid"),
        (_body(id=""), "id_invalid"),
        (_body(id="/activities/1"), "id_invalid"),
        (_body(id="acct:edith@remote.example"), "id_invalid"),
        (_body(id="data:text/plain,x"), "id_invalid"),
        (_body(id="https://"), "id_invalid"),
        (_body(id="https://user@remote.example/1"), "id_invalid"),
        (_body(id="https://remote.example/a b"), "id_invalid"),
        (_body(id="https://remote.example\\@evil.example/1"), "id_invalid"),
        (_body(id="https://remote.example/" + "x" * 10_000), "id_too_long"),
    ],
)
def test_what_is_no_activity_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    """Each kind of wrong body has its own word, and none of them raises anything else."""
    assert _reason(body) == reason


@pytest.mark.parametrize("kind", ["Add", "Remove"])
def test_only_add_and_remove_may_lack_an_id(kind: str) -> None:
    """Takahē's Add and Remove pass without an id; one that is null does not."""
    assert peek(_without("id", type=kind)).id == ""
    assert _reason(_body(type=kind, id=None)) == "id_invalid"


@pytest.mark.parametrize(
    "body",
    [
        _body(x=1).replace(b'"x":1', b'"x":"a\\u0000b"'),
        _body(x=1).replace(b'"x":1', b'"a\\u0000b":1'),
        _body(x=1).replace(b'"x":1', b'"x":"\\\\\\u0000"'),
    ],
)
def test_nul_is_refused_wherever_it_stands(body: bytes) -> None:
    """A NUL character, which no database column takes, is found in values, keys and after a backslash."""
    assert _reason(body) == "nul_character"


def test_raw_nul_is_broken_json() -> None:
    """A NUL byte is no JSON at all."""
    assert _reason(_body(x="a").replace(b'"a"', b'"\x00"')) == "json_broken"


def test_an_escaped_backslash_before_u0000_is_only_text() -> None:
    """Six harmless characters that look like a NUL escape pass."""
    assert peek(_body(x="\\u0000")).id == _ID


def test_depth_is_limited() -> None:
    """Nesting at the limit passes, one level more does not, and a bomb raises nothing else."""

    def nested(levels: int) -> bytes:
        return _body(x=0).replace(b'"x":0', b'"x":' + b"[" * levels + b"]" * levels)

    assert peek(nested(MAX_DEPTH - 1)).id == _ID
    assert _reason(nested(MAX_DEPTH)) == "too_deep"
    assert _reason(nested(5_000)) == "too_deep"
    assert _reason(b'{"a":' * 10_000) == "too_deep"
    assert _reason(b'{"a":' * 100_000) == "too_many_entries"


def test_many_brackets_are_not_depth() -> None:
    """A wide document is no deep one."""
    assert peek(_body(x=[{"a": []} for _ in range(200)])).id == _ID


@pytest.mark.parametrize("name", ["to", "cc", "tag", "attachment"])
def test_too_many_entries_have_a_reason_of_their_own(name: str) -> None:
    """A list that nobody needs is refused on the activity and on its object, so that 413 can be said."""
    full = [wire.ADA] * MAX_ENTRIES
    assert peek(_body(**{name: full})).id == _ID
    assert _reason(_body(**{name: [*full, wire.ADA]})) == "too_many_entries"
    assert _reason(_body(object={"id": _ID, name: [*full, wire.ADA]})) == "too_many_entries"


def test_a_million_entries_are_refused() -> None:
    """A list of a million recipients is no trouble to refuse."""
    assert _reason(_body(cc=[1] * 1_000_000)) == "too_many_entries"


def test_the_shortest_document_with_too_many_entries_is_refused() -> None:
    """A list that is one too long is found however little stands around it."""
    entries = b",".join([b"1"] * (MAX_ENTRIES + 1))
    assert _reason(b'{"to":[%s]}' % entries) == "too_many_entries"
    assert _reason(b'{"to":[%s]}' % entries[2:]) == "type_missing"


def test_repeated_keys_mean_the_same_to_everybody() -> None:
    """Of a key given twice the last counts, for the envelope as for the reader."""
    body = _body()[:-1] + b',"id":"https://remote.example/activities/2"}'
    assert peek(body).id == "https://remote.example/activities/2"
