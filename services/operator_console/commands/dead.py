"""`heddle dead`: what could not be handled, and deliveries that were given up."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import msgspec
import typer

from services.operator_console.broker import items_of, open_broker
from services.operator_console.output import (
    AsJson,
    Row,
    as_row,
    console,
    note,
    print_json,
    print_record,
    print_rows,
)
from services.operator_console.session import (
    NotFound,
    Session,
    run_async,
    settings_for_commands,
    with_session,
)
from shared.database import delivery_reports
from shared.protocol.errors import Rejected
from shared.queue import dead_letters, topology
from shared.queue.connection import Broker
from shared.queue.dead_letters import DeadLetter
from shared.runtime.settings import Settings

T = TypeVar("T")

app = typer.Typer(help="What could not be handled: look, send again, throw away.", no_args_is_help=True)

DELIVERIES = "deliveries"
"""Stands for deliveries that were given up; they lie in the database, not in a queue."""

_COLUMNS = {
    "queue": "queue",
    "id": "id",
    "died_at": "when",
    "reason": "reason",
    "detail": "detail",
    "activities": "activities",
}

QueueName = Annotated[
    str, typer.Argument(metavar="QUEUE", help=f"The queue's name without .dead, or {DELIVERIES!r}.")
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this one; may be given more than once.")]
Reason = Annotated[str, typer.Option(help="Only those that died of this.")]
Host = Annotated[str, typer.Option(help=f"Of {DELIVERIES}: only those to this host.")]


class WrongQueue(Rejected):
    """There is no queue of this name."""

    reason = "wrong_queue"


@app.command("list")
def list_letters(
    queue: Annotated[str, typer.Argument(metavar="[QUEUE]", help="Only of this queue.")] = "",
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most this many of each queue.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the oldest first, and deliveries that were given up, the latest first."""
    if queue:
        _check(queue)
    rows: list[Row] = []
    if queue != DELIVERIES:
        rows += _with_broker(lambda broker: _letters(broker, queue, limit))
    if queue in {"", DELIVERIES}:
        rows += with_session(lambda session: _given_up(session, limit))
    print_rows(rows, _COLUMNS, as_json=as_json, empty="Nothing is dead.")


@app.command("show")
def show(
    queue: QueueName, letter_id: Annotated[str, typer.Argument(metavar="ID")], *, as_json: AsJson = False
) -> None:
    """Show one dead letter of a queue with all that it carries."""
    _check(queue, deliveries=False)
    letters = _with_broker(lambda broker: dead_letters.read(broker, queue, limit=_ALL))
    letter = next((letter for letter in letters if letter.id == letter_id), None)
    if letter is None:
        raise NotFound(f"{queue} has no dead letter {letter_id}")
    items = [msgspec.structs.asdict(item) for item in items_of(queue, letter.payload)]
    head = {key: value for key, value in as_row(letter).items() if key != "payload"}
    if as_json:
        print_json({**head, "items": items})
        return
    print_record(head, as_json=False)
    for item in items:
        console().print()
        print_record(item, as_json=False)


@app.command("replay")
def replay(queue: QueueName, *, ids: Ids = None, reason: Reason = "", host: Host = "") -> None:
    """Send dead letters on their way again: all of a queue, or those chosen."""
    _check(queue)
    if queue == DELIVERIES:
        if ids or reason:
            raise typer.BadParameter(f"{DELIVERIES} are chosen with --host")
        count = with_session(lambda session: _revive(session, host))
    else:
        count = _with_broker(
            lambda broker: dead_letters.replay(broker, queue, ids=ids, reason=reason or None)
        )
    note(f"{queue}: {count} sent on their way again")


@app.command("purge")
def purge(
    queue: QueueName,
    *,
    ids: Ids = None,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Throw dead letters of a queue away for good: all of them, or those chosen."""
    _check(queue, deliveries=False)
    if not yes:
        typer.confirm(f"Throw dead letters of {queue} away for good?", abort=True, err=True)
    count = _with_broker(lambda broker: dead_letters.purge(broker, queue, ids=ids, reason=reason or None))
    note(f"{queue}: {count} thrown away")


_ALL = 1_000_000


def _check(queue: str, *, deliveries: bool = True) -> None:
    """Refuse what is no queue (exit 2)."""
    known = [*topology.ALL_QUEUES, *([DELIVERIES] if deliveries else [])]
    if queue not in known:
        raise typer.BadParameter(f"{queue!r} is not one of {', '.join(known[:4])}, … {known[-1]}")


def _with_broker(work: Callable[[Broker], Awaitable[T]]) -> T:
    async def run(settings: Settings) -> T:
        async with open_broker(settings) as broker:
            return await work(broker)

    return run_async(run(settings_for_commands(need=("broker_url",))))


async def _letters(broker: Broker, queue: str, limit: int) -> list[Row]:
    counts = await dead_letters.counts(broker, [queue] if queue else topology.ALL_QUEUES)
    letters = [letter for name in counts for letter in await dead_letters.read(broker, name, limit=limit)]
    return [_row(letter) for letter in letters]


def _row(letter: DeadLetter) -> Row:
    return {
        "queue": letter.queue,
        "id": letter.id,
        "died_at": letter.died_at,
        "reason": letter.reason,
        "detail": letter.detail,
        "activities": _names(letter),
        "trace": letter.trace,
    }


def _names(letter: DeadLetter) -> Sequence[str]:
    return [f"{item.type} {item.activity}" for item in items_of(letter.queue, letter.payload)]


async def _given_up(session: Session, limit: int) -> list[Row]:
    async with session.pool.acquire() as conn:
        found = await delivery_reports.dead_deliveries(conn, limit=limit)
    return [
        {
            "queue": DELIVERIES,
            "id": one.inbox,
            "died_at": one.updated_at.isoformat(timespec="seconds"),
            "reason": one.reason,
            "detail": f"{one.attempts} attempts" + (f", last answer {one.status}" if one.status else ""),
            "activities": [f"{one.activity_type} {one.activity_uri}"],
            "trace": "",
        }
        for one in found
    ]


async def _revive(session: Session, host: str) -> int:
    async with session.pool.acquire() as conn:
        return await delivery_reports.revive(conn, host=host.lower(), limit=_ALL)
