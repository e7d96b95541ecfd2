"""Quotes with consent (FEP-044f): whether the quoted author's own server says that it may be quoted."""

import structlog

from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import same_origin
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import Note
from shared.protocol.reader import read_quote_authorization
from shared.resolution.fetching import Fetcher

log = structlog.get_logger(__name__)


def is_stamped_elsewhere(note: Note, uris: LocalUris) -> bool:
    """Tell whether a post quotes another server's post and names a stamp of that server.

    Our own stamps are known without a fetch; one of a third server says nothing.
    """
    quoted, stamp = note.quote or "", note.quote_authorization
    return note.quote_consent and same_origin(stamp, quoted) and not uris.is_local(stamp)


async def bears_out(fetcher: Fetcher, note: Note, author: str | None) -> bool:
    """Fetch a post's stamp and tell whether it is for this quote, by the quoted author where they are known.

    Where they are not, anybody may speak whom their server lets speak at its address (FEP-fe34).
    """
    try:
        stamp = await fetcher.authentic(note.quote_authorization, read_quote_authorization)
    except (Rejected, Unavailable) as error:
        log.info("quote_not_confirmed", post=note.id, reason=error.reason)
        return False
    quoted = note.quote or ""
    by_author = stamp.attributed_to == author if author else same_origin(stamp.attributed_to, quoted)
    fits = by_author and (stamp.quoting, stamp.quoted) == (note.id, quoted)
    if not fits:
        log.info("quote_not_confirmed", post=note.id, reason="stamp_mismatch")
    return fits
