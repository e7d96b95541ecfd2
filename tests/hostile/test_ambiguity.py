"""Requests that two readers could read in two ways: there is one reading here, or none."""

import json
import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.fakes.remote_actor import RemoteActor
from tests.fakes.signing import Outgoing, Signing, signed_headers
from tests.hostile.arena import Arena, Shot
from tests.hostile.verdicts import Accepted, Refused, Verdict, rejected

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]
Headers = CIMultiDict[str]
CAVAGE, RFC9421 = "cavage", "rfc9421"
EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
FULL = ("(request-target)", "host", "date", "digest")


def changed(change: Callable[[Headers], object], how: Signing | str = CAVAGE) -> Attack:
    """Send a good post whose headers were changed after signing."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        shot = arena.shot(nora, arena.post_of(nora), how)
        headers = CIMultiDict(shot.headers)
        change(headers)
        return replace(shot, headers=headers)

    return make


def signature(pattern: str, replacement: str) -> Attack:
    """Send a good post whose Signature header was rewritten."""

    def change(headers: Headers) -> None:
        headers["Signature"] = re.sub(pattern, replacement, headers["Signature"])

    return changed(change)


def by_mallory(change: Callable[[RemoteActor, RemoteActor, Headers], Iterable[tuple[str, str]]]) -> Attack:
    """Have mallory send a post of nora's, with headers made of what both of them signed."""

    async def make(arena: Arena) -> Shot:
        nora, mallory = await arena.known(arena.somebody()), await arena.known(arena.somebody("mallory"))
        shot = arena.shot(mallory, arena.post_of(nora))
        headers = CIMultiDict(shot.headers)
        headers.extend(list(change(nora, mallory, headers)))
        return replace(shot, headers=headers)

    return make


def twice(first: str, second: str) -> Attack:
    """Send a post in which a name comes twice: `{nora}` and `{mallory}` are people, mallory signs."""

    async def make(arena: Arena) -> Shot:
        nora, mallory = await arena.known(arena.somebody()), await arena.known(arena.somebody("mallory"))
        create = arena.post_of(mallory)
        rest = json.dumps({name: value for name, value in create.items() if name not in {"actor", "id"}})
        places = {"nora": nora.id, "mallory": mallory.id, "own": create["id"], "hers": nora.uri()}

        def part(text: str) -> str:
            return ", ".join(
                f'"{name}": {json.dumps(value.format(**places))}'
                for name, value in (pair.split("=", 1) for pair in text.split())
            )

        body = f"{{{part(first)}, {rest[1:-1]}, {part(second)}}}"
        return arena.shot(mallory, body.encode(), watch=(nora.host,))

    return make


def authorized(scheme: str) -> Attack:
    """Send a post whose only signature stands in the Authorization header."""

    def change(headers: Headers) -> None:
        headers["Authorization"] = f"{scheme} {headers.pop('Signature')}"

    return changed(change)


