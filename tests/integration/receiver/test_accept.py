"""What the receiver takes in, and when it says so."""

import asyncio

import pytest

from shared.queue.management import Management
from tests.contract.proxy import proxied
from tests.fakes.signing import Signing
from tests.infrastructure import Infrastructure, eventually, vhost_of
from tests.integration.receiver.inbox import ACTIVITY_JSON, ORIGIN, Bounds, activity, now, receiving, signed


@pytest.mark.parametrize("path", ["/inbox", "/users/42/inbox", "/actor/inbox", "/inbox?page=1"])
@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_a_signed_activity_is_queued_as_it_came(
    broker_url: str, database_url: str, path: str, scheme: str
) -> None:
    """After the 202 the queue holds the request: target, signed headers and body to the byte."""
    body = activity()
    headers = signed(body, path=path, how=Signing(scheme=scheme), Cookie="secret", User_Agent="Test/1")
    async with receiving(broker_url, database_url) as inbox:
        before = now()
        answer = await inbox.post(body, headers, path)
        assert (answer.status, answer.body) == (202, b"")
        [[item]] = await inbox.queued()
    assert (item.method, item.target, item.body) == ("POST", path, body)
    assert before <= item.received_at <= now()
    assert (item.activity_id, item.activity_type) == ("https://remote.example/activities/1", "Create")
    assert item.actor == "https://remote.example/users/edith"
    assert item.address == "127.0.0.1"
    kept = dict(item.headers)
    assert kept["signature"] == headers["Signature"]
    assert kept["host"] == ORIGIN.removeprefix("https://")
    assert "cookie" not in kept
    assert "user-agent" not in kept


@pytest.mark.parametrize(
    "content_type",
    [
        "application/activity+json; charset=utf-8",
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
        'application/ld+json; charset="UTF-8"; profile="https://www.w3.org/ns/activitystreams"',
        ACTIVITY_JSON.upper(),
    ],
)
async def test_the_ways_to_write_the_media_type(
    broker_url: str, database_url: str, content_type: str
) -> None:
    """Both media types of ActivityPub are taken, in any case and with a charset."""
    body = activity()
    async with receiving(broker_url, database_url) as inbox:
        assert (await inbox.post(body, signed(body, Content_Type=content_type))).status == 202
        assert len(await inbox.queued()) == 1


async def test_what_it_does_not_know_is_taken_in(broker_url: str, database_url: str) -> None:
    """An unknown type and an unknown receiver are for others to judge."""
    body = activity(type="Dance")
    async with receiving(broker_url, database_url) as inbox:
        answer = await inbox.post(body, signed(body, path="/users/999/inbox"), "/users/999/inbox")
        assert answer.status == 202
        [[item]] = await inbox.queued()
    assert item.activity_type == "Dance"


async def test_a_body_in_pieces_is_taken_in(broker_url: str, database_url: str) -> None:
    """A body of unknown length, in chunks, is put together."""
    body = activity(content="x" * 100_000)

    async def pieces() -> object:
        for start in range(0, len(body), 9_000):
            yield body[start : start + 9_000]
            await asyncio.sleep(0)

    async with receiving(broker_url, database_url) as inbox:
        assert (await inbox.post(pieces(), signed(body))).status == 202  # type: ignore[arg-type]
        [[item]] = await inbox.queued()
    assert item.body == body


async def test_many_at_once_travel_together(broker_url: str, database_url: str) -> None:
    """Requests that come in together share messages; each has its 202 and each item is there once."""
    bodies = [activity(id=f"https://remote.example/activities/{number}") for number in range(200)]
    async with receiving(broker_url, database_url) as inbox:
        answers = await asyncio.gather(*(inbox.post(body, signed(body)) for body in bodies))
        assert {answer.status for answer in answers} == {202}
        messages = await inbox.queued()
    assert sorted(item.body for items in messages for item in items) == sorted(bodies)
    assert len(messages) < 100
    assert len({item.trace for items in messages for item in items}) == 200


async def test_no_answer_before_the_confirm(own_broker_url: str, own_database_url: str) -> None:
    """Without the broker's confirm there is no 202 but, at the deadline, a 503 that invites to try again."""
    body = activity()
    async with proxied(own_broker_url) as (proxy, url):
        bounds = Bounds(confirm_timeout=0.5)
        async with receiving(url, own_database_url, bounds, look_at=own_broker_url) as inbox:
            assert (await inbox.post(body, signed(body))).status == 202
            proxy.silence()
            answer = await inbox.post(body, signed(body))
            assert answer.status == 503
            assert answer.problem["reason"] == "unconfirmed"
            assert int(answer.headers["Retry-After"]) > 0
            proxy.speak()
            assert (await inbox.post(body, signed(body))).status == 202


async def test_without_a_broker_there_is_503_and_then_a_recovery(
    own_broker_url: str, own_database_url: str
) -> None:
    """While the broker is away every request is told to come again; when it is back all goes on by itself."""
    body = activity()
    async with (
        proxied(own_broker_url) as (proxy, url),
        receiving(url, own_database_url, look_at=own_broker_url) as inbox,
    ):
        proxy.refuses = True
        proxy.cut()
        answer = await inbox.post(body, signed(body))
        assert answer.status == 503
        assert "Retry-After" in answer.headers
        assert await inbox.queued() == []
        proxy.refuses = False

        async def taken() -> bool:
            return (await inbox.post(body, signed(body))).status == 202

        await eventually(taken, "the recovery")
        assert len(await inbox.queued()) == 1


async def test_a_full_queue_is_503_and_loses_nothing(
    own_broker_url: str, own_database_url: str, infrastructure: Infrastructure
) -> None:
    """When the queue is full the sender is told to come again, and all that got a 202 is there."""
    async with Management(infrastructure.management_url, vhost_of(own_broker_url)) as management:
        limit = {"pattern": "^inbox", "definition": {"max-length": 3}, "apply-to": "queues"}
        await management.request("PUT", f"/policies/{management.vhost}/full", limit)
    accepted: list[bytes] = []
    async with receiving(own_broker_url, own_database_url) as inbox:

        async def refused() -> bool:
            body = activity(id=f"https://remote.example/activities/{len(accepted)}")
            answer = await inbox.post(body, signed(body))
            if answer.status == 503:
                assert answer.problem["reason"] == "queue_full"
                assert "Retry-After" in answer.headers
                return True
            assert answer.status == 202
            accepted.append(body)
            return False

        await eventually(refused, "a full queue")
        kept = {item.body for items in await inbox.queued() for item in items}
    assert kept >= set(accepted)


async def test_too_many_under_way_is_503(own_broker_url: str, own_database_url: str) -> None:
    """When too many requests wait for their confirm, further ones are told at once to come again."""
    body = activity()
    async with proxied(own_broker_url) as (proxy, url):
        bounds = Bounds(confirm_timeout=2.0, max_waiting=2)
        async with receiving(url, own_database_url, bounds, look_at=own_broker_url) as inbox:
            assert (await inbox.post(body, signed(body))).status == 202
            proxy.silence()
            answers = await asyncio.gather(*(inbox.post(body, signed(body)) for _ in range(5)))
    assert {answer.status for answer in answers} == {503}
    reasons = sorted(str(answer.problem["reason"]) for answer in answers)
    assert reasons == ["overloaded"] * 3 + ["unconfirmed"] * 2
