"""Flag: what another server reports about people here."""

from collections.abc import Sequence
from typing import Final

from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import domain_blocks, reports
from shared.database.reports import NewReport
from shared.database.standing import Standing
from shared.policy.moderation import blocked
from shared.protocol.activities import Flag
from shared.protocol.identifiers import host_of

MAX_OPEN: Final = 200
"""Unresolved reports of one actor; what comes on top would only bury the others."""


async def apply(run: Run, works: Sequence[Work[Flag]]) -> None:
    """Store a report for each person here whom a Flag names, or whose posts it names."""
    unheard = await domain_blocks.rejecting_reports(run.conn)
    judged = [(work, who) for work in works if (who := _judge(run, work, unheard)) is not None]
    if not judged:
        return
    open_now = await reports.open_by(run.conn, [who.id for _, who in judged])
    new: list[NewReport] = []
    for work, who in judged:
        found = _reports(run, work.activity, who)
        number = open_now.get(who.id, 0) + len(found)
        if not found:
            work.outcome = Outcome.UNCONCERNED
        elif number > MAX_OPEN:
            work.outcome = Outcome.NOT_PERMITTED
        else:
            open_now[who.id] = number
            new += found
    await reports.insert(run.conn, new)


def _judge(run: Run, work: Work[Flag], unheard: frozenset[str]) -> Standing | None:
    who = run.facts.actor(work.activity.actor)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif blocked(host_of(who.uri), unheard):
        work.outcome = Outcome.BLOCKED
    else:
        return who
    return None


def _reports(run: Run, flag: Flag, who: Standing) -> list[NewReport]:
    posts = [post for uri in flag.objects if (post := run.facts.posts.get(uri)) is not None and post.local]
    people = [actor.id for uri in flag.objects if (actor := run.facts.actor(uri)) and _is_person(run, actor)]
    return [
        NewReport(
            id=run.site.ids.next(),
            uri=flag.id,
            local=False,
            actor_id=who.id,
            target_id=target_id,
            status_uris=tuple(post.uri for post in posts if post.actor_id == target_id),
            comment=flag.content,
        )
        for target_id in dict.fromkeys((*people, *(post.actor_id for post in posts)))
    ]


def _is_person(run: Run, actor: Standing) -> bool:
    return actor.local and actor.uri != run.site.uris.instance_actor
