"""Both lanes of the verifier and how they are put together."""

from services.signature_verifier.fast_lane import FastLane
from services.signature_verifier.judge import Judge
from services.signature_verifier.keyring import Keyring, Refetches
from services.signature_verifier.slow_lane import SlowLane
from services.signature_verifier.verdicts import Verdicts
from shared.database.pool import Pool
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import Codec, ReceivedRequest
from shared.queue.connection import Broker
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import INBOX_RECEIVED, INBOX_UNRESOLVED
from shared.resolution import DomainBlocks, Resolver

SLOW_AT_ONCE = 256
"""Requests in the slow lane at once; each holds its place for ten seconds at most."""

SLOW_BYTES = 8 << 20
"""Of their messages: each is held twice, as it came and as it was read."""


class Verifier:
    """Judges what comes to both queues.

    Args:
        pool: The database.
        publisher: For what goes on.
        resolver: Fetches keys and posts.
        uris: Who we are.
        blocks: Suspended domains.
    """

    def __init__(
        self, *, pool: Pool, publisher: Publisher, resolver: Resolver, uris: LocalUris, blocks: DomainBlocks
    ) -> None:
        judge, keyring, refetches = Judge(uris), Keyring(pool), Refetches()
        verdicts = Verdicts(pool, publisher)
        self.fast = FastLane(
            pool=pool,
            judge=judge,
            keyring=keyring,
            refetches=refetches,
            blocks=blocks,
            verdicts=verdicts,
            uris=uris,
        )
        self.slow = SlowLane(
            pool=pool,
            judge=judge,
            keyring=keyring,
            refetches=refetches,
            resolver=resolver,
            blocks=blocks,
            verdicts=verdicts,
            uris=uris,
        )

    def consumers(self, broker: Broker) -> tuple[BatchConsumer[ReceivedRequest], ...]:
        """Return the consumers of both queues, not started."""
        codec = Codec(ReceivedRequest)
        return (
            BatchConsumer(broker, INBOX_RECEIVED, codec, self.fast.judge),
            # One message at a time, many of them at once: who waits for a host holds one place.
            BatchConsumer(
                broker,
                INBOX_UNRESOLVED,
                codec,
                self.slow.resolve,
                gather=0.0,
                max_items=1,
                prefetch=SLOW_AT_ONCE,
                max_bytes=SLOW_BYTES,
                concurrency=SLOW_AT_ONCE,
            ),
        )
