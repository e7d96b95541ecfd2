"""The members of another server's collection, within bounds that its server does not set."""

from shared.protocol.identifiers import same_origin
from shared.protocol.reader import read_collection
from shared.resolution.errors import IdMismatch
from shared.resolution.fetching import Fetcher


async def members(fetcher: Fetcher, uri: str, *, pages: int, most: int) -> tuple[str, ...]:
    """Return ids of members, each once, in the order they come; raises Rejected or Unavailable.

    Pages are followed on the collection's own origin only, none twice. What is there beyond the bounds is
    not looked at: a collection may claim to be endless.

    Args:
        fetcher: Asks the server.
        uri: The collection.
        pages: Documents to read after the first.
        most: Members to return.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    address = uri
    while address and address not in seen and len(seen) <= pages and len(found) < most:
        seen.add(address)
        response = await fetcher.document(address)
        if not same_origin(response.url, uri):
            raise IdMismatch(f"{uri[:200]} leads to {response.url[:200]}")
        part = read_collection(response.body)
        found.update(dict.fromkeys(part.items))
        address = part.following if same_origin(part.following, uri) else ""
    return tuple(found)[:most]