def body_of(change: Callable[[bytes], bytes]) -> Attack:
    """Send a good post in other bytes."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        return arena.shot(nora, change(json.dumps(arena.post_of(nora)).encode()))

    return make


def renamed(case: Callable[[str], str]) -> Callable[[Headers], object]:
    """Write the names of all headers in another case."""

    def change(headers: Headers) -> None:
        pairs = [(case(name), value) for name, value in headers.items()]
        headers.clear()
        headers.extend(pairs)

    return change


def _nothing(_nora: RemoteActor, _mallory: RemoteActor, _headers: Headers) -> list[tuple[str, str]]:
    return []


MALFORMED = Refused(401, "signature_malformed")
REPEATED = Refused(401, "header_repeated")

SIGNATURES: dict[str, tuple[Attack, Verdict]] = {
    "two key ids, the right one first": (signature("$", ',keyId="https://evil.example/k"'), MALFORMED),
    "two key ids, the right one last": (signature("^", 'keyId="https://evil.example/k",'), MALFORMED),
    "two lists of headers": (signature("$", ',headers="(request-target) host date digest"'), MALFORMED),
    "two signatures in one header": (signature("$", ',signature="AAAA"'), MALFORMED),
    "a key id in lower case": (signature("keyId=", "keyid="), MALFORMED),
    "an empty list of headers": (signature('headers="[^"]*"', 'headers=""'), MALFORMED),
    "no list of headers": (signature('headers="[^"]*",?', ""), Refused(401, "digest_not_covered")),
    "a header that is signed twice": (signature("host date", "host date date"), MALFORMED),
    "a header that is not there": (
        signature("host date", "host x-nowhere date"),
        rejected("header_missing", fetches=8),
    ),
    "a signature that signs itself": (
        signature("host date", "host signature date"),
        rejected("signature_invalid", fetches=8),
    ),
    "more after the signature": (signature("$", " ; more"), MALFORMED),
    "a quote that does not end": (signature('signature="', 'x="'), MALFORMED),
    "base64 with a line break": (signature('signature="(....)', r'signature="\1%0a'), MALFORMED),
    "an empty Signature-Input": (changed(lambda h: h.add("Signature-Input", "")), MALFORMED),
    "two Signature headers": (changed(lambda h: h.add("Signature", h["Signature"])), REPEATED),
    "two Signature headers, of both schemes": (
        changed(lambda h: h.add("Signature", "sig1=:AAAA:")),
        REPEATED,
    ),
    "two Signature-Input headers": (
        changed(lambda h: h.add("Signature-Input", h["Signature-Input"]), RFC9421),
        REPEATED,
    ),
    "two Digest headers": (changed(lambda h: h.add("Digest", f"SHA-256={EMPTY}")), REPEATED),
    "two Date headers": (changed(lambda h: h.add("Date", h["Date"])), REPEATED),
    "a digest with two values for one kind": (
        changed(lambda h: h.update(Digest=f"{h['Digest']},SHA-256={EMPTY}")),
        Refused(401, "digest_malformed"),
    ),
    "a label that is not the input's": (
        changed(lambda h: h.update(Signature=h["Signature"].replace("sig1", "sig2")), RFC9421),
        MALFORMED,
    ),
    "an old signature under RFC 9421's input, and the other way round": (
        changed(lambda h: h.pop("Signature-Input"), RFC9421),
        MALFORMED,
    ),
    "a signature in Authorization alone": (authorized("Signature"), Refused(401, "signature_missing")),
    "names of headers in capitals": (changed(renamed(str.upper)), Accepted()),
    "names of headers in small letters": (changed(renamed(str.lower)), Accepted()),
    "signed names in capitals": (signature("host date digest", "Host Date Digest"), Accepted()),
    "an Authorization beside it": (changed(lambda h: h.add("Authorization", "Signature bad")), Accepted()),
    "headers of other schemes": (changed(lambda h: h.add("X-Signature", "bad")), Accepted()),
    "mallory's signature on nora's post": (by_mallory(_nothing), rejected("signer_not_actor", fetches=8)),
    "mallory's signature beside one in nora's name": (
        by_mallory(lambda nora, _m, h: [("Signature", h["Signature"].replace("mallory", nora.name))]),
        REPEATED,
    ),
}

BODIES: dict[str, tuple[Attack, Verdict]] = {
    "the victim first, then oneself": (
        twice("actor={nora} id={hers}", "actor={mallory} id={own}"),
        Accepted(),
    ),
    "oneself first, then the victim": (
        twice("actor={mallory} id={own}", "actor={nora} id={hers}"),
        rejected("signer_not_actor", fetches=8),
    ),
    "oneself, under the victim's id": (
        twice("actor={mallory} id={own}", "actor={mallory} id={hers}"),
        rejected("id_elsewhere", fetches=0),
    ),
    "a byte order mark": (body_of(lambda body: b"\xef\xbb\xbf" + body), Refused(400, "json_broken")),
    "UTF-32": (body_of(lambda body: body.decode().encode("utf-32")), Refused(400, "json_broken")),
    "two documents": (body_of(lambda body: body + body), Refused(400, "json_broken")),
    "a comment": (body_of(lambda body: body + b"// more"), Refused(400, "json_broken")),
    "a comma too many": (body_of(lambda body: body[:-1] + b",}"), Refused(400, "json_broken")),
    "single quotes": (body_of(lambda body: body.replace(b'"', b"'")), Refused(400, "json_broken")),
    "a name without quotes": (body_of(lambda body: b"{id:1," + body[1:]), Refused(400, "json_broken")),
    "overlong UTF-8": (
        body_of(lambda body: body.replace(b"Hello", b"\xc0\xaf")),
        Refused(400, "json_broken"),
    ),
    "a surrogate in UTF-8": (
        body_of(lambda body: body.replace(b"Hello", b"\xed\xa0\x80")),
        Refused(400, "json_broken"),
    ),
    "5,000 nested lists": (
        body_of(lambda body: body[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        Refused(400, "too_deep"),
    ),
    "50,000 small values": (
        body_of(lambda body: body[:-1] + b',"x":[' + b"0," * 50_000 + b"0]}"),
        Refused(413, "too_many_entries"),
    ),
    "blanks around": (body_of(lambda body: b"\r\n\t " + body + b" \n"), Accepted()),
}


@pytest.mark.parametrize("attack", SIGNATURES)
async def test_a_signature_has_one_reading(arena: Arena, attack: str) -> None:
    """What says something twice, or in a place where others look, is refused; a bad one never falls back."""
    make, verdict = SIGNATURES[attack]
    await verdict.holds(arena, make)


@pytest.mark.parametrize("attack", BODIES)
async def test_a_body_has_one_reading(arena: Arena, attack: str) -> None:
    """Receiver, verifier and builder see the same activity in the same bytes, or all of them none."""
    make, verdict = BODIES[attack]
    await verdict.holds(arena, make)


async def test_what_says_its_length_twice_is_no_request(arena: Arena) -> None:
    """Two lengths, or a length beside chunks, with which requests are smuggled past a front, are refused."""
    nora = arena.somebody()
    body = nora.host.encode(arena.post_of(nora))
    signed = signed_headers(Signing(), Outgoing("POST", arena.inbox, body), nora.key_id, nora.rsa)
    for lengths in (
        f"Content-Length: {len(body)}\r\nContent-Length: {len(body) + 5}",
        f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked",
        f"Content-Length: +{len(body)}",
        "Transfer-Encoding: chunked, identity",
    ):
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        head = f"POST /inbox HTTP/1.1\r\n{lines}Content-Type: application/activity+json\r\n{lengths}\r\n\r\n"
        answer = await arena.raw(head.encode() + body)
        assert answer[9:10] == b"4", answer[:200]
