"""inbox-receiver: remote servers post here."""

from services.inbox_receiver.blocklist import Blocklist
from services.inbox_receiver.journal import Journal
from services.inbox_receiver.rate import RateLimit
from services.inbox_receiver.receiver import Receiver, count_taken_in
from services.inbox_receiver.server import InboxServer
from shared.protocol.messages import Codec, ReceivedRequest
from shared.queue.connection import connect
from shared.queue.gathering import GatheringPublisher
from shared.queue.publisher import Publisher
from shared.queue.topology import INBOX_RECEIVED
from shared.runtime.context import Context
from shared.runtime.http import serve
from shared.runtime.service import run

NAME = "inbox-receiver"
CONFIRM_TIMEOUT = 3.0
"""Seconds until an unconfirmed activity is answered with 503; senders give up after about ten."""


async def main(context: Context) -> None:
    """Take in requests until told to stop."""
    settings = context.settings
    async with (
        connect(settings.broker_url, NAME) as broker,
        Blocklist(settings.database_url) as blocklist,
        Journal(settings.database_url) as journal,
    ):
        context.ready.add("broker", broker.check)
        publisher = GatheringPublisher(
            Publisher(broker, timeout=CONFIRM_TIMEOUT),
            INBOX_RECEIVED,
            Codec(ReceivedRequest),
            confirmed=count_taken_in,
        )
        rate = RateLimit(exempt=settings.allow_private_peers)
        await serve(context, InboxServer(Receiver(publisher, blocklist, rate, journal)))


if __name__ == "__main__":
    run(NAME, main, need=("origin", "database_url", "broker_url", "listen"))
