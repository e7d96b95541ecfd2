"""`heddle delivery`: where a post arrived."""

import re
from collections import Counter
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from services.operator_console.output import AsJson, note, plain, print_json, print_table
from services.operator_console.session import NotFound, Session, with_session
from shared.database import delivery_reports, retention
from shared.database.deliveries import State
from shared.database.delivery_reports import DeliveryReport, SentReport
from shared.database.document_posts import post_by_id
from shared.protocol.local_uris import LocalUris

_PAGE = re.compile(r"/@[^/]+/(\d{1,19})/?$")


class Found(Struct):
    """A post and all that was sent about it; `let_go` counts inboxes of which only that is known still."""

    post: str
    let_go: int
    sent: list[SentReport]
    deliveries: list[DeliveryReport]


def show_delivery(
    post: Annotated[str, typer.Argument(metavar="POST", help="Its id, its URI or the address of its page.")],
    *,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again now what is parked or was given up.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show where a post of this site went: each server's state, attempts, last answer, next try."""
    found = with_session(lambda session: _find(session, post, retry=retry))
    if as_json:
        print_json(_document(found))
        return
    if found.let_go:
        note(f"{found.let_go} inboxes were told so long ago that no more is known of it.")
    elif not found.sent:
        note("Nothing was sent to other servers about this post.")
    for one in found.sent:
        _print(one, [each for each in found.deliveries if each.activity_uri == one.activity_uri])


async def _find(session: Session, post: str, *, retry: bool) -> Found:
    uris = session.site.uris
    status_id = _status_id(uris, post.strip())
    async with session.pool.acquire() as conn:
        known = None if status_id is None else await post_by_id(conn, status_id)
        if known is None:
            raise NotFound(f"there is no post {post} of this site")
        if retry:
            async with conn.transaction():
                note(f"{await delivery_reports.retry(conn, known.note.id)} deliveries are tried now.")
        return Found(
            known.note.id,
            await retention.count_told(conn, known.note.id),
            await delivery_reports.sent_about(conn, known.note.id),
            await delivery_reports.deliveries_about(conn, known.note.id),
        )


def _status_id(uris: LocalUris, post: str) -> int | None:
    """Return the number of the post that an id, a URI or a page's address names."""
    if post.isascii() and post.isdigit():
        return int(post[:19])
    page = _PAGE.search(post) if uris.is_local(post) else None
    return int(page[1]) if page else uris.status_id(post)


def _document(found: Found) -> dict[str, object]:
    return {
        "post": found.post,
        "let_go": found.let_go,
        "activities": [_activity(found, one) for one in found.sent],
    }


def _activity(found: Found, one: SentReport) -> dict[str, object]:
    """Return an activity with its deliveries: `states` sums to `total`, final once `planned_at` is set."""
    own = [each for each in found.deliveries if each.activity_uri == one.activity_uri]
    states = Counter(each.state for each in own)
    return {
        **msgspec.structs.asdict(one),
        "total": len(own),
        "states": {state.name.lower(): states[state] for state in State},
        "deliveries": [plain(msgspec.structs.asdict(each)) for each in own],
    }


def _print(one: SentReport, deliveries: list[DeliveryReport]) -> None:
    states = Counter(each.state for each in deliveries)
    summary = ", ".join(f"{states[state]} {state.name.lower()}" for state in State if states[state])
    of_all = f" of {len(deliveries)}" if deliveries else ""
    note(f"{one.type} {one.activity_uri}: {summary or 'no recipients'}{of_all}")
    if not deliveries:
        return
    rows = [
        {
            "host": each.host,
            "state": each.state,
            "attempts": each.attempts,
            "status": each.status,
            "reason": each.reason,
            "next_try_at": each.next_try_at,
            "updated_at": each.updated_at,
        }
        for each in deliveries
    ]
    print_table(rows, ["host", "state", "attempts", "answer", "reason", "next try", "last change"])
