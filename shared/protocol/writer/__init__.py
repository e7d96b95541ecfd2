"""The only writer of wire names: every document that leaves this site, as bytes of JSON.

Shapes are the ones that Mastodon, GoToSocial, Misskey, Takahē and Threads all accept: lists stay lists
with one entry, `@context` is always there, answers embed the whole Follow.
"""

from shared.protocol.writer.activities import write_activity
from shared.protocol.writer.actors import write_actor
from shared.protocol.writer.collections import write_collection, write_collection_page
from shared.protocol.writer.discovery import (
    write_host_meta,
    write_host_meta_json,
    write_nodeinfo,
    write_nodeinfo_links,
    write_server_webfinger,
    write_webfinger,
)
from shared.protocol.writer.media_types import ACTIVITY_JSON, JRD_JSON, LD_JSON, XRD_XML, nodeinfo_type
from shared.protocol.writer.notes import write_note, write_quote_authorization, write_tombstone

__all__ = [
    "ACTIVITY_JSON",
    "JRD_JSON",
    "LD_JSON",
    "XRD_XML",
    "nodeinfo_type",
    "write_activity",
    "write_actor",
    "write_collection",
    "write_collection_page",
    "write_host_meta",
    "write_host_meta_json",
    "write_nodeinfo",
    "write_nodeinfo_links",
    "write_note",
    "write_quote_authorization",
    "write_server_webfinger",
    "write_tombstone",
    "write_webfinger",
]
