"""An activity that is about to be planned: who sends it, whom it is meant for, and the bytes that go out."""

from collections.abc import Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from services.fanout_deliverer.plan import Audience, audience_of, passed_on, recall_only, sender_of
from services.fanout_deliverer.relays import Relays
from services.fanout_deliverer.signers import Signers
from shared.database import audience, blocks, follower_digests
from shared.database.audience import Sender
from shared.database.delivery_plans import SentActivity
from shared.database.pool import Connection
from shared.protocol.activities import type_name
from shared.protocol.errors import Rejected
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity
from shared.signatures.proofs import add_proof

log = structlog.get_logger(__name__)


class SenderUnknown(Rejected):
    """The actor of an activity to be sent is none of ours."""

    reason = "sender_unknown"


class Draft(Struct, frozen=True):
    """What is sent, by whom, and to whom."""

    sent: SentActivity
    sender: Sender
    reach: Audience


class Drafting:
    """Makes drafts.

    Args:
        signers: Their keys make the integrity proofs.
        uris: Who we are.
    """

    def __init__(self, signers: Signers, uris: LocalUris) -> None:
        self._signers = signers
        self._uris = uris
        self._relays = Relays()

    async def drafts(self, conn: Connection, items: Sequence[AcceptedActivity]) -> list[Draft | None]:
        """Return the draft of each activity, None where it may not leave; raises SenderUnknown."""
        senders = await audience.senders(conn, {sender_of(item) for item in items})
        await self._signers.load(conn, {sender.id for sender in senders.values()})
        return [await self._draft(conn, item, senders.get(sender_of(item))) for item in items]

    async def _draft(self, conn: Connection, item: AcceptedActivity, sender: Sender | None) -> Draft | None:
        if item.passed_on_by:
            return await _passed_on(conn, item, sender)
        if sender is None or not item.body:
            raise SenderUnknown(item.activity.actor[:200])
        reach = _reach(item, sender)
        if reach is None:
            return None
        relays = await self._relays.destinations(
            conn,
            item.activity,
            by_site=sender.uri == self._uris.instance_actor,
            federated=sender.federated and sender.active,
        )
        reach = replace(reach, also=tuple(relays))
        return _draft(item, sender, reach, item.body if reach.personal else self._proven(item, sender))

    def _proven(self, item: AcceptedActivity, sender: Sender) -> bytes:
        """Return an activity with a proof, so that it stands wherever it is passed on to (FEP-8b32).

        What concerns one other actor only is not passed on: there the signature of the request is enough.
        """
        prover = self._signers.prover(sender.id)
        # Dated as the activity, not now: planned again after a crash, it has to be the same bytes.
        return add_proof(
            item.body, key_id=prover.key_id, private_key=prover.private_key, created=item.received_at
        )


async def _passed_on(conn: Connection, item: AcceptedActivity, sender: Sender | None) -> Draft | None:
    """Return the draft of what somebody else said in answer to one of ours: unchanged, signed by ours."""
    if sender is None or not (sender.federated and sender.active):
        return None
    if await blocks.is_blocked(conn, sender.id, item.activity.actor):
        log.info("not_passed_on", trace=item.trace, activity=item.activity.id, reason="blocked")
        return None
    return _draft(item, sender, passed_on(item.activity), item.body)


def _draft(item: AcceptedActivity, sender: Sender, reach: Audience, body: bytes) -> Draft:
    sent = SentActivity(
        uri=item.activity.id,
        type=type_name(item.activity),
        actor_id=sender.id,
        subject=reach.subject,
        body=body,
        trace=item.trace,
        created_at=item.received_at,
    )
    return Draft(sent, sender, reach)


async def digests_for(conn: Connection, draft: Draft) -> dict[str, bytes]:
    """Return the digests of a sender's followers that are told along, by host (FEP-8fcf).

    Only what is for followers alone tells who they are, as everywhere in the field: a follower too many does
    harm there, and the digests of an author are read once for the whole plan.
    """
    return await follower_digests.by_host(conn, draft.sender.id) if draft.reach.closed else {}


def _reach(item: AcceptedActivity, sender: Sender) -> Audience | None:
    reach = audience_of(item.activity, sender.followers_uri)
    if sender.federated and sender.active:
        return reach
    limited = recall_only(reach)
    if limited is None:
        kind = type_name(item.activity)
        log.info("not_federated", trace=item.trace, activity=item.activity.id, type=kind)
    return limited
