"""One transaction for each batch: claim what was not seen before, apply it, write what follows from it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from services.timeline_builder import facts
from services.timeline_builder.changes import Changes
from services.timeline_builder.effects import Run
from services.timeline_builder.handlers import (
    announce,
    answer,
    block,
    create,
    delete,
    feature,
    follow,
    like,
    move,
    profile,
    quote,
    report,
    undo,
    unsupported,
    update,
)
from services.timeline_builder.waves import STAGES, waves
from services.timeline_builder.work import AnyWork, Outcome, Work
from shared.actions.site import Site
from shared.database import claims
from shared.database.claims import Claim
from shared.database.counters import Counts
from shared.database.pool import Connection, Pool, by_index, unavailable_when_down
from shared.protocol.activities import (
    Accept,
    AcceptQuote,
    Add,
    Announce,
    Block,
    Create,
    Delete,
    EmojiReact,
    Flag,
    Follow,
    Like,
    Move,
    QuoteRequest,
    Reject,
    RejectQuote,
    Remove,
    Undo,
    UpdateActor,
    UpdateNote,
    type_name,
)
from shared.protocol.live import Live
from shared.protocol.messages import AcceptedActivity
from shared.telemetry import metrics
from shared.telemetry.logging import info_all

Handler = Callable[[Run, Sequence[Work[Any]]], Awaitable[None]]

HANDLERS: dict[type, Handler] = {
    UpdateActor: profile.apply,
    Follow: follow.apply,
    Accept: answer.apply,
    Reject: answer.apply,
    AcceptQuote: quote.apply_answers,
    RejectQuote: quote.apply_answers,
    QuoteRequest: quote.apply_requests,
    Create: create.apply,
    UpdateNote: update.apply,
    Like: like.apply,
    EmojiReact: like.apply,
    Announce: announce.apply,
    Add: feature.apply,
    Remove: feature.apply,
    Flag: report.apply,
    Block: block.apply,
    Undo: undo.apply,
    Move: move.apply,
    Delete: delete.apply,
}
"""Who applies what; every other type is `unsupported`."""


async def apply_batch(
    pool: Pool,
    site: Site,
    items: Sequence[AcceptedActivity],
    tell: Callable[[Live], None] | None = None,
) -> list[Outcome]:
    """Apply activities, each once however often it comes, and return what came of them.

    All or nothing: after an error no part of the batch has had an effect. Raises Unavailable where the
    database is away.

    Args:
        pool: The database.
        site: This site.
        items: What was accepted.
        tell: Is told after the commit what people who look on may be shown.
    """
    works, changes = [Work(item, item.activity) for item in items], Changes()
    with unavailable_when_down():
        async with pool.acquire() as conn, by_index(conn):
            fresh = await _claim(conn, works)
            if fresh:
                await _apply(conn, site, fresh, changes)
                await claims.note_outcomes(
                    conn, [(w.hash, w.outcome) for w in fresh if w.outcome is not Outcome.APPLIED]
                )
    if tell is not None:
        tell(changes.live())
    _report(works)
    return [work.outcome for work in works]


async def _claim(conn: Connection, works: Sequence[AnyWork]) -> list[AnyWork]:
    seen_first = await claims.claim(conn, [_claim_of(work) for work in works])
    fresh: list[AnyWork] = []
    for work in works:
        if work.hash in seen_first:
            seen_first.discard(work.hash)
            fresh.append(work)
        else:
            work.outcome = Outcome.REPEATED
    return fresh


def _claim_of(work: AnyWork) -> Claim:
    activity, accepted = work.activity, work.accepted
    return Claim(
        hash=work.hash,
        uri=activity.id,
        type=type_name(activity),
        actor_uri=activity.actor,
        trace=accepted.trace,
        local=accepted.local,
        received_at=accepted.received_at,
    )


async def _apply(conn: Connection, site: Site, works: Sequence[AnyWork], changes: Changes) -> None:
    counts = Counts()
    runs = waves(works)
    names = [facts.gather(run, site.uris) for run in runs]
    await facts.lock(conn, names)
    for named, wave in zip(names, runs, strict=True):
        run = Run(conn, site, await facts.load(conn, named), counts, changes)
        for handler, group in _by_handler(wave):
            await handler(run, group)
        await run.write()
    await counts.write(conn)


def _by_handler(works: Sequence[AnyWork]) -> list[tuple[Handler, list[AnyWork]]]:
    """Return the handlers that a run needs, in the order of their stages."""
    groups: dict[Handler, list[AnyWork]] = {HANDLERS[kind]: [] for kind in STAGES}
    groups[unsupported.apply] = []
    for work in works:
        groups[HANDLERS.get(type(work.activity), unsupported.apply)].append(work)
    return [(handler, group) for handler, group in groups.items() if group]


def _report(works: Sequence[AnyWork]) -> None:
    now = datetime.now(UTC)
    for (kind, outcome), number in Counter((type_name(w.activity), w.outcome) for w in works).items():
        metrics.activities_applied.labels(kind, outcome).inc(number)
    ages = [(now - w.accepted.received_at).total_seconds() for w in works if not w.accepted.local]
    metrics.inbound_latency.observe_all([max(age, 0.0) for age in ages])
    info_all(
        "activity_applied",
        [
            {
                "trace": work.accepted.trace,
                "activity": work.activity.id,
                "type": type_name(work.activity),
                "actor": work.activity.actor,
                "outcome": work.outcome,
            }
            for work in works
        ],
    )
