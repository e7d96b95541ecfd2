"""Streaming: what the builder applies is shown to those who look on, and to nobody else."""

import asyncio
import contextlib
import json
import queue
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import pytest
import requests
from mastodon import StreamListener

from services.platform_gateway.streaming.channels import channel_of
from services.platform_gateway.streaming.hub import HUB, Client, Event, Hub
from services.timeline_builder.apply import apply_batch
from shared.protocol.live import Live
from shared.queue.connection import connect
from shared.queue.live import LiveListener, LivePublisher
from shared.queue.topology import ACTIVITY_ACCEPTED
from tests.infrastructure import eventually
from tests.integration.gateway.running import RunningGateway


class Listener(StreamListener):
    """Keeps what Mastodon.py hears."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[str, Any]] = queue.Queue()

    def on_update(self, status: Any) -> None:
        """Keep a post."""
        self.heard.put(("update", status))

    def on_status_update(self, status: Any) -> None:
        """Keep an edited post."""
        self.heard.put(("status.update", status))

    def on_delete(self, status_id: Any) -> None:
        """Keep the id of what is gone."""
        self.heard.put(("delete", status_id))

    def on_notification(self, notification: Any) -> None:
        """Keep a notification."""
        self.heard.put(("notification", notification))

    def on_filters_changed(self) -> None:
        """Keep that filters have changed."""
        self.heard.put(("filters_changed", None))

    def next(self) -> tuple[str, Any]:
        """Return what came next."""
        return self.heard.get(timeout=20)


def applied(site: RunningGateway, work: Any) -> Any:
    """Do something through the API, have the builder apply it, and show what it tells."""
    with site.outbox() as sent:
        result = work()
    items = [message.item for message in sent if message.queue == ACTIVITY_ACCEPTED]
    told: list[Live] = []
    site.run(apply_batch(site.gateway.pool, site.gateway.site, items, told.append))
    for live in told:
        site.run(site.app[HUB].show(live))
    return result


@contextmanager
def streaming(site: RunningGateway, name: str) -> Iterator[Listener]:
    """Listen to somebody's own stream with Mastodon.py."""
    listener = Listener()
    before = site.app[HUB].clients
    handle = site.client(name).stream_user(listener, run_async=True)
    site.run(eventually(lambda: bool(site.app[HUB].clients - before), "the stream to open"))
    try:
        yield listener
    finally:
        handle.close()


