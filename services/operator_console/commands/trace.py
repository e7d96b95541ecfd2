"""`heddle trace`: the whole way of one activity."""

from typing import Annotated

import msgspec
import typer

from services.operator_console.journey import Journey, journey_of
from services.operator_console.output import AsJson, note, plain, print_json, print_table
from services.operator_console.session import NotFound, Session, with_session


def show_trace(
    activity: Annotated[
        str,
        typer.Argument(
            metavar="ACTIVITY-ID",
            help="The activity's id, a URI, or the trace that a refused sender was told.",
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what an activity did here, why it was refused, and where it was sent."""

    async def work(session: Session) -> Journey:
        async with session.pool.acquire() as conn:
            return await journey_of(conn, activity.strip())

    journey = with_session(work)
    if not journey.known:
        raise NotFound(f"nothing is known of the activity {activity}")
    if as_json:
        print_json(_document(journey))
    else:
        _print(journey)


def _document(journey: Journey) -> dict[str, object]:
    return {
        "activity": journey.activity,
        "applied": journey.applied,
        "refused": journey.refused,
        "sent": journey.sent,
        "deliveries": [plain(msgspec.structs.asdict(each)) for each in journey.deliveries],
    }


def _print(journey: Journey) -> None:
    for claim in journey.applied:
        origin = "made here" if claim.local else f"from {claim.actor_uri}"
        seconds = (claim.applied_at - claim.received_at).total_seconds()
        note(f"{claim.type} {origin}: {claim.outcome} after {seconds:.2f} s (trace {claim.trace})")
    for refusal in journey.refused:
        note(f"refused by {refusal.stage}: {refusal.reason} {refusal.detail} (trace {refusal.trace})")
    if journey.sent is not None:
        planned = "planned" if journey.sent.planned_at else "being planned"
        note(f"{journey.sent.type} sent, {planned}, to {len(journey.deliveries)} inboxes")
    rows = [
        {
            "inbox": each.inbox,
            "state": each.state,
            "attempts": each.attempts,
            "status": each.status,
            "reason": each.reason,
            "next_try_at": each.next_try_at,
        }
        for each in journey.deliveries
    ]
    if rows:
        print_table(rows, ["inbox", "state", "attempts", "answer", "reason", "next try"])
