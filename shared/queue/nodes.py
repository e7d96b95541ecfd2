"""The nodes of a cluster: several URLs in one setting, separated by commas, each good for the same broker."""

import random
import re
from collections.abc import Iterator

_NEXT = re.compile(r"\s*,\s*(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)


def nodes_of(urls: str) -> list[str]:
    """Return the URLs in a list of them; a comma inside of one, in a password for instance, stays there."""
    return [url.strip() for url in _NEXT.split(urls) if url.strip(" ,")]


def around(urls: str) -> Iterator[tuple[str, bool]]:
    """Yield one node after the other for ever, and whether it closes a round.

    It begins anywhere, so that many clients spread over a cluster.
    """
    nodes = nodes_of(urls)
    place = random.randrange(len(nodes))
    ring = nodes[place:] + nodes[:place]
    while True:
        for number, node in enumerate(ring, 1):
            yield node, number == len(ring)
