"""Fetching documents: what is accepted, and where it stops."""

import asyncio

import pytest

from shared.remote.client import GuardedClient
from shared.remote.documents import ACCEPT_ACTIVITY, fetch_document, fetch_webfinger, is_activity_type
from shared.remote.errors import (
    AnswerBroken,
    BadUrl,
    ConnectFailed,
    Denied,
    NotThere,
    OwnHost,
    ServerTrouble,
    TimedOut,
    TooLarge,
    TooManyRedirects,
    WrongMediaType,
)
from shared.signatures.keys import KeyPair, generate_ed25519, generate_rsa, pem_of
from shared.signatures.request import Scheme
from shared.signatures.sign import Signer
from tests.fakes.remote_host import RemoteHost
from tests.fakes.remote_server import RemoteServer
from tests.integration.remote.raw import answering, raw_server

KEY_ID = "http://heddle.localhost/actor#main-key"
RSA_PAIR = generate_rsa()


@pytest.fixture
def birch(fediverse: RemoteServer) -> RemoteHost:
    """Return a fake host."""
    return fediverse.host("birch")


def _signer(fediverse: RemoteServer, pair: KeyPair = RSA_PAIR, scheme: Scheme = Scheme.CAVAGE) -> Signer:
    fediverse.trust(KEY_ID, pem_of(pair.public))
    return Signer(key_id=KEY_ID, private_key=pair.private, scheme=scheme)


async def test_an_actor_is_fetched(client: GuardedClient, birch: RemoteHost) -> None:
    """The document of an actor arrives whole, with the URL it came from."""
    nora = birch.actor("nora")
    response = await fetch_document(client, nora.id)
    assert response.body == birch.encode(nora.document())
    assert response.url == nora.id
    assert is_activity_type(response.content_type)


async def test_webfinger_is_fetched(client: GuardedClient, birch: RemoteHost) -> None:
    """A WebFinger answer is taken in its own media type, and absent for whom nobody knows."""
    nora = birch.actor("nora")
    url = f"{birch.origin}/.well-known/webfinger?resource=acct:{nora.acct}"
    assert nora.id.encode() in (await fetch_webfinger(client, url)).body
    with pytest.raises(NotThere):
        await fetch_webfinger(client, url.replace("nora", "nobody"))


@pytest.mark.parametrize("flavour", ["gotosocial", "threads"])
@pytest.mark.parametrize(
    ("pair", "scheme"),
    [(RSA_PAIR, Scheme.CAVAGE), (RSA_PAIR, Scheme.RFC9421), (generate_ed25519(), Scheme.RFC9421)],
)
async def test_a_signed_fetch_opens_secure_servers(
    client: GuardedClient, fediverse: RemoteServer, flavour: str, pair: KeyPair, scheme: Scheme
) -> None:
    """Servers that show nothing to strangers show it to a signature, in either scheme."""
    birch = fediverse.host("birch")
    birch.schemes = frozenset({"cavage", "rfc9421", "ed25519"})
    nora = birch.actor("nora", flavour)
    with pytest.raises((Denied, NotThere)):
        await fetch_document(client, nora.id)
    response = await fetch_document(client, nora.id, _signer(fediverse, pair, scheme))
    assert nora.id.encode() in response.body


