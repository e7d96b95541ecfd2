"""Bodies that are no activity, or too much of one."""

import gzip
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from tests.fakes.remote_actor import Json
from tests.hostile.arena import RECEIVER, Arena, Shot
from tests.hostile.verdicts import Accepted, Refused, Verdict, harmless, rejected

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]
MEGABYTE = 1 << 20
GONE = object()


def changed(**parts: object) -> Attack:
    """Send a good post with these parts of the activity replaced, or taken away."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        activity = arena.post_of(nora) | parts
        return arena.shot(nora, {name: value for name, value in activity.items() if value is not GONE})

    return make


def text(change: Callable[[str], str]) -> Attack:
    """Send a good post whose text was rewritten before it was signed."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        return arena.shot(nora, change(json.dumps(arena.post_of(nora))).encode())

    return make


def raw(body: bytes) -> Attack:
    """Send these bytes, well signed."""

    async def make(arena: Arena) -> Shot:
        return arena.shot(arena.somebody(), body)

    return make


def sent(**headers: str) -> Attack:
    """Send a good post with other headers."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        return arena.shot(nora, arena.post_of(nora), headers=headers)

    return make


def compressed() -> Attack:
    """Send a compressed bomb, well signed."""

    async def make(arena: Arena) -> Shot:
        return arena.shot(
            arena.somebody(), gzip.compress(bytes(50 * MEGABYTE)), headers={"Content_Encoding": "gzip"}
        )

    return make


def hello(replacement: str) -> Attack:
    """Send a post that has this, as JSON writes it, where its content was."""
    return text(lambda whole: whole.replace('"<p>Hello</p>"', replacement))


def nested(levels: int) -> Json:
    """Return an object with so many levels."""
    deep: Json = {}
    for _ in range(levels):
        deep = {"x": deep}
    return deep


ATTACKS: dict[str, tuple[Attack, Verdict]] = {
    "a NUL character, escaped": (hello('"a\\u0000b"'), Refused(400, "nul_character")),
    "a NUL character in a name": (
        text(lambda whole: whole.replace('"published"', '"publi\\u0000shed"')),
        Refused(400, "nul_character"),
    ),
    "a NUL character, bare": (hello('"a\x00b"'), Refused(400, "json_broken")),
    "NaN": (hello("NaN"), Refused(400, "json_broken")),
    "Infinity": (hello("Infinity"), Refused(400, "json_broken")),
    "-Infinity": (hello("-Infinity"), Refused(400, "json_broken")),
    "1e999": (hello("1e999"), Refused(400, "number_out_of_range")),
    "-1e999": (hello("-1e999"), Refused(400, "number_out_of_range")),
    "a number of five thousand digits": (hello("9" * 5000), Refused(400, "number_out_of_range")),
    "half a surrogate pair": (hello('"\\ud800"'), Refused(400, "json_broken")),
    "bytes that are no UTF-8": (raw(b'{"id": "\xff\xfe"}'), Refused(400, "json_broken")),
    "UTF-16": (raw('{"id": "x"}'.encode("utf-16")), Refused(400, "json_broken")),
    "5,000 levels": (raw(b'{"object":' * 5000 + b"1" + b"}" * 5000), Refused(400, "too_deep")),
    "40 levels": (changed(x=nested(40)), Refused(400, "too_deep")),
    "half of a document": (text(lambda whole: whole[: len(whole) // 2]), Refused(400, "json_broken")),
    "nothing": (raw(b""), Refused(400, "json_broken")),
    "a list": (raw(b"[]"), Refused(400, "not_an_object")),
    "no id": (changed(id=GONE), Refused(400, "id_missing")),
    "id null": (changed(id=None), Refused(400, "id_invalid")),
    "id a number": (changed(id=17), Refused(400, "id_invalid")),
    "id an object": (changed(id={"id": "https://a.example/1"}), Refused(400, "id_invalid")),
    "id a list": (changed(id=["https://a.example/1"]), Refused(400, "id_invalid")),
    "id empty": (changed(id=""), Refused(400, "id_invalid")),
    "id relative": (changed(id="/activities/1"), Refused(400, "id_invalid")),
    "id of another scheme": (changed(id="javascript:alert(1)"), Refused(400, "id_invalid")),
    "id of 10 kB": (changed(id="https://a.example/" + "a" * 10_000), Refused(400, "id_too_long")),
    "type a list": (changed(type=["Create"]), Refused(400, "type_invalid")),
    "no type": (changed(type=GONE), Refused(400, "type_missing")),
    "no actor": (changed(actor=GONE), Refused(400, "actor_missing")),
    "actor a number": (changed(actor=1), Refused(400, "actor_invalid")),
    "actor of another scheme": (changed(actor="acct:nora@a.example"), Refused(400, "actor_invalid")),
    "two actors": (
        changed(actor=["https://a.example/1", "https://a.example/2"]),
        Refused(400, "actor_invalid"),
    ),
    "200,000 entries in to": (changed(to=["x"] * 200_000), Refused(413, "too_many_entries")),
    "200,000 entries in cc": (changed(cc=["x"] * 200_000), Refused(413, "too_many_entries")),
    "200,000 tags": (changed(tag=["x"] * 200_000), Refused(413, "too_many_entries")),
    "200,000 tags of the object": (
        changed(object={"type": "Note", "tag": ["x"] * 200_000}),
        Refused(413, "too_many_entries"),
    ),
    "200,000 lists": (changed(x=[[]] * 200_000), Refused(413, "too_many_entries")),
    "over a megabyte": (changed(x="x" * (MEGABYTE + 1)), Refused(413, "body_too_large")),
    "a compressed bomb": (compressed(), Refused(415, "content_encoding_unsupported")),
    "text/plain": (sent(Content_Type="text/plain"), Refused(415, "media_type_unsupported")),
    "plain JSON": (sent(Content_Type="application/json"), Refused(415, "media_type_unsupported")),
    "JSON-LD without the profile": (
        sent(Content_Type="application/ld+json"),
        Refused(415, "media_type_unsupported"),
    ),
    "JSON-LD with another profile": (
        sent(Content_Type='application/ld+json; profile="https://a.example"'),
        Refused(415, "media_type_unsupported"),
    ),
    "UTF-16 announced": (
        sent(Content_Type="application/activity+json; charset=utf-16"),
        Refused(415, "media_type_unsupported"),
    ),
    "JSON-LD with the profile": (
        sent(Content_Type='application/ld+json; profile="https://www.w3.org/ns/activitystreams"'),
        Accepted(),
    ),
    "a charset": (sent(Content_Type="application/activity+json; charset=utf-8"), Accepted()),
    "a type that nobody knows": (changed(type="Frobnicate"), harmless("not_supported")),
    "a context of the attacker's": (changed(**{"@context": "http://context.example/evil"}), Accepted()),
    "no context": (changed(**{"@context": GONE}), Accepted()),
    "a Create of nothing": (changed(object=GONE), rejected("object_not_embedded")),
    "a Create of a number": (changed(object=17), rejected("object_not_embedded")),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_body_is_an_activity_or_nothing(arena: Arena, attack: str) -> None:
    """Each is refused with its reason and counted, none is a 5xx; what is odd and harmless is taken."""
    make, verdict = ATTACKS[attack]
    await verdict.holds(arena, make)


async def test_a_body_without_a_length_is_cut_off(arena: Arena) -> None:
    """A body that is sent in pieces without end is refused at the limit, and the connection closed."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    url = f"{arena.site.processes[RECEIVER].listen}/inbox"
    headers = {"Content-Type": "application/activity+json"}
    async with arena.http.post(url, data=endless(), headers=headers) as answer:
        assert answer.status == 413


async def test_no_context_is_ever_fetched(arena: Arena) -> None:
    """Whatever an activity's context names, nothing is asked for there."""
    evil = arena.under("context.example", "127.0.0.1")
    nora = arena.somebody()
    context = ["https://www.w3.org/ns/activitystreams", f"{evil.origin}/context.jsonld"]
    assert await arena.hear(nora, arena.post_of(nora) | {"@context": context}) == "applied"
    assert evil.fetched == []
    assert "context.example" not in arena.dns.asked
