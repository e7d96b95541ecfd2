"""Signed posts as they wait in the verifier's queue, made in processes of their own, cheaply.

A signature of RSA costs the sender twenty times what one of Ed25519 does, and a million of them a quarter of
an hour. So one host of ten signs as Mastodon does (draft-cavage-12 with RSA), the others by RFC 9421 with
Ed25519. The verifier judges each of them.
"""

import asyncio
import multiprocessing
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from http import HTTPMethod
from typing import Final

from msgspec import Struct

from services.load_generator import keys as rings
from services.load_generator.population import Population, SimulatedActor
from shared.database import keys
from shared.database.keys import NewKey
from shared.protocol.messages import MAX_ITEMS, Codec, ReceivedRequest
from shared.protocol.objects import PublicKey
from shared.queue.publisher import encode_batches
from shared.signatures.form import signed_headers
from shared.signatures.keys import KeyPair, generate_ed25519, load_private
from shared.signatures.request import Scheme
from shared.signatures.sign import SentHeaders, sign_request
from shared.signatures.verify import read_signature
from shared.telemetry.logging import new_trace
from tests.bench.cases.inbound import Creates
from tests.bench.posting import Activity
from tests.bench.surroundings import Surroundings

TOGETHER: Final = 8 * MAX_ITEMS
"""Posts that one call makes; a few such calls are all that is in memory."""

PROCESSES: Final = 2
RSA_EVERY: Final = 10
"""Of so many hosts one signs with RSA."""


class Senders(Struct, frozen=True, kw_only=True):
    """Who writes to whom, and with which keys; `port` is where the simulated hosts are."""

    inbox: str
    hosts: int
    actors_per_host: int
    port: int
    rsa: list[rings.KeyPair]
    ed25519: KeyPair

    def creates(self) -> Creates:
        """Return what makes the posts."""
        ring = rings.KeyRing(self.rsa)
        return Creates(
            Population(hosts=self.hosts, actors_per_host=self.actors_per_host, port=self.port, keys=ring)
        )

    def signs_with_rsa(self, actor: SimulatedActor) -> bool:
        """Tell which of the two ways an actor's host signs."""
        return int(actor.host[1:].partition(".")[0]) % RSA_EVERY == 0

    def received(self, activity: Activity) -> ReceivedRequest:
        """Return an activity, signed now, as the receiver queues it."""
        actor, activity_id, body = activity
        now = datetime.now(UTC)
        headers = tuple((name.lower(), value) for name, value in self._sign(actor, body, now))
        return ReceivedRequest(
            method=HTTPMethod.POST,
            target="/inbox",
            headers=signed_headers(headers, read_signature(headers)),
            body=body,
            received_at=now,
            trace=new_trace(),
            activity_id=activity_id,
            activity_type="Create",
            actor=actor.uri,
        )

    def _sign(self, actor: SimulatedActor, body: bytes, now: datetime) -> SentHeaders:
        if self.signs_with_rsa(actor):
            scheme, key_id = Scheme.CAVAGE, actor.key_id
            private = self.rsa[actor.number % len(self.rsa)].private_der
        else:
            scheme, key_id, private = Scheme.RFC9421, ed25519_key_id(actor), self.ed25519.private
        return sign_request(
            scheme, "POST", self.inbox, body, key_id=key_id, private_key=load_private(private), now=now
        )


def ed25519_key_id(actor: SimulatedActor) -> str:
    """Return the id of the key with which an actor signs by RFC 9421."""
    return f"{actor.uri}#ed25519-key"


def senders_of(around: Surroundings) -> Senders:
    """Return the simulated actors of a site's surroundings, with a new key of Ed25519 for all of them."""
    population = around.population
    return Senders(
        inbox=f"{around.site.origin}/inbox",
        hosts=population.hosts,
        actors_per_host=population.actors_per_host,
        port=population.port,
        rsa=[population.keys.pair(number) for number in range(len(population.keys))],
        ed25519=generate_ed25519(),
    )


async def introduce(around: Surroundings, senders: Senders) -> None:
    """Have the site know the Ed25519 keys of all actors that it knows already."""
    rows = await around.connection.fetch("SELECT id, uri FROM actors WHERE NOT local")
    ids = {row["uri"]: row["id"] for row in rows}
    new = []
    for actor in map(around.population.actor, range(len(around.population))):
        pair = senders.ed25519
        key = PublicKey(id=ed25519_key_id(actor), owner=actor.uri, algorithm=pair.algorithm, der=pair.public)
        new.append(NewKey(key=key, actor_id=ids[actor.uri]))
    await keys.store(around.connection, new)


async def messages(senders: Senders, numbers: range) -> AsyncIterator[list[bytes]]:
    """Yield the posts with these numbers, in order, some messages at a time."""
    chunks = iter([numbers[start : start + TOGETHER] for start in range(0, len(numbers), TOGETHER)])
    loop = asyncio.get_running_loop()
    spawn = multiprocessing.get_context("spawn")
    under_way: deque[asyncio.Future[list[bytes]]] = deque()
    with ProcessPoolExecutor(PROCESSES, spawn, initializer=_set_up, initargs=(senders,)) as pool:
        while True:
            while len(under_way) <= PROCESSES and (chunk := next(chunks, None)) is not None:
                under_way.append(loop.run_in_executor(pool, _make, chunk))
            if not under_way:
                return
            yield await under_way.popleft()


_senders: Senders | None = None


def _set_up(senders: Senders) -> None:
    global _senders  # noqa: PLW0603 - what a process of the pool works with
    _senders = senders


def _make(numbers: Sequence[int]) -> list[bytes]:
    if _senders is None:
        raise RuntimeError("this process was not set up")
    return encode_batches(Codec(ReceivedRequest), [*_requests(_senders, numbers)])


def _requests(senders: Senders, numbers: Sequence[int]) -> Iterator[ReceivedRequest]:
    creates = senders.creates()
    for number in numbers:
        yield senders.received(creates.numbered(number))
