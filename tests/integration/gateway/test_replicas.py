"""Several gateways over one broker and database: what is written through one is streamed by the other.

The writer's gateway and the builder are processes of their own; the listeners are at a gateway in this one.
"""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from mastodon import Mastodon

from services.platform_gateway.streaming.hub import HUB
from shared.protocol.activities import Activity
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.objects import Mention
from shared.queue.connection import connect
from shared.queue.live import LiveListener
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED
from tests.builders import parsed
from tests.infrastructure import eventually
from tests.integration.gateway.remote_rows import remote_actor
from tests.integration.gateway.running import SECRET, RunningGateway, running_gateway
from tests.integration.gateway.test_process import start, status_of
from tests.integration.gateway.test_streaming import Listener, hears, socket
from tests.ports import free_port

WIDE = 2
"""Readers that make an author wide, here."""


class Replicas:
    """One gateway to listen at, and where to write: another one.

    Args:
        here: Where clients listen.
        there: The origin under which the other one answers.
        broker_url: What both speak through.
    """

    def __init__(self, here: RunningGateway, there: str, broker_url: str) -> None:
        self.here = here
        self._there = there
        self._broker_url = broker_url

    def writer(self, name: str) -> Mastodon:
        """Return Mastodon.py at the other gateway."""
        return Mastodon(
            access_token=self.here.token(name), api_base_url=self._there, ratelimit_method="throw"
        )

    def arrives(self, *activities: Activity) -> None:
        """Have activities of other servers come to the builder, as the verifier passes them on."""
        self.here.run(self._arrive([parsed.accepted(activity) for activity in activities]))

    async def _arrive(self, items: list[AcceptedActivity]) -> None:
        async with connect(self._broker_url, "test", [ACTIVITY_ACCEPTED]) as broker:
            await broker.wait_until_up()
            await Publisher(broker).publish(ACTIVITY_ACCEPTED, Codec(AcceptedActivity), items)

    def follow(self, follower: str, *names: str) -> None:
        """Have somebody follow others through the other gateway, and wait until it counts."""
        client = self.writer(follower)
        for name in names:
            client.account_follow(self.here.author(name).id)
        followed = "SELECT count(*) FROM follows WHERE follower_id = $1 AND state = 1"
        reader = self.here.author(follower).id
        self.here.run(
            eventually(lambda: self._is(followed, reader, len(names)), f"{follower} to follow", seconds=60)
        )

    async def _is(self, query: str, argument: int, wanted: int) -> bool:
        return bool(await self.here.gateway.pool.fetchval(query, argument) == wanted)

    @contextmanager
    def heard(self, opens: Callable[[Listener], Any]) -> Iterator[Listener]:
        """Open a stream of Mastodon.py and return once the gateway knows of it."""
        hub, listener = self.here.app[HUB], Listener()
        before = hub.clients
        handle = opens(listener)
        self.here.run(eventually(lambda: bool(hub.clients - before), "the stream to open"))
        try:
            yield listener
        finally:
            handle.close()


@contextmanager
def _process(service: str, **environ: str) -> "Iterator[subprocess.Popen[str]]":
    process = start(service, **environ)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def replicas(database_url: str, broker_url: str) -> Iterator[Replicas]:
    """Yield two gateways and a builder."""
    with ExitStack() as stack:
        here = stack.enter_context(running_gateway(database_url, {"HEDDLE_FAN_OUT_LIMIT": str(WIDE)}))
        stopping = asyncio.Event()
        listener = LiveListener(broker_url, "test", here.app[HUB].show)

        async def listen() -> "asyncio.Task[None]":
            task = asyncio.create_task(listener.run(stopping))
            await asyncio.wait_for(listener.listening.wait(), 60)
            return task

        async def stop(task: "asyncio.Task[None]") -> None:
            stopping.set()
            await task

        listening = here.run(listen())
        stack.callback(lambda: here.run(stop(listening)))
        port, ops, building = free_port(), free_port(), free_port()
        shared = {
            "ORIGIN": here.origin,
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "SECRET_KEY": SECRET,
            "ALLOW_PRIVATE_PEERS": "true",
            "FAN_OUT_LIMIT": str(WIDE),
        }
        gateway = shared | {"LISTEN": f"127.0.0.1:{port}", "OPS_LISTEN": f"127.0.0.1:{ops}"}
        stack.enter_context(_process("platform_gateway", **gateway))
        stack.enter_context(_process("timeline_builder", **shared, OPS_LISTEN=f"127.0.0.1:{building}"))
        for one in (ops, building):
            assert status_of(f"http://127.0.0.1:{one}/readyz", 200) == 200
        yield Replicas(here, f"http://127.0.0.1:{port}", broker_url)


