"""`heddle prune`: posts of other servers that nobody here refers to, and deliveries settled for long."""

import time
from typing import Annotated

import typer

from services.operator_console.output import AsJson, Row, as_row, note, print_record
from services.operator_console.session import Session, with_session
from shared.database import pruning, retention
from shared.database.pruning import Unreferred
from shared.database.retention import FROM_THE_FIRST, Kept, LetGo
from shared.protocol.identifiers import id_at

BATCH = 500
_DAY = 86_400_000


def prune_store(
    *,
    days: Annotated[int, typer.Option(min=1, help="Only what is older than this many days.")] = 90,
    apply: Annotated[bool, typer.Option("--apply", help="Delete; without it they are only counted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count, or delete, old posts from elsewhere that nobody here refers to, and deliveries settled for long.

    Kept is what somebody here liked, boosted, answered, bookmarked, voted in, reported, is named in, was
    told of or has in a home timeline, and whatever a post that is kept answers or shares. Of deliveries it
    stays known whom they told, so that a deletion goes there; how long they are kept is a setting, and the
    timeline builder lets go of them by itself.
    """
    below = id_at(int(time.time() * 1000) - days * _DAY)

    async def work(session: Session) -> Row:
        found = await (_remove if apply else _count)(session, below)
        settled = await (_let_go if apply else _count_settled)(session)
        return {**as_row(found), **as_row(settled), "deleted": apply}

    print_record(with_session(work), as_json=as_json)
    if not apply:
        note("Nothing was deleted: run it with --apply. What only these refer to goes then too.")


async def _count(session: Session, below: int) -> Unreferred:
    async with session.pool.acquire() as conn:
        return await pruning.count(conn, 0, below)


async def _remove(session: Session, below: int) -> Unreferred:
    """Delete in small transactions, round by round: each frees what only the last one referred to."""
    gone = Unreferred()
    while True:
        removed = await _round(session, below)
        if removed == Unreferred():
            return gone
        gone += removed


async def _round(session: Session, below: int) -> Unreferred:
    gone, above = Unreferred(), 0
    while True:
        async with session.pool.acquire() as conn:
            removed, last = await pruning.remove(conn, above, below, BATCH)
        if last is None:
            return gone
        gone, above = gone + removed, last


async def _count_settled(session: Session) -> LetGo:
    async with session.pool.acquire() as conn:
        return await retention.count_due(conn, _kept(session))


async def _let_go(session: Session) -> LetGo:
    gone, following = LetGo(), FROM_THE_FIRST
    while True:
        some, more = await retention.let_go_of_some(session.pool, _kept(session), following)
        if more is None:
            return gone
        gone, following = gone + some, more


def _kept(session: Session) -> Kept:
    return Kept.for_days(session.settings.deliveries_kept, session.settings.receipts_kept)