async def test_who_we_are(client: GuardedClient) -> None:
    """Every request says who asks and what for, and takes compressed answers."""
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(handle) as port:
        response = await client.get(f"http://birch.localhost:{port}/a?b=%7e", accept=ACCEPT_ACTIVITY)
    assert response.status == 404
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "GET /a?b=%7e HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert headers["host"] == f"birch.localhost:{port}"
    assert headers["user-agent"] == "Heddle-tests/1"
    assert headers["accept"] == ACCEPT_ACTIVITY
    assert headers["accept-encoding"] == "gzip, deflate"
    assert "cookie" not in headers


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "application/json", "application/ld+json", "text/plain; a=application/activity+json"],
)
async def test_another_media_type_is_no_document(
    client: GuardedClient, birch: RemoteHost, content_type: str
) -> None:
    """What is not served as ActivityPub is no document, whatever it says inside."""
    nora = birch.actor("nora")
    birch.serve(nora.document(), content_type=content_type)
    with pytest.raises(WrongMediaType):
        await fetch_document(client, nora.id)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Denied),
        (401, Denied),
        (403, Denied),
        (404, NotThere),
        (410, NotThere),
        (406, Denied),
        (429, ServerTrouble),
        (500, ServerTrouble),
        (503, ServerTrouble),
        (304, Denied),
    ],
)
async def test_statuses_are_classed(
    client: GuardedClient, birch: RemoteHost, status: int, error: type[Exception]
) -> None:
    """What is gone, what is denied and what may work later are told apart."""
    birch.behave("*", status=status, headers={"Retry-After": "7"})
    with pytest.raises(error) as raised:
        await fetch_document(client, f"{birch.origin}/x")
    assert getattr(raised.value, "status", None) == status
    if isinstance(raised.value, ServerTrouble):
        assert raised.value.retry_after == 7


async def test_gone_is_told_from_not_found(client: GuardedClient, birch: RemoteHost) -> None:
    """410 has a reason of its own."""
    birch.behave("/gone", status=410)
    birch.behave("/lost", status=404)
    for path, reason in (("gone", "gone"), ("lost", "not_there")):
        with pytest.raises(NotThere) as raised:
            await fetch_document(client, f"{birch.origin}/{path}")
        assert raised.value.reason == reason


async def test_three_redirects_are_followed(client: GuardedClient, fediverse: RemoteServer) -> None:
    """A document may have moved three times, to other hosts too; the final URL is told."""
    birch, cedar = fediverse.host("birch"), fediverse.host("cedar")
    nora = cedar.actor("nora")
    birch.behave("/1", redirect="/2")
    birch.behave("/2", redirect=f"{cedar.origin}/3", status=301)
    cedar.behave("/3", redirect=nora.id, status=308)
    response = await fetch_document(client, f"{birch.origin}/1")
    assert response.url == nora.id
    assert response.body == birch.encode(nora.document())


async def test_the_fourth_redirect_is_not_followed(client: GuardedClient, birch: RemoteHost) -> None:
    """A longer chain, and a circle, end after the fourth request."""
    birch.behave("/loop", redirect="/loop")
    with pytest.raises(TooManyRedirects):
        await fetch_document(client, f"{birch.origin}/loop")
    assert birch.fetched == ["/loop"] * 4


@pytest.mark.parametrize(
    "location", ["data:text/plain,a", "file:///etc/passwd", "https://a:b@c.example/", "https://a b/"]
)
async def test_redirects_to_what_is_no_url(client: GuardedClient, birch: RemoteHost, location: str) -> None:
    """A Location is a URL like any other: what would be refused at first is refused then."""
    birch.behave("/x", redirect=location)
    with pytest.raises(BadUrl):
        await fetch_document(client, f"{birch.origin}/x")


async def test_a_redirect_without_a_location(client: GuardedClient, birch: RemoteHost) -> None:
    """A redirect that leads nowhere is an error, not an answer."""
    birch.behave("/x", status=302)
    with pytest.raises(TooManyRedirects):
        await fetch_document(client, f"{birch.origin}/x")


async def test_each_hop_is_signed_anew(client: GuardedClient, fediverse: RemoteServer) -> None:
    """Behind a redirect to a secure server on another host the signature still fits."""
    birch, cedar = fediverse.host("birch"), fediverse.host("cedar")
    nora = cedar.actor("nora", "gotosocial")
    birch.behave("/moved", redirect=nora.id)
    response = await fetch_document(client, f"{birch.origin}/moved", _signer(fediverse))
    assert response.url == nora.id


async def test_what_is_ours_is_never_fetched(client: GuardedClient, birch: RemoteHost) -> None:
    """Our own host is refused, directly and behind a redirect."""
    with pytest.raises(OwnHost):
        await fetch_document(client, "http://Heddle.localhost:1/users/1")
    birch.behave("/x", redirect="http://heddle.localhost:1/users/1")
    with pytest.raises(OwnHost):
        await fetch_document(client, f"{birch.origin}/x")


