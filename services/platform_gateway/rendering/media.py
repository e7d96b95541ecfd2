"""Media and polls of posts."""

from datetime import UTC, datetime

from services.platform_gateway.entities import timestamp
from services.platform_gateway.entities.statuses import (
    Focus,
    MediaAttachment,
    MediaMeta,
    Poll,
    PollChoice,
    Size,
)
from services.platform_gateway.rendering.accounts import emojis
from shared.database.api_statuses import StatusRow
from shared.protocol.objects import Attachment

_KINDS = {"image": "image", "video": "video", "audio": "audio"}


def attachments(status_id: int, rows: tuple[Attachment, ...]) -> list[MediaAttachment]:
    """Return the media of a post; the ids of those that lie elsewhere count within it."""
    return [
        attachment(str(row.id) if row.id else f"{status_id}{place:02d}", row)
        for place, row in enumerate(rows)
    ]


def attachment(identifier: str, row: Attachment) -> MediaAttachment:
    """Return one medium."""
    kind = _KINDS.get(row.media_type.partition("/")[0], "unknown")
    return MediaAttachment(
        id=identifier,
        type="gifv" if row.media_type == "image/gif" else kind,
        url=row.url,
        preview_url=row.preview or row.url,
        remote_url=None if row.id else row.url,
        meta=_meta(row),
        description=row.description or None,
        blurhash=row.blurhash or None,
    )


def _meta(row: Attachment) -> MediaMeta:
    original = None
    if row.width and row.height:
        original = Size(
            width=row.width,
            height=row.height,
            size=f"{row.width}x{row.height}",
            aspect=row.width / row.height,
        )
    return MediaMeta(original=original, focus=Focus(x=row.focus[0], y=row.focus[1]) if row.focus else None)


def poll(row: StatusRow) -> Poll | None:
    """Return the poll of a post, as its author's server last told it."""
    if row.poll is None:
        return None
    ends = row.poll.closed_at or row.poll.ends_at
    return Poll(
        id=str(row.id),
        expires_at=None if ends is None else timestamp(ends),
        expired=ends is not None and ends <= datetime.now(UTC),
        multiple=row.poll.multiple,
        votes_count=sum(option.votes for option in row.poll.options),
        voters_count=row.poll.voters,
        options=[PollChoice(title=option.name, votes_count=option.votes) for option in row.poll.options],
        emojis=emojis(row.emojis),
    )
