"""Activities that the pipeline itself decides to send; they leave through the outbox."""

import hashlib
from datetime import UTC, datetime

from services.timeline_builder.effects import Run
from shared.actions.site import Site
from shared.database.document_posts import DocumentPost
from shared.database.outbox import OutboxMessage
from shared.database.standing import Standing
from shared.protocol.activities import (
    Accept,
    AcceptQuote,
    Activity,
    Follow,
    QuoteRequest,
    Reject,
    RejectQuote,
    Undo,
    UpdateNote,
)
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.writer.activities import write_activity
from shared.queue.topology import FANOUT_PLAN
from shared.telemetry.logging import new_trace

_codec = Codec(AcceptedActivity)


def accept_follow(run: Run, followee: Standing, follower: Standing, follow_uri: str, trace: str) -> None:
    """Tell a remote follower that they were let in."""
    answer = Accept(
        id=run.site.uris.activity(run.site.ids.next()),
        actor=followee.uri,
        to=(follower.uri,),
        follow_id=follow_uri,
        follower=follower.uri,
        followee=followee.uri,
    )
    _send(run, answer, trace)


def reject_follow(run: Run, followee: Standing, follower: Standing, follow_uri: str, trace: str) -> None:
    """Tell a remote follower that they were turned away, or are no follower any more."""
    answer = Reject(
        id=run.site.uris.activity(run.site.ids.next()),
        actor=followee.uri,
        to=(follower.uri,),
        follow_id=follow_uri,
        follower=follower.uri,
        followee=followee.uri,
    )
    _send(run, answer, trace)


def follow(run: Run, follower: Standing, followee: Standing, follow_uri: str, trace: str) -> None:
    """Ask a remote account in the name of somebody here to be followed."""
    asked = Follow(id=follow_uri, actor=follower.uri, to=(followee.uri,), object=followee.uri)
    _send(run, asked, trace)


def undo_follow(run: Run, follower: Standing, followee: Standing, follow_uri: str, trace: str) -> None:
    """Tell a remote account that somebody here no longer follows it."""
    undo = Undo(
        id=run.site.uris.activity(run.site.ids.next()),
        actor=follower.uri,
        to=(followee.uri,),
        undone_id=follow_uri,
        undone_type="Follow",
        object=followee.uri,
    )
    _send(run, undo, trace)


def accept_quote(run: Run, author: str, asked: QuoteRequest, stamp: str, trace: str) -> None:
    """Tell who asked to quote a post of somebody here that they may."""
    answer = AcceptQuote(
        id=run.site.uris.activity(run.site.ids.next()),
        actor=author,
        to=(asked.actor,),
        request_id=asked.id,
        requester=asked.actor,
        object=asked.object,
        quoting=asked.quoting,
        stamp=stamp,
    )
    _send(run, answer, trace)


def reject_quote(run: Run, author: str, asked: QuoteRequest, trace: str) -> None:
    """Tell who asked to quote a post of somebody here that they may not."""
    answer = RejectQuote(
        id=run.site.uris.activity(run.site.ids.next()),
        actor=author,
        to=(asked.actor,),
        request_id=asked.id,
        requester=asked.actor,
        object=asked.object,
        quoting=asked.quoting,
    )
    _send(run, answer, trace)


def update_of_post(site: Site, post: DocumentPost) -> OutboxMessage:
    """Return the message that tells other servers how a local post stands, though nobody edited it."""
    now = datetime.now(UTC)
    update = UpdateNote(
        id=site.uris.update(post.id, int(now.timestamp() * 1000)),
        actor=post.note.attributed_to,
        to=post.note.to,
        cc=post.note.cc,
        published=now,
        note=post.note,
    )
    body = write_activity(update)
    item = AcceptedActivity(
        activity=update,
        local=True,
        received_at=now,
        trace=new_trace(),
        digest=hashlib.sha256(body).digest()[:16],
        body=body,
    )
    return OutboxMessage(queue=FANOUT_PLAN, payload=_codec.encode([item]))


def _send(run: Run, activity: Activity, trace: str) -> None:
    item = AcceptedActivity(
        activity=activity,
        local=True,
        received_at=datetime.now(UTC),
        trace=trace,
        body=write_activity(activity),
    )
    run.send(OutboxMessage(queue=FANOUT_PLAN, payload=_codec.encode([item])))
