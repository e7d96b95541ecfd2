"""The only reader of wire names: lenient about shape, strict about ids, sizes and depth.

All text that leaves here is safe: HTML went through the allow-list, plain text lost its control
characters. Every function raises Malformed and nothing else, whatever the bytes.
"""

from shared.protocol.reader.activities import read_activity
from shared.protocol.reader.actors import read_actor
from shared.protocol.reader.collections import CollectionPart, read_collection
from shared.protocol.reader.discovery import WebFinger, read_nodeinfo, read_nodeinfo_links, read_webfinger
from shared.protocol.reader.documents import read_object, read_quote_authorization
from shared.protocol.reader.keys import KeyDocument, read_key_owner
from shared.protocol.reader.notes import read_note

__all__ = [
    "CollectionPart",
    "KeyDocument",
    "WebFinger",
    "read_activity",
    "read_actor",
    "read_collection",
    "read_key_owner",
    "read_nodeinfo",
    "read_nodeinfo_links",
    "read_note",
    "read_object",
    "read_quote_authorization",
    "read_webfinger",
]
