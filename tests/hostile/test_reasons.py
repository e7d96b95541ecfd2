"""Every reason to refuse an activity: some input leads to it, and whoever asks is told of it."""

import asyncio
import inspect
import json
import os
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from shared.database.domain_blocks import DomainBlock, put, remove
from shared.database.refusals import of_activity
from tests.fakes.remote_actor import PUBLIC, Json, RemoteActor
from tests.fakes.signing import Signing, ed25519_key, with_proof
from tests.forked import ROOT
from tests.hostile import (
    test_addresses,
    test_ambiguity,
    test_authority,
    test_bodies,
    test_keys,
    test_names,
    test_signatures,
)
from tests.hostile.arena import RECEIVER, REJECTED, Arena, Shot
from tests.hostile.reasons import passing, words
from tests.hostile.test_bodies import changed
from tests.hostile.test_keys import key_document, published
from tests.hostile.test_signatures import rewritten, signed
from tests.hostile.verdicts import Refused, Rejected, Verdict, rejected
from tests.infrastructure import eventually
from tests.integration.receiver import test_bounds
from tests.integration.verifier import test_slow_hosts

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]


def said(kind: str, about: object, **parts: object) -> Attack:
    """Have somebody say something."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        return arena.shot(nora, nora.activity(kind, about) | parts)

    return make


def without(name: str) -> Attack:
    """Have somebody sign whose document lacks a part."""
    return key_document(lambda _n, _v, document: document.pop(name))


def instead(**parts: object) -> Attack:
    """Have somebody sign whose document says something else in places."""
    return key_document(lambda _n, _v, document: document.update(parts))


def passed_on(change: Callable[[RemoteActor, Json], Json]) -> Attack:
    """Have mallory pass on a reply of nora's with a proof; `change` gets nora and the activity without it."""

    async def make(arena: Arena) -> Shot:
        nora, mallory = arena.somebody(), arena.somebody("mallory")
        reply = arena.post_of(nora, inReplyTo=f"{arena.site.origin}/objects/1")
        return arena.shot(mallory, change(nora, reply), watch=(nora.host,))

    return make


def _proof(nora: RemoteActor, reply: Json, **options: object) -> Json:
    return with_proof(reply, nora.ed25519_key_id, ed25519_key(nora.name), **options)


async def _by_somebody_suspended(arena: Arena) -> Shot:
    nora = arena.somebody()
    await arena.api("GET", "/api/v2/search", q=nora.acct, resolve="true", type="accounts")
    await arena.pool.execute("UPDATE actors SET suspended_at = now() WHERE uri = $1", nora.id)
    return arena.shot(nora, arena.post_of(nora))


def _created(_: Arena, __: RemoteActor, headers: dict[str, str], ___: bytes) -> None:
    headers["Signature"] = headers["Signature"].replace('headers="', 'headers="(created) ')


async def _from_a_blocked_domain(arena: Arena) -> Shot:
    nora = arena.somebody()
    async with arena.pool.acquire() as conn:
        await put(conn, [DomainBlock(domain=nora.host.authority.partition(":")[0], severity="suspend")])
    shot = arena.shot(nora, nora.activity("Follow", arena.ada_uri))

    async def noticed() -> bool:
        return (await arena.fire(arena.shot(nora, nora.activity("Like", nora.id)))).status == 403

    await eventually(noticed, "the block to be noticed")
    return shot


async def _a_share_of_a_private_post(arena: Arena) -> Shot:
    nora, mallory = arena.somebody(), arena.somebody("mallory")
    note = nora.note(to=[nora.followers], cc=[])
    return arena.shot(mallory, mallory.activity("Announce", note["id"], to=[PUBLIC]), watch=(nora.host,))


async def _a_stranger_who_leaves(arena: Arena) -> Shot:
    ghost = arena.somebody("ghost")
    return arena.shot(ghost, ghost.activity("Delete", ghost.id))


async def _with_an_inbox_of_ours(arena: Arena) -> Shot:
    nora = arena.somebody()
    nora.host.serve(nora.document() | {"inbox": arena.inbox}, at=nora.id)
    return arena.shot(nora, arena.post_of(nora))


async def _another_than_asked_for(arena: Arena) -> Shot:
    nora, victim = arena.somebody(), arena.somebody("victim")
    nora.host.serve(nora.document() | {"id": victim.id, "publicKey": nora.public_key()}, at=nora.id)
    return arena.shot(nora, arena.post_of(nora), watch=(victim.host,))


