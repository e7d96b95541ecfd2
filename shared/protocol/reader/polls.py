"""Polls: a Question's options and when it ends (FEP-9967)."""

from datetime import datetime

from shared.protocol.objects import Poll, PollOption
from shared.protocol.reader import limits
from shared.protocol.reader.values import Wire, objects, string, time, whole
from shared.protocol.text.sanitise import clean_line


def read_poll(question: Wire) -> Poll | None:
    """Read the choices of a Question; None where it has none."""
    multiple = isinstance(question.get("anyOf"), list)
    choices = question.get("anyOf") if multiple else question.get("oneOf")
    options = tuple(_option(choice) for choice in objects(choices, limits.POLL_OPTIONS))
    if not options:
        return None
    ends_at = time(question.get("endTime"))
    return Poll(
        options=options,
        multiple=multiple,
        ends_at=ends_at,
        closed_at=_closed(question.get("closed"), ends_at),
        voters=whole(question.get("votersCount"), limits.VOTES),
    )


def _option(choice: Wire) -> PollOption:
    replies = choice.get("replies")
    votes = whole(replies.get("totalItems"), limits.VOTES) if isinstance(replies, dict) else None
    return PollOption(name=clean_line(string(choice.get("name")), limits.OPTION), votes=votes or 0)


def _closed(value: object, ends_at: datetime | None) -> datetime | None:
    # The vocabulary also allows a bare true (section 4 of ActivityStreams, `closed`).
    return ends_at if value is True else time(value)
