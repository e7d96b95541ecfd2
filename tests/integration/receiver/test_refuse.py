"""What the receiver refuses: each with its status and reason, one log line, and nothing on the queue."""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.inbox_receiver.form import MAX_BODY
from tests.fakes.signing import Signing
from tests.integration.receiver.inbox import REMOTE, Answer, Inbox, activity, now, receiving, signed, without

Headers = dict[str, str]


async def refused(inbox: Inbox, body: bytes, headers: Headers, path: str = "/inbox") -> Answer:
    """Post and check what every refusal has in common."""
    with capture_logs() as lines:
        before = _counts()
        answer = await inbox.post(body, headers, path)
        after = _counts()
    assert 400 <= answer.status < 500
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.problem["status"] == answer.status
    assert answer.problem["detail"]
    [line] = lines
    assert line["event"] == "inbox_refused"
    assert (line["status"], line["reason"]) == (answer.status, answer.problem["reason"])
    assert line["trace"] == answer.problem["trace"]
    assert await inbox.queued() == []
    changed = {key for key in after if after[key] != before.get(key, 0)}
    assert changed == {("status", str(answer.status)), ("reason", str(answer.problem["reason"]))}
    return answer


def _counts() -> dict[tuple[str, str], float]:
    wanted = {"heddle_inbox_requests_total", "heddle_activities_rejected_total"}
    return {
        next(iter(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name in wanted
    }


BAD_BODIES = {
    "json_broken": b'{"id": ',
    "not_an_object": b"[1, 2]",
    "nul_character": activity(summary="a\x00b"),
    "number_out_of_range": activity().replace(b'"Hello"', b"1e999"),
    "too_deep": b'{"object":' * 5000 + b"1" + b"}" * 5000,
    "id_missing": activity(id=...),
    "id_invalid": activity(id=17),
    "id_too_long": activity(id="https://remote.example/" + "a" * 10_000),
    "type_missing": activity(type=...),
    "type_invalid": activity(type=["Create"]),
    "actor_missing": activity(actor=...),
    "actor_invalid": activity(actor="acct:edith@remote.example"),
}


@pytest.mark.parametrize("reason", BAD_BODIES)
async def test_a_body_that_is_no_activity_is_400(broker_url: str, database_url: str, reason: str) -> None:
    """A body that cannot be an activity is refused, although its signature is right."""
    body = BAD_BODIES[reason]
    async with receiving(broker_url, database_url) as inbox:
        answer = await refused(inbox, body, signed(body))
    assert (answer.status, answer.problem["reason"]) == (400, reason)


@pytest.mark.parametrize(
    "body",
    [
        activity().replace(b"Hello", b"a\\u0000b"),
        activity().replace(b"Hello", b"a\x00b"),
        activity().replace(b'"Hello"', b"NaN"),
        activity().replace(b'"Hello"', b"-Infinity"),
        activity(id=None),
        activity(id={"id": "https://remote.example/1"}),
        activity(id="/activities/1"),
        b"",
        b"\xff\xfe" + activity(),
        b'"text"',
    ],
    ids=[
        "nul",
        "raw nul",
        "nan",
        "infinity",
        "null id",
        "id object",
        "relative id",
        "empty",
        "utf-16",
        "text",
    ],
)
async def test_more_bodies_that_are_no_activity(broker_url: str, database_url: str, body: bytes) -> None:
    """Hostile spellings of JSON and ids of a wrong kind are refused with 400."""
    async with receiving(broker_url, database_url) as inbox:
        assert (await refused(inbox, body, signed(body))).status == 400


@pytest.mark.parametrize("member", ["to", "cc", "tag"])
async def test_a_million_entries_are_413(broker_url: str, database_url: str, member: str) -> None:
    """A list of absurd length is too large, even where its bytes are not."""
    body = activity(**{member: ["x"] * 200_000})
    async with receiving(broker_url, database_url) as inbox:
        answer = await refused(inbox, body, signed(body))
    assert (answer.status, answer.problem["reason"]) == (413, "too_many_entries")


EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
NO_DATE = ("(request-target)", "host", "digest")
BAD_SIGNATURES: dict[str, tuple[str, Signing, str]] = {
    # Name: the reason, how it is signed, and the header that is then taken away.
    "no signature": ("signature_missing", Signing(), "Signature"),
    "no digest": ("digest_missing", Signing(), "Digest"),
    "no content-digest": ("digest_missing", Signing(scheme="rfc9421"), "Content-Digest"),
    "another body's digest": ("digest_mismatch", Signing(digest=f"SHA-256={EMPTY}"), ""),
    "md5": ("digest_unsupported", Signing(digest="MD5=1B2M2Y8AsgTpgAmY7PhCfg=="), ""),
    "digest not covered": ("digest_not_covered", Signing(covered=("(request-target)", "host", "date")), ""),
    "stale": ("date_out_of_window", Signing(now=now() - timedelta(hours=13)), ""),
    "of the future": ("date_out_of_window", Signing(now=now() + timedelta(hours=2)), ""),
    "stale created": (
        "date_out_of_window",
        Signing(scheme="rfc9421", now=now() - timedelta(hours=13)),
        "Date",
    ),
    "no date": ("date_missing", Signing(covered=NO_DATE), "Date"),
}


@pytest.mark.parametrize("case", BAD_SIGNATURES)
async def test_a_signature_of_bad_form_is_401(broker_url: str, database_url: str, case: str) -> None:
    """A signature that cannot be right, whatever its key, is refused before anything is queued."""
    reason, how, missing = BAD_SIGNATURES[case]
    body = activity()
    async with receiving(broker_url, database_url) as inbox:
        answer = await refused(inbox, body, without(signed(body, how=how), missing))
    assert (answer.status, answer.problem["reason"]) == (401, reason)


@pytest.mark.parametrize(("name", "value"), [("Signature", "!!"), ("Date", "yesterday")])
async def test_a_broken_header_is_401(broker_url: str, database_url: str, name: str, value: str) -> None:
    """A signature or a date that cannot be read is refused."""
    body = activity()
    async with receiving(broker_url, database_url) as inbox:
        headers = signed(body, how=Signing(covered=NO_DATE)) | {name: value}
        assert (await refused(inbox, body, headers)).status == 401


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/json",
        "application/ld+json",
        'application/ld+json; profile="https://example.com/"',
        "application/activity+json; charset=utf-16",
        "application/activity+jsonx",
        "",
    ],
)
async def test_a_wrong_media_type_is_415(broker_url: str, database_url: str, content_type: str) -> None:
    """Only the media types of ActivityPub, in UTF-8, are taken."""
    body = activity()
    async with receiving(broker_url, database_url) as inbox:
        answer = await refused(inbox, body, signed(body, Content_Type=content_type))
        assert (answer.status, answer.problem["reason"]) == (415, "media_type_unsupported")
        answer = await refused(inbox, body, without(signed(body), "Content-Type"))
        assert (answer.status, answer.problem["reason"]) == (415, "media_type_unsupported")


