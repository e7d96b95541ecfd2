"""Delivering: every answer is a value, connections are kept, one host does not hold up another."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient, Limits
from shared.remote.errors import AnswerBroken, TimedOut
from shared.signatures.keys import generate_rsa, load_private, pem_of
from shared.signatures.request import Scheme
from shared.signatures.sign import Signer, http_date, sign_request
from tests.fakes.remote_host import RemoteHost
from tests.fakes.remote_server import RemoteServer
from tests.integration.remote.conftest import NoNames
from tests.integration.remote.raw import raw_server, read_request

KEY_ID = "http://heddle.localhost/users/1#main-key"
PAIR = generate_rsa()
BODY = b'{"type":"Create"}'


@pytest.fixture
def birch(fediverse: RemoteServer) -> RemoteHost:
    """Return a fake host that knows our key."""
    fediverse.trust(KEY_ID, pem_of(PAIR.public))
    return fediverse.host("birch")


@pytest.mark.parametrize("scheme", list(Scheme))
async def test_a_signed_delivery_is_taken(client: GuardedClient, birch: RemoteHost, scheme: Scheme) -> None:
    """What the client signs is accepted by a server that checks it with code of its own."""
    signer = Signer(key_id=KEY_ID, private_key=PAIR.private, scheme=scheme)
    result = await client.post(birch.shared_inbox, BODY, sign=signer)
    received = await birch.wait_for("Create")
    assert (result.status, received.problem, received.scheme) == (202, "", scheme)
    assert received.headers["content-type"] == "application/activity+json"
    assert received.body == BODY


async def test_headers_that_were_signed_before(client: GuardedClient, birch: RemoteHost) -> None:
    """Headers that were signed elsewhere, in a batch perhaps, are sent as they are."""
    headers = sign_request(
        "cavage",
        "POST",
        birch.shared_inbox,
        BODY,
        key_id=KEY_ID,
        private_key=load_private(PAIR.private),
        now=datetime.now(UTC),
    )
    assert (await client.post(birch.shared_inbox, BODY, headers)).status == 202
    assert (await birch.wait_for("Create")).headers["signature"] == dict(headers)["Signature"]


@pytest.mark.parametrize("status", [200, 204, 400, 401, 404, 410, 500, 503])
async def test_every_status_is_an_answer(client: GuardedClient, birch: RemoteHost, status: int) -> None:
    """No status raises: what it means is decided elsewhere."""
    birch.behave("/inbox", status=status)
    assert (await client.post(birch.shared_inbox, BODY)).status == status


async def test_redirects_are_not_followed(client: GuardedClient, birch: RemoteHost) -> None:
    """A delivery goes where it was addressed to, or nowhere."""
    birch.behave("/inbox", redirect="/other")
    assert (await client.post(birch.shared_inbox, BODY)).status == 302
    assert [one.path for one in birch.received] == ["/inbox"]


async def test_retry_after_is_told(client: GuardedClient, birch: RemoteHost) -> None:
    """A server's wish to be left alone for a while is read as seconds, from seconds and from a date."""
    birch.behave("/inbox", status=429, headers={"Retry-After": "120"})
    assert (await client.post(birch.shared_inbox, BODY)).retry_after == 120
    date = http_date(datetime.now(UTC) + timedelta(minutes=10))
    birch.behave("/inbox", status=503, headers={"Retry-After": date})
    retry_after = (await client.post(birch.shared_inbox, BODY)).retry_after
    assert retry_after is not None
    assert 500 < retry_after <= 600
    birch.behave("/inbox", status=503)
    assert (await client.post(birch.shared_inbox, BODY)).retry_after is None


async def test_the_answer_is_kept_in_part(client: GuardedClient, birch: RemoteHost) -> None:
    """Of a long answer the first 4 KiB are kept, and an answer without end does not hurt."""
    birch.behave("/inbox", status=400, body=b"no" * 50_000)
    assert (await client.post(birch.shared_inbox, BODY)).excerpt == b"no" * 2048
    birch.behave("/inbox", status=400, body=b"short")
    assert (await client.post(birch.shared_inbox, BODY)).excerpt == b"short"


async def test_a_dripping_answer_meets_the_deadline(client: GuardedClient, birch: RemoteHost) -> None:
    """A server that answers byte by byte costs the deadline and not more."""
    birch.behave("/inbox", status=202, drip=0.2)
    with pytest.raises(TimedOut):
        await client.post(birch.shared_inbox, BODY, deadline=0.6)


async def test_a_reset_is_trouble_and_is_tried_once_more(client: GuardedClient, birch: RemoteHost) -> None:
    """A connection that is closed instead of an answer is tried once again, no more."""
    birch.behave("/inbox", reset=True)
    with pytest.raises(AnswerBroken):
        await client.post(birch.shared_inbox, BODY)
    assert len(birch.received) == 2


async def test_connections_are_kept(client: GuardedClient) -> None:
    """Deliveries to one host go over one connection, one after the other."""
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while not reader.at_eof():
            await read_request(reader)
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")

    async with raw_server(handle) as port:
        for _ in range(5):
            assert (await client.post(f"http://a.localhost:{port}/inbox", BODY)).status == 202
    assert connections == 1


async def test_a_connection_that_went_stale_is_replaced(client: GuardedClient) -> None:
    """A kept connection which the server closes at the next request costs no delivery."""
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        await read_request(reader)

    async with raw_server(handle) as port:
        for _ in range(3):
            assert (await client.post(f"http://a.localhost:{port}/inbox", BODY)).status == 202
    assert connections == 3


async def test_connections_beyond_the_bound_are_closed() -> None:
    """Only so many hosts stay connected; the others are told to close."""
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            heads.append(await read_request(reader))
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    policy = PeerPolicy(allow_private=True)
    limits = Limits(warm_hosts=1)
    async with (
        GuardedClient(policy, user_agent="t", limits=limits, lookup=NoNames()) as client,
        raw_server(handle) as port,
    ):
        for host in ("a", "b", "a"):
            await client.post(f"http://{host}.localhost:{port}/inbox", BODY)
    assert [b"connection: close" in head.lower() for head in heads] == [False, True, False]


async def test_a_slow_host_does_not_hold_up_others() -> None:
    """While one host takes all the slots it may have, another is delivered to at once."""
    inside, most, release = 0, 0, asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal inside, most
        slow = b"slow.localhost" in await read_request(reader)
        inside += slow
        most = max(most, inside)
        if slow:
            await release.wait()
        inside -= slow
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    policy, limits = PeerPolicy(allow_private=True), Limits(per_host=3, connections=100)
    async with (
        GuardedClient(policy, user_agent="t", limits=limits, lookup=NoNames()) as client,
        raw_server(handle) as port,
    ):
        slow = [
            asyncio.create_task(client.post(f"http://slow.localhost:{port}/inbox", BODY)) for _ in range(20)
        ]
        async with asyncio.timeout(10):
            while inside < 3:  # noqa: ASYNC110 - the server's count is what is waited for
                await asyncio.sleep(0.01)
        for _ in range(10):
            assert (await client.post(f"http://fast.localhost:{port}/inbox", BODY, deadline=5)).status == 202
        release.set()
        assert {(await one).status for one in slow} == {202}
    assert most == 3
