"""Inbox forwarding: our followers see what is said to them in answer to a post of ours (ActivityPub 7.1.2).

Servers that the author of a reply has never heard of learn of it from us: the activity as it came, to the
followers of whoever is answered. Its edits and its end follow it to wherever it was passed on.
"""

from services.timeline_builder.effects import Run
from services.timeline_builder.work import Work
from shared.database.outbox import OutboxMessage
from shared.database.statuses import StatusRow
from shared.protocol.activities import Create, Delete, UpdateNote
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.objects import Note, Visibility
from shared.queue.topology import FANOUT_PLAN

_codec = Codec(AcceptedActivity)


def reply(run: Run, work: Work[Create] | Work[UpdateNote]) -> None:
    """Pass a reply on that was seen for the first time, if it is meant for the followers of one of ours.

    That is so where it answers a post of ours that is no secret, and names our author's followers.
    """
    note = work.activity.note
    answered = run.facts.posts.get(note.in_reply_to or "")
    if work.local or not work.accepted.body or answered is None or not answered.local:
        return
    if answered.deleted_at is not None or answered.visibility is Visibility.DIRECT:
        return
    if run.site.uris.followers(answered.actor_id) in _addressed(work, note):
        _send(run, work.accepted, answered.actor_id)


def end(run: Run, work: Work[Delete], status: StatusRow) -> None:
    """Pass the end of a reply on: it goes to whoever was passed the reply, and to nobody else.

    Only with its author's proof; without one nobody can believe us.
    """
    if not work.local and work.accepted.body and status.in_reply_to_actor_id is not None:
        _send(run, work.accepted, status.in_reply_to_actor_id)


def _addressed(work: Work[Create] | Work[UpdateNote], note: Note) -> set[str]:
    return {*work.activity.to, *work.activity.cc, *note.to, *note.cc}


def _send(run: Run, accepted: AcceptedActivity, actor_id: int) -> None:
    item = AcceptedActivity(
        activity=accepted.activity,
        local=False,
        received_at=accepted.received_at,
        trace=accepted.trace,
        body=accepted.body,
        passed_on_by=run.site.uris.actor(actor_id),
    )
    run.send(OutboxMessage(queue=FANOUT_PLAN, payload=_codec.encode([item])))
