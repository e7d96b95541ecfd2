"""What of rendered posts the reader's filters match: marked after rendering, for those who have filters.

Looking for a word is a plain search in the casefolded text. Words, their length and the text that is
searched are bounded, and long lists let others run in between.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import structs

from services.platform_gateway.entities import timestamp
from services.platform_gateway.entities.filters import FilterResult, MatchedFilter
from services.platform_gateway.entities.statuses import Status
from shared.database import filters as table
from shared.database.authors import Author
from shared.database.filters import FilterRow
from shared.database.pool import Connection
from shared.protocol.text import plain_text

MOST_SEARCHED: Final = 20_000
"""Characters of a post that are searched."""

AT_ONCE: Final = 20
"""Posts that are searched before others may run."""


class Filters:
    """The filters of one reader.

    Args:
        rows: Those in force.
    """

    def __init__(self, rows: Sequence[FilterRow]) -> None:
        self._rows = [
            (matched_filter(row), {str(one.status_id) for one in row.posts}, _needles(row)) for row in rows
        ]
        self._dropping = {
            context: {str(row.id) for row in rows if row.irreversible and context in row.contexts}
            for context in ("home", "notifications")
        }

    async def mark(self, statuses: Iterable[Status]) -> None:
        """Write on posts, on what they share and what they quote, why they are filtered."""
        for count, status in enumerate(statuses, 1):
            self._mark(status)
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)

    def drops(self, status: Status, context: str, reader_id: int) -> bool:
        """Tell whether the reader is not even sent a marked post here; one's own are always shown."""
        dropping = self._dropping[context]
        if not dropping or not status.filtered or status.account.id == str(reader_id):
            return False
        return any(one.filter.id in dropping for one in status.filtered)

    def _mark(self, status: Status) -> None:
        shown = status.reblog or status
        shown.filtered = status.filtered = self._matches(shown, status.id)
        quoted = None if shown.quote is None else shown.quote.quoted_status
        if shown.quote is not None and quoted is not None:
            # A copy: where a post is rendered once for many, what it quotes is one and the same for all.
            marked = structs.replace(quoted, filtered=self._matches(quoted, quoted.id))
            shown.quote = structs.replace(shown.quote, quoted_status=marked)

    def _matches(self, status: Status, also: str) -> list[FilterResult]:
        text = _text(status) if any(needles for _, _, needles in self._rows) else ""
        found = []
        for entity, posts, needles in self._rows:
            words = [word for word, needle, whole in needles if contains(text, needle, whole_word=whole)]
            named = [one for one in dict.fromkeys((status.id, also)) if one in posts]
            if words or named:
                found.append(
                    FilterResult(filter=entity, keyword_matches=words or None, status_matches=named or None)
                )
        return found


async def filters_of(conn: Connection, reader: Author | None) -> Filters | None:
    """Return what a reader filters; None, without asking, for somebody who has no filters."""
    if reader is None or not reader.filtering:
        return None
    return Filters(await table.in_force(conn, [reader.id]))


async def mark_filtered(conn: Connection, reader: Author | None, statuses: Iterable[Status]) -> None:
    """Write on posts why the reader's filters match them."""
    filters = await filters_of(conn, reader)
    if filters is not None:
        await filters.mark(statuses)


async def without_dropped(
    conn: Connection, reader: Author, statuses: list[Status], context: str
) -> list[Status]:
    """Do the same, and return the posts without what the reader is not even sent."""
    filters = await filters_of(conn, reader)
    if filters is None:
        return statuses
    await filters.mark(statuses)
    return [one for one in statuses if not filters.drops(one, context, reader.id)]


def matched_filter(row: FilterRow) -> MatchedFilter:
    """Return a filter as it stands on what it matches."""
    return MatchedFilter(
        id=str(row.id),
        title=row.title,
        context=list(row.contexts),
        expires_at=None if row.expires_at is None else timestamp(row.expires_at),
        filter_action=row.action.name.lower(),
    )


def contains(text: str, needle: str, *, whole_word: bool) -> bool:
    """Tell whether a casefolded text holds a casefolded word or phrase.

    A whole word ends where a letter, digit or underscore meets something else; an end of the needle that
    is itself none of these may stand anywhere.
    """
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if not whole_word or not (
            (at > 0 and _wordy(text[at - 1]) and _wordy(needle[0]))
            or (end < len(text) and _wordy(text[end]) and _wordy(needle[-1]))
        ):
            return True
        at = text.find(needle, at + 1)
    return False


def _wordy(character: str) -> bool:
    return character.isalnum() or character == "_"


def _needles(row: FilterRow) -> list[tuple[str, str, bool]]:
    return [(one.keyword, one.keyword.casefold(), one.whole_word) for one in row.keywords]


def _text(status: Status) -> str:
    """Return all that can be read of a post, casefolded."""
    options = () if status.poll is None else (option.title for option in status.poll.options)
    described = (one.description for one in status.media_attachments if one.description)
    parts = (status.spoiler_text, plain_text(status.content), *options, *described)
    return "\n\n".join(parts)[:MOST_SEARCHED].casefold()
