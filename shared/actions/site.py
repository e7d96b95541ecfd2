"""The facts of the site that actions need."""

from dataclasses import dataclass

from shared.protocol.identifiers import IdGenerator
from shared.protocol.local_uris import LocalUris


@dataclass(frozen=True, kw_only=True)
class Site:
    """This site's URIs and the maker of its ids."""

    uris: LocalUris
    ids: IdGenerator
