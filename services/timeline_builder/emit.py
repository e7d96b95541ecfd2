"""Activities that the pipeline itself decides to send; they leave through the outbox."""

from datetime import UTC, datetime

from services.timeline_builder.effects import Run
from shared.database.outbox import OutboxMessage
from shared.database.standing import Standing
from shared.protocol.activities import Accept, Activity, Follow, Reject, Undo
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.writer.activities import write_activity
from shared.queue.topology import FANOUT_PLAN

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


def _send(run: Run, activity: Activity, trace: str) -> None:
    item = AcceptedActivity(
        activity=activity,
        local=True,
        received_at=datetime.now(UTC),
        trace=trace,
        body=write_activity(activity),
    )
    run.send(OutboxMessage(queue=FANOUT_PLAN, payload=_codec.encode([item])))
