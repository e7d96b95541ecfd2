"""Documents of which only the address is known: a post or an actor?"""

from shared.protocol.errors import Malformed
from shared.protocol.objects import ActorProfile, Note
from shared.protocol.reader.actors import ACTOR_TYPES, actor_from
from shared.protocol.reader.notes import POST_TYPES, note_of
from shared.protocol.reader.values import type_in
from shared.protocol.wire import decode


def read_object(document: bytes) -> Note | ActorProfile:
    """Read whatever an address led to; raises Malformed unless it is a post or an actor."""
    wire = decode(document)
    if type_in(wire, ACTOR_TYPES):
        return actor_from(wire)
    if type_in(wire, POST_TYPES):
        return note_of(wire)
    raise Malformed("neither a post nor an actor", reason="object_type")
