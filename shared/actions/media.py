"""Pictures of one's own: keeping them, and hanging them on posts."""

import secrets
from collections.abc import Sequence
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from shared.actions.errors import NotThere
from shared.actions.site import Site
from shared.database import media
from shared.database.authors import Author
from shared.database.media import MediaFile, MediaRow
from shared.database.pool import Connection
from shared.protocol.errors import Rejected
from shared.protocol.objects import Attachment

MAX_ATTACHMENTS: Final = 4
MAX_DESCRIPTION: Final = 1500
MAX_LOOSE: Final = 100
"""Pictures of one account that nothing shows; they go after a day."""

ORIGINAL, PREVIEW = "original", "preview"


class BadMedia(Rejected):
    """These pictures cannot hang on this post."""

    reason = "bad_media"


class Description(Struct, frozen=True, kw_only=True):
    """What is said anew of a picture; the rest stays."""

    id: int
    text: str | UnsetType = UNSET
    focus: tuple[float, float] | UnsetType | None = UNSET


class Picture(MediaFile, frozen=True, kw_only=True):
    """A picture that is safe to show; sizes in pixels."""

    width: int
    height: int
    blurhash: str
    preview: MediaFile


async def keep(
    conn: Connection,
    site: Site,
    author: Author,
    picture: Picture,
    *,
    description: str = "",
    focus: tuple[float, float] | None = None,
) -> MediaRow:
    """Keep a picture and return what is known of it; call it inside a transaction. Raises BadMedia."""
    _check(description)
    if await media.loose_of(conn, author.id) >= MAX_LOOSE:
        raise BadMedia("Too many pictures that are not on any post")
    row = MediaRow(
        id=site.ids.next(),
        account_id=author.id,
        token=secrets.token_urlsafe(18),
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        blurhash=picture.blurhash,
        description=description,
        focus=focus,
    )
    await media.insert(conn, row, [picture, picture.preview])
    return row


async def say(conn: Connection, author: Author, descriptions: Sequence[Description]) -> None:
    """Describe pictures of the author's anew; call it inside a transaction. Raises NotThere, BadMedia."""
    for said in descriptions:
        row = await own(conn, author, said.id)
        text = row.description if said.text is UNSET else said.text
        _check(text)
        await media.describe(conn, row.id, text, row.focus if said.focus is UNSET else said.focus)


def _check(description: str) -> None:
    if len(description) > MAX_DESCRIPTION:
        raise BadMedia(f"Description is too long (maximum is {MAX_DESCRIPTION} characters)")


async def own(conn: Connection, author: Author, media_id: int) -> MediaRow:
    """Return a picture of the author's own; raises NotThere."""
    found = await media.of_account(conn, author.id, [media_id])
    if media_id not in found:
        raise NotThere("Record not found")
    return found[media_id]


async def hang(
    conn: Connection, site: Site, author: Author, ids: Sequence[int], status_id: int
) -> tuple[Attachment, ...]:
    """Hang pictures on a post and return them in their order; call it inside a transaction.

    Raises:
        BadMedia: There are too many, or one of them is another's, or on another post, or nowhere.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return ()
    if len(wanted) > MAX_ATTACHMENTS:
        raise BadMedia(f"Cannot attach more than {MAX_ATTACHMENTS} files")
    found = await media.of_account(conn, author.id, wanted)
    if any(one not in found or found[one].status_id not in {None, status_id} for one in wanted):
        raise BadMedia("Media is not there, or on another post")
    await media.attach(conn, wanted, status_id)
    return tuple(attachment(site, found[one]) for one in wanted)


def attachment(site: Site, row: MediaRow) -> Attachment:
    """Return a picture as posts carry it."""
    return Attachment(
        url=address(site, row, ORIGINAL),
        media_type=row.media_type,
        description=row.description,
        width=row.width,
        height=row.height,
        blurhash=row.blurhash,
        focus=row.focus,
        id=row.id,
        preview=address(site, row, PREVIEW),
    )


def address(site: Site, row: MediaRow, variant: str) -> str:
    """Return where a file of a picture is served."""
    suffix = row.media_type.partition("/")[2]
    return site.uris.media(row.token, variant, suffix if variant == ORIGINAL else "")