_LONG_AGO = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="seconds")
_QUOTE = {"type": "QuoteRequest", "id": "https://a.example/1", "object": "https://a.example/2"}

REACHED: Mapping[str, tuple[Attack, Verdict]] = {
    "actor_gone": (_by_somebody_suspended, rejected("actor_gone")),
    "attributed_to_missing": (
        said("Create", {"type": "Note", "id": "https://a.example/1", "attributedTo": 17}),
        rejected("attributed_to_missing"),
    ),
    "component_unsupported": (
        rewritten("cavage", _created),
        rejected("component_unsupported"),
    ),
    "domain_blocked": (_from_a_blocked_domain, Refused(403, "domain_blocked")),
    "header_malformed": (signed(Signing(extra=(("X-Note", "Sün"),))), Refused(401, "header_malformed")),
    "id_mismatch": (_another_than_asked_for, rejected("id_mismatch", fetches=8)),
    "inbox_invalid": (instead(inbox=17), rejected("inbox_invalid")),
    "inbox_missing": (without("inbox"), rejected("inbox_missing")),
    "instrument_invalid": (
        said("QuoteRequest", "https://a.example/1", instrument=7),
        rejected("instrument_invalid"),
    ),
    "instrument_missing": (said("QuoteRequest", "https://a.example/1"), rejected("instrument_missing")),
    "key_weak": (published(test_keys.of_bits(1024)), rejected("key_weak")),
    "local_uri": (_with_an_inbox_of_ours, rejected("local_uri")),
    "object_invalid": (said("Like", 17), rejected("object_invalid")),
    "object_missing": (said("Flag", []), rejected("object_missing")),
    "object_type": (instead(type="Frobnicator"), rejected("object_type")),
    "proof_invalid": (
        passed_on(lambda nora, reply: _proof(nora, reply) | {"published": "2020-01-01T00:00:00Z"}),
        rejected("proof_invalid", fetches=6),
    ),
    "proof_malformed": (
        passed_on(lambda nora, reply: _proof(nora, reply, proofPurpose="authentication")),
        rejected("proof_malformed", fetches=6),
    ),
    "proof_out_of_window": (
        passed_on(lambda nora, reply: _proof(nora, reply, created=_LONG_AGO)),
        rejected("proof_out_of_window", fetches=6),
    ),
    "result_invalid": (said("Accept", _QUOTE, result=7), rejected("result_invalid")),
    "result_missing": (said("Accept", _QUOTE), rejected("result_missing")),
    "shared_not_public": (_a_share_of_a_private_post, rejected("shared_not_public", fetches=8)),
    "target_invalid": (said("Move", "https://a.example/1", target=7), rejected("target_invalid")),
    "target_missing": (said("Move", "https://a.example/1"), rejected("target_missing")),
    "unknown_actor_gone": (_a_stranger_who_leaves, rejected("unknown_actor_gone", fetches=0)),
    "username_invalid": (instead(preferredUsername="a b"), rejected("username_invalid")),
    "username_missing": (without("preferredUsername"), rejected("username_missing")),
}

AT_THE_DOOR: Mapping[str, bytes] = {
    "head_too_large": b"POST /inbox HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
    "http_broken": b"POST /inbox HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "http_version": b"POST /inbox HTTP/2.0\r\nHost: a\r\n\r\n",
    "method_not_allowed": b"GET /inbox HTTP/1.1\r\nHost: a\r\n\r\n",
    "not_an_inbox": b"POST /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n",
}
"""What is no activity yet: the answer and the log say why, and there is nothing to look up."""

ELSEWHERE: Mapping[str, ModuleType] = {
    "body_too_slow": test_bounds,
    "key_unreachable": test_slow_hosts,
    "post_unreachable": test_slow_hosts,
    "rate_limited": test_bounds,
}
"""What takes a while, or a receiver of another kind."""

NOT_OF_ACTIVITIES: Mapping[str, str] = {
    "bad_handle": "a person's search",
    "handle_mismatch": "a person's search",
    "self_link_missing": "WebFinger: the actor goes by the name at its own host",
    "subject_missing": "WebFinger: the actor goes by the name at its own host",
    "nodeinfo_missing": "the software of a server stays unknown",
    "attributedTo_invalid": "a stamp: the quote is not shown",
    "attributedTo_missing": "a stamp: the quote is not shown",
    "interactingObject_invalid": "a stamp: the quote is not shown",
    "interactingObject_missing": "a stamp: the quote is not shown",
    "interactionTarget_invalid": "a stamp: the quote is not shown",
    "interactionTarget_missing": "a stamp: the quote is not shown",
    "stamp_mismatch": "a stamp: the quote is not shown",
    "list_too_long": "followers are not compared",
    "envelope_mismatch": "receiver and verifier read alike (test_ambiguity): a queue that lies",
    "own_host": "caught as local_uri, local_actor or by the planner before",
    "key_malformed": "such a key is no key of the actor's: key_not_listed",
    "key_unsupported": "such a key is no key of the actor's: key_not_listed",
    "malformed": "the family: each of its members has a word of its own",
    "internal_error": "our own fault: 503",
    "seal_broken": "our own keys",
}