@asynccontextmanager
async def socket(
    site: RunningGateway, name: str | None = None, query: str = "", **options: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a WebSocket."""
    headers = site.headers(name) if name else {}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{site.origin}/api/v1/streaming{query}", headers=headers, **options) as opened,
    ):
        yield opened


async def hears(opened: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Return the next message."""
    return dict(json.loads((await opened.receive(timeout=20)).data))


def test_mastodon_py_hears_posts_edits_deletions_and_notifications(site: RunningGateway) -> None:
    """A follower with Mastodon.py hears a post, its edit and its end; who is named hears of it."""
    site.account("speaker")
    site.account("hearer")
    speaker, hearer = site.client("speaker"), site.client("hearer")
    applied(site, lambda: hearer.account_follow(speaker.me().id))
    with streaming(site, "hearer") as heard:
        post = applied(site, lambda: speaker.status_post("@hearer do you hear me?"))
        kinds = dict([heard.next(), heard.next()])
        assert kinds["update"].id == post.id
        assert kinds["update"].favourited is False
        assert (kinds["notification"].type, kinds["notification"].status.id) == ("mention", post.id)
        applied(site, lambda: speaker.status_update(post.id, "@hearer louder"))
        kind, edited = heard.next()
        assert (kind, edited.id) == ("status.update", post.id)
        assert "louder" in edited.content
        applied(site, lambda: speaker.status_delete(post.id))
        assert heard.next() == ("delete", post.id)


def test_changed_filters_are_told_to_their_owner(site: RunningGateway) -> None:
    """Whoever changes a filter in one client is told so in the others, and nobody else is."""
    site.account("picky")
    told: list[Live] = []

    def change() -> None:
        picky = site.client("picky")
        made = picky.create_filter_v2("Plot", ["home"], "warn", 3600, [{"keyword": "spoiler"}])
        picky.delete_filter_v2(made.id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vars(site.gateway), "tell", told.append)
        change()
    owner = site.author("picky").id
    assert told == [Live(filters=(owner,))] * 2
    with streaming(site, "picky") as heard, streaming(site, "ada") as others:
        site.run(site.app[HUB].show(Live(filters=(owner, owner))))
        assert heard.next() == ("filters_changed", None)
        assert heard.heard.empty()
        assert others.heard.empty()


def test_private_posts_reach_nobody_else(site: RunningGateway) -> None:
    """Of a post for followers neither a stranger nor the public stream hears; of the next public one both."""
    site.account("discreet")
    site.account("stranger")
    discreet = site.client("discreet")

    async def listen() -> list[dict[str, Any]]:
        async with (
            socket(site, "stranger", "?stream=user") as own,
            socket(site, query="?stream=public") as all_,
        ):
            await own.send_json({"type": "subscribe", "stream": "hashtag", "tag": "Secret"})
            await own.send_json({"type": "subscribe", "stream": "nonsense"})
            assert (await hears(own))["status"] == 400
            await asyncio.to_thread(_post_both, site, discreet)
            return [await hears(own), await hears(all_)]

    tagged, public = asyncio.run(listen())
    assert (tagged["stream"], public["stream"]) == (["hashtag", "secret"], ["public"])
    for message in (tagged, public):
        assert message["event"] == "update"
        assert "in the open" in json.loads(message["payload"])["content"]


def _post_both(site: RunningGateway, author: Any) -> None:
    applied(site, lambda: author.status_post("hush #secret", visibility="private"))
    applied(site, lambda: author.status_post("in the open #secret"))


def test_blocked_people_are_not_shown(site: RunningGateway) -> None:
    """On the public stream a listener is not shown whom they block, and goes on hearing all others."""
    for name in ("blocker", "blockee", "other"):
        site.account(name)
    blocker = site.client("blocker")
    blocker.account_block(site.client("blockee").me().id)

    async def listen() -> dict[str, Any]:
        async with socket(site, "blocker", "?stream=public:local") as opened:
            for name in ("blockee", "other"):
                author = site.client(name)
                await asyncio.to_thread(applied, site, lambda author=author: author.status_post("hello all"))
            return await hears(opened)

    assert json.loads(asyncio.run(listen())["payload"])["account"]["acct"] == "other"


def test_who_may_listen(site: RunningGateway) -> None:
    """The token may come in header, query or subprotocol; without one only public streams open."""
    site.account("knocker")
    token = site.token("knocker")

    async def opens(query: str, **options: Any) -> int:
        try:
            async with socket(site, query=query, **options):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status

    async def all_ways() -> list[int]:
        return [
            await opens(f"?stream=user&access_token={token}"),
            await opens("?stream=user", protocols=[token]),
            await opens("?stream=public"),
            await opens("?stream=user"),
            await opens("?stream=public&access_token=wrong"),
            await opens(f"?stream=user&access_token={site.token('knocker', 'read:lists')}"),
            await opens("?stream=hashtag"),
        ]

    assert asyncio.run(all_ways()) == [101, 101, 101, 401, 401, 403, 400]


@pytest.mark.parametrize(
    ("path", "status"),
    [("health", 200), ("user", 401), ("hashtag", 400), ("list?list=1", 401), ("list", 400), ("", 400)],
)
def test_paths_of_server_sent_events(site: RunningGateway, path: str, status: int) -> None:
    """Each path answers a visitor as the API says."""
    assert requests.get(f"{site.origin}/api/v1/streaming/{path}", timeout=10).status_code == status


def test_the_instance_names_the_address(site: RunningGateway) -> None:
    """Both versions of the instance say where to connect."""
    address = "ws" + site.origin.removeprefix("http")
    assert site.visitor().instance_v1().urls.streaming_api == address
    assert site.visitor().instance_v2().configuration.urls.streaming == address


async def test_a_client_that_reads_too_slowly_is_sent_away() -> None:
    """A client that is a bound behind is closed; what waited for it is dropped, and others are unharmed."""
    slow, quick = Client(None, most_waiting=3), Client(None, most_waiting=3)
    channel = channel_of("public")
    for number in range(5):
        for client in (slow, quick):
            client.offer(Event(channel, "delete", str(number)))
        event = await quick.next()
        assert event is not None
        assert event.payload == str(number)
    assert (slow.closed, quick.closed) == (True, False)
    assert await slow.next() is None


async def test_every_listener_hears(broker_url: str) -> None:
    """What is told once reaches the listeners of every replica, and nothing is told of nothing."""
    heard: list[list[Live]] = [[], []]
    stopping = asyncio.Event()

    def keep(into: list[Live]) -> Any:
        async def handle(live: Live) -> None:
            into.append(live)

        return handle

    first, second = (LiveListener(broker_url, "test", keep(into)) for into in heard)
    async with connect(broker_url, "test", []) as broker:
        publisher = LivePublisher(broker, most_waiting=10)
        tasks = [asyncio.create_task(run(stopping)) for run in (first.run, second.run, publisher.run)]
        for listener in (first, second):
            await asyncio.wait_for(listener.listening.wait(), 20)
        publisher.tell(Live(new=(1, 2), gone=(3,)))
        publisher.tell(Live())
        await eventually(lambda: all(heard), "both to hear")
        assert heard == [[Live(new=(1, 2), gone=(3,))]] * 2
        stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*tasks), 20)
        assert all(task.done() for task in tasks)


def test_a_publisher_without_a_broker_holds_a_bounded_number() -> None:
    """With the broker away what is told is dropped beyond a bound, and telling still returns at once."""

    async def tell() -> int:
        async with connect("amqp://127.0.0.1:9/", "test", []) as broker:
            publisher = LivePublisher(broker, most_waiting=10)
            for number in range(1000):
                publisher.tell(Live(new=(number,)))
            return publisher.waiting

    assert asyncio.run(tell()) == 10


def test_a_hub_that_closes_sends_everybody_away(site: RunningGateway) -> None:
    """When the process stops, all streams end and no new one opens."""

    async def closed() -> bool:
        hub = Hub(site.gateway.pool, site.gateway.site.uris)
        client = Client(None)
        hub.join(client)
        hub.close()
        return await client.next() is None and client.closed

    assert site.run(closed())
