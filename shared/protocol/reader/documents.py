"""Documents of which only the address is known, posts or actors; and the stamps of quotes."""

from typing import Final

from shared.protocol.errors import Malformed
from shared.protocol.objects import ActorProfile, Note, QuoteAuthorization
from shared.protocol.reader.actors import ACTOR_TYPES, actor_from
from shared.protocol.reader.notes import POST_TYPES, note_of
from shared.protocol.reader.values import required_uri, type_in
from shared.protocol.wire import decode

_STAMP: Final = frozenset({"QuoteAuthorization"})


def read_quote_authorization(document: bytes) -> QuoteAuthorization:
    """Read a stamp (FEP-044f); raises Malformed."""
    wire = decode(document)
    if not type_in(wire, _STAMP):
        raise Malformed("no QuoteAuthorization", reason="object_type")
    return QuoteAuthorization(
        id=required_uri(wire, "id"),
        attributed_to=required_uri(wire, "attributedTo"),
        quoting=required_uri(wire, "interactingObject"),
        quoted=required_uri(wire, "interactionTarget"),
    )


def read_object(document: bytes) -> Note | ActorProfile:
    """Read whatever an address led to; raises Malformed unless it is a post or an actor."""
    wire = decode(document)
    if type_in(wire, ACTOR_TYPES):
        return actor_from(wire)
    if type_in(wire, POST_TYPES):
        return note_of(wire)
    raise Malformed("neither a post nor an actor", reason="object_type")