async def test_a_bomb_stops_at_the_cap(client: GuardedClient, birch: RemoteHost) -> None:
    """A small compressed answer that unfolds to 64 MiB is given up at the limit."""
    birch.behave("/bomb", bomb=1 << 26, content_type="application/activity+json", status=200)
    with pytest.raises(TooLarge):
        await fetch_document(client, f"{birch.origin}/bomb")


async def test_a_large_answer_stops_at_the_cap(client: GuardedClient, birch: RemoteHost) -> None:
    """An answer at the limit is read, one byte more is too much, announced or not."""
    birch.behave("/x", status=200, body=b"x" * 1000)
    response = await client.get(f"{birch.origin}/x", accept="*/*", max_bytes=1000)
    assert len(response.body) == 1000
    with pytest.raises(TooLarge):
        await client.get(f"{birch.origin}/x", accept="*/*", max_bytes=999)
    unannounced = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n"
    )
    async with raw_server(answering(unannounced)) as port:
        with pytest.raises(TooLarge):
            await client.get(f"http://a.localhost:{port}/", accept="*/*", max_bytes=999)


async def test_an_answer_without_end_stops_at_the_cap(client: GuardedClient) -> None:
    """A body that never ends is cut at the limit, and the connection closed."""
    closed = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        finally:
            closed.set()

    async with raw_server(handle) as port:
        with pytest.raises(TooLarge):
            await client.get(f"http://a.localhost:{port}/", accept="*/*")
        await asyncio.wait_for(closed.wait(), 10)


@pytest.mark.parametrize("how", ["delay", "drip"])
async def test_a_slow_answer_meets_the_total_deadline(
    client: GuardedClient, birch: RemoteHost, how: str
) -> None:
    """A server that lets us wait, or sends a byte now and then, is given up when the deadline passes."""
    birch.behave(
        "/slow", status=200, content_type="application/activity+json", **{how: 0.2 if how == "drip" else 30}
    )
    with pytest.raises(TimedOut):
        await client.get(f"{birch.origin}/slow", accept="*/*", deadline=0.6)


async def test_slow_headers_meet_the_total_deadline(client: GuardedClient) -> None:
    """Headers that come byte by byte do not extend the deadline either."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 1000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.1)

    async with raw_server(handle) as port:
        with pytest.raises(TimedOut):
            await client.get(f"http://a.localhost:{port}/", accept="*/*", deadline=0.5)


async def test_slow_redirects_share_one_deadline(client: GuardedClient, birch: RemoteHost) -> None:
    """Four hops that are each just in time are too late together."""
    birch.behave("/loop", redirect="/loop", delay=0.25)
    with pytest.raises(TimedOut):
        await client.get(f"{birch.origin}/loop", accept="*/*", deadline=0.6)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200", id="cut-in-the-status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", id="less-than-announced"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort", id="cut-chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="broken-chunk"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="not-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 65536 + b"\r\n\r\n", id="huge-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 10000 + b"\r\n", id="many-headers"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", id="not-gzip"
        ),
    ],
)
async def test_broken_answers(client: GuardedClient, answer: bytes) -> None:
    """A connection that breaks off, headers without measure and what is not HTTP are one kind of trouble."""
    async with raw_server(answering(answer)) as port:
        with pytest.raises(AnswerBroken):
            await client.get(f"http://a.localhost:{port}/", accept="*/*", deadline=5)


async def test_more_than_announced_is_cut(client: GuardedClient) -> None:
    """What follows the announced length belongs to no answer of ours."""
    lying = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    )
    async with raw_server(answering(lying)) as port:
        for _ in range(2):
            response = await client.get(f"http://a.localhost:{port}/", accept="*/*", deadline=5)
            assert response.body == b"four"


async def test_nobody_listens(client: GuardedClient) -> None:
    """A refused connection is told as such."""
    async with raw_server(answering(b"")) as port:
        pass
    with pytest.raises(ConnectFailed):
        await client.get(f"http://a.localhost:{port}/", accept="*/*", deadline=5)