def _update(listener: Listener) -> int:
    kind, status = listener.next()
    assert kind == "update"
    return int(status.id)


def test_every_stream_of_one_hears_what_is_written_through_the_other(replicas: Replicas) -> None:
    """Own, public, local, hashtag and list streams each show a post, over SSE and over one WebSocket."""
    here = replicas.here
    for name in ("reader", "author"):
        here.account(name)
    replicas.follow("reader", "author")
    reader = here.client("reader")
    listed = reader.list_create("some")
    reader.list_accounts_add(listed.id, here.author("author").id)
    streams: list[Callable[[Listener], Any]] = [
        lambda heard: reader.stream_user(heard, run_async=True),
        lambda heard: reader.stream_public(heard, run_async=True),
        lambda heard: reader.stream_local(heard, run_async=True),
        lambda heard: reader.stream_hashtag("loom", heard, run_async=True),
        lambda heard: reader.stream_list(listed.id, heard, run_async=True),
    ]
    wishes = [
        {"stream": "public"},
        {"stream": "public:local"},
        {"stream": "hashtag", "tag": "loom"},
        {"stream": "list", "list": str(listed.id)},
    ]
    with ExitStack() as stack:
        listeners = [stack.enter_context(replicas.heard(opens)) for opens in streams]

        async def written() -> tuple[int, set[tuple[str, ...]]]:
            async with socket(here, "reader", "?stream=user") as opened:
                for wish in wishes:
                    await opened.send_json({"type": "subscribe", **wish})
                await opened.send_json({"type": "subscribe", "stream": "nonsense"})
                assert (await hears(opened))["status"] == 400  # so the wishes before it are met
                post = await asyncio.to_thread(replicas.writer("author").status_post, "hello #loom")
                messages = [await hears(opened) for _ in range(1 + len(wishes))]
            assert {int(json.loads(one["payload"])["id"]) for one in messages} == {int(post.id)}
            return int(post.id), {tuple(one["stream"]) for one in messages}

        post, over_socket = asyncio.run(written())
        assert [_update(listener) for listener in listeners] == [post] * len(streams)
        of_list = ("list", str(listed.id))
        assert over_socket == {("user",), ("public",), ("public:local",), ("hashtag", "loom"), of_list}


def test_posts_of_other_servers_and_notifications_reach_both(replicas: Replicas) -> None:
    """A remote post is shown on the remote stream and not on the local one; who is named in it is told."""
    here = replicas.here
    here.account("named")
    remote_actor(here, "edith", "away.example")
    edith, named = "https://away.example/users/edith", here.gateway.site.uris.actor(here.author("named").id)
    note = parsed.note(
        edith, mentions=(Mention(href=named, name="@named"),), cc=(f"{edith}/followers", named)
    )
    client = here.client("named")
    with (
        replicas.heard(lambda heard: client.stream_public(heard, remote=True, run_async=True)) as remote,
        replicas.heard(lambda heard: client.stream_local(heard, run_async=True)) as local,
        replicas.heard(lambda heard: client.stream_user(heard, run_async=True)) as own,
    ):
        replicas.arrives(parsed.create(note))
        post = _update(remote)
        kind, told = own.next()
        assert (kind, told.type, int(told.status.id)) == ("notification", "mention", post)
        after = replicas.writer("named").status_post("of this server")
        assert _update(local) == int(after.id)


def test_followers_of_wide_authors_hear_them_live(replicas: Replicas) -> None:
    """What stands in no home timeline is shown to those who read it there, at whichever gateway."""
    here = replicas.here
    for name in ("star", "one_fan", "other_fan"):
        here.account(name)
    for name in ("one_fan", "other_fan"):
        replicas.follow(name, "star")
    star, fan = replicas.writer("star"), here.client("one_fan")
    with replicas.heard(lambda heard: fan.stream_user(heard, run_async=True)) as own:
        posts = []
        for text in ("makes them wide", "is merged in"):
            posts.append(int(star.status_post(text).id))
            assert _update(own) == posts[-1]
    at_home = "SELECT count(*) FROM home_timeline WHERE account_id = $1 AND status_id = $2"
    found = [here.value(at_home, here.author("one_fan").id, post) for post in posts]
    assert found == [1, 0]


def test_filters_changed_through_one_are_told_at_the_other(replicas: Replicas) -> None:
    """Whoever changes what they filter at one gateway is told so on a stream of the other."""
    replicas.here.account("choosy")
    reader = replicas.here.client("choosy")
    with replicas.heard(lambda heard: reader.stream_user(heard, run_async=True)) as own:
        replicas.writer("choosy").create_filter_v2("Plot", ["home"], "warn", 3600, [{"keyword": "end"}])
        assert own.next() == ("filters_changed", None)