async def test_a_compressed_body_is_415(broker_url: str, database_url: str) -> None:
    """Compressed bodies are not unpacked: a bomb stays closed."""
    body = gzip.compress(activity())
    async with receiving(broker_url, database_url) as inbox:
        answer = await refused(inbox, body, signed(body, Content_Encoding="gzip"))
    assert (answer.status, answer.problem["reason"]) == (415, "content_encoding_unsupported")


async def test_five_megabytes_are_413(broker_url: str, database_url: str) -> None:
    """A body over the limit is refused, by its announced length or as soon as it exceeds the limit."""
    body = activity(content="x" * 5_000_000)

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async with receiving(broker_url, database_url) as inbox:
        answer = await refused(inbox, body, signed(body))
        assert (answer.status, answer.problem["reason"]) == (413, "body_too_large")
        answer = await inbox.post(in_pieces(), signed(body))
        assert (answer.status, answer.problem["reason"]) == (413, "body_too_large")
        assert await inbox.queued() == []


async def test_the_limit_itself_is_fine(broker_url: str, database_url: str) -> None:
    """A body of exactly the limit is taken."""
    short = activity(content="")
    body = activity(content="x" * (MAX_BODY - len(short)))
    assert len(body) == MAX_BODY
    async with receiving(broker_url, database_url) as inbox:
        assert (await inbox.post(body, signed(body))).status == 202
        assert len(await inbox.queued()) == 1


@pytest.mark.parametrize(
    "path", ["/", "/users/ada/inbox", "/users/1/outbox", "/inbox/", "/users/1/inbox/../../x", "/inbox%00"]
)
async def test_other_paths_are_404(broker_url: str, database_url: str, path: str) -> None:
    """Only inboxes are here."""
    body = activity()
    async with receiving(broker_url, database_url) as inbox:
        assert (await refused(inbox, body, signed(body), path)).status == 404


async def test_other_methods_are_405(broker_url: str, database_url: str) -> None:
    """An inbox can only be posted to, and says so."""
    async with (
        receiving(broker_url, database_url) as inbox,
        inbox.session.get(inbox.url + "/inbox") as response,
    ):
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
        assert json.loads(await response.read())["reason"] == "method_not_allowed"


async def test_nothing_of_the_sender_is_echoed_as_markup(broker_url: str, database_url: str) -> None:
    """A refusal is JSON of our own words: what was sent does not come back as something a browser runs."""
    body = activity(actor="<script>alert(1)</script>")
    async with receiving(broker_url, database_url) as inbox:
        answer = await refused(inbox, body, signed(body))
    assert b"<script>" not in answer.body


async def test_a_signature_for_another_host_is_not_for_us_to_judge(
    broker_url: str, database_url: str
) -> None:
    """What needs the key or our own name is left to the verifier: the receiver takes it in."""
    body = activity(actor=f"{REMOTE}/users/somebody-else")
    async with receiving(broker_url, database_url) as inbox:
        answer = await inbox.post(body, signed(body, Host="elsewhere.example"))
        assert answer.status == 202
        assert len(await inbox.queued()) == 1
