"""The facts of the site that actions need."""

from dataclasses import dataclass

from shared.protocol.identifiers import IdGenerator
from shared.protocol.local_uris import LocalUris

FAN_OUT_LIMIT = 10_000
"""Home timelines that one author's posts are written into, unless the settings say otherwise."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """This site's URIs and the maker of its ids.

    An author whose post comes into `fan_out_limit` home timelines is a wide one: what they write from then
    on is merged into timelines when those are read.
    """

    uris: LocalUris
    ids: IdGenerator
    fan_out_limit: int = FAN_OUT_LIMIT
