"""Votes of other servers in polls that were made here."""

from collections.abc import Sequence
from datetime import datetime

from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import edits, polls
from shared.database.polls import Vote
from shared.policy.polls import choice_of, counted, is_closed, may_choose
from shared.protocol.activities import Create
from shared.protocol.objects import Poll

Pair = tuple[int, int]
"""Who votes, and the post with the poll."""


async def apply(run: Run, works: Sequence[Work[Create]]) -> None:
    """Count votes: those of actors who may see the poll, while it lasts, each option once."""
    judged = [(work, pair) for work in works if (pair := _judge(run, work)) is not None]
    if not judged:
        return
    pairs = [pair for _, pair in judged]
    box = Box(
        await polls.lock(run.conn, [status for _, status in pairs]),
        await polls.votes_on(run.conn, pairs),
        await polls.admitted(run.conn, pairs),
    )
    for work, pair in judged:
        work.outcome = box.put(pair, work.activity.note.name, work.accepted.received_at)
    if box.votes:
        await polls.cast(run.conn, box.votes)
        changed = {vote.status_id for vote in box.votes}
        await edits.refresh_polls(run.conn, [(status, box.polls[status]) for status in sorted(changed)])


class Box:
    """The ballot box of one run.

    Args:
        polls: By post.
        earlier: What has been chosen before.
        admitted: Who may see what, and so vote.
    """

    def __init__(
        self, polls: dict[int, Poll], earlier: dict[Pair, frozenset[int]], admitted: set[Pair]
    ) -> None:
        self.polls = polls
        self.votes: list[Vote] = []
        self._chosen = dict(earlier)
        self._admitted = admitted

    def put(self, pair: Pair, option: str, at: datetime) -> Outcome:
        """Take a vote, or say why not; `at` is when it was received."""
        actor, status = pair
        poll = self.polls.get(status)
        choice = None if poll is None else choice_of(poll, option)
        if poll is None or choice is None:
            return Outcome.UNKNOWN_OBJECT
        before = self._chosen.get(pair, frozenset())
        if pair not in self._admitted or is_closed(poll, at) or not may_choose(poll, before, choice):
            return Outcome.NOT_PERMITTED
        self.polls[status] = counted(poll, choice, new_voter=not before)
        self._chosen[pair] = before | {choice}
        self.votes.append(Vote(status_id=status, actor_id=actor, choice=choice))
        return Outcome.APPLIED


def _judge(run: Run, work: Work[Create]) -> Pair | None:
    note, who = work.activity.note, run.facts.actor(work.activity.actor)
    status = run.facts.posts.get(note.in_reply_to or "")
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif note.attributed_to != who.uri:
        work.outcome = Outcome.NOT_PERMITTED
    elif status is None or not status.local:
        work.outcome = Outcome.UNCONCERNED
    elif status.deleted_at is not None:
        work.outcome = Outcome.DELETED
    else:
        return who.id, status.id
    return None