def tables() -> dict[str, tuple[Attack, Verdict]]:
    """Return the attacks of the other files."""
    modules = (
        test_addresses,
        test_ambiguity,
        test_authority,
        test_bodies,
        test_keys,
        test_names,
        test_signatures,
    )
    return {
        f"{module.__name__} {name} {attack}": entry
        for module in modules
        for name, table in vars(module).items()
        if isinstance(table, dict) and name.isupper()
        for attack, entry in table.items()
        if isinstance(entry, tuple)
    }


def shown_by_the_tables() -> set[str]:
    """Return the reasons to which an attack of another file leads for certain."""
    verdicts = [part for entry in tables().values() for part in entry]
    at_the_door = {one.reason for one in verdicts if isinstance(one, Refused)}
    later = [one.reasons for one in verdicts if isinstance(one, Rejected) and len(one.reasons) == 1]
    return at_the_door.union(*later)


async def test_no_reason_hides() -> None:
    """Each word in the sources is reached by an attack, or named here with what it is."""
    named = {*REACHED, *AT_THE_DOOR, *ELSEWHERE, *NOT_OF_ACTIVITIES}
    assert words() - shown_by_the_tables() - passing() - named == set()
    assert named - words() == set(), "nothing is named that is gone"


@pytest.mark.parametrize("word", ELSEWHERE)
async def test_what_is_shown_elsewhere_is(word: str) -> None:
    """The file that is named for a word asserts that word."""
    assert f'"{word}"' in inspect.getsource(ELSEWHERE[word])


@pytest.mark.parametrize("reason", AT_THE_DOOR)
async def test_what_is_no_activity_is_told_why(arena: Arena, reason: str) -> None:
    """What is no request to an inbox is told its reason and a trace, counted, and can be looked up."""
    before = await arena.count(RECEIVER, REJECTED, reason=reason)
    answer = await arena.raw(AT_THE_DOOR[reason])
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["reason"] == reason
    assert await arena.count(RECEIVER, REJECTED, reason=reason) == before + 1

    async def kept() -> bool:
        async with arena.pool.acquire() as conn:
            return [row.reason for row in await of_activity(conn, problem["trace"])] == [reason]

    await eventually(kept, "the refusal to be kept")


@pytest.mark.parametrize("reason", REACHED)
async def test_every_reason_is_reached_and_found(arena: Arena, reason: str) -> None:
    """Some input is refused for this reason, counted, and can be looked up."""
    make, verdict = REACHED[reason]
    try:
        await verdict.holds(arena, make)
    finally:
        async with arena.pool.acquire() as conn:
            await remove(
                conn, [row["domain"] for row in await conn.fetch("SELECT domain FROM domain_blocks")]
            )


async def trace(arena: Arena, name: str) -> Json:
    """Return what the command `heddle trace` prints."""
    process = await asyncio.create_subprocess_exec(
        str(ROOT / ".venv/bin/heddle"),
        "trace",
        name,
        "--json",
        env=os.environ | arena.site.environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    found = json.loads(printed)
    assert isinstance(found, dict)
    return found


async def test_the_command_line_tells_why(arena: Arena) -> None:
    """`heddle trace` shows what receiver and verifier refused, by id or by the trace in the answer."""
    at_the_door = await changed(id=None)(arena)
    answer = await arena.fire(at_the_door)
    name = json.loads(answer.body)["trace"]
    later = await said("Like", 17)(arena)
    assert (await arena.fire(later)).status == 202
    for wanted, stage, reason in (
        (name, "receiver", "id_invalid"),
        (later.id, "verifier", "object_invalid"),
    ):

        async def known(wanted: str = wanted) -> bool:
            return (await arena.journey(wanted)).known

        await eventually(known, "the refusal")
        refused = (await trace(arena, wanted))["refused"][0]  # type: ignore[index]  # a list in JSON
        assert (refused["stage"], refused["reason"]) == (stage, reason)
