"""Which signature each server takes on a GET: learned at its door, and remembered."""

from collections import OrderedDict
from typing import TypeVar

from shared.protocol.identifiers import host_of
from shared.signatures.request import Scheme

T = TypeVar("T")

MAX_HOSTS = 16384


class Knocks:
    """Remembers, per host, which scheme it answered properly, and whether it has more to say at all.

    Args:
        size: How many hosts are remembered; those longest unasked are forgotten first.
    """

    def __init__(self, size: int = MAX_HOSTS) -> None:
        self._size = size
        self._taken: OrderedDict[str, Scheme] = OrderedDict()
        self._terse: OrderedDict[str, None] = OrderedDict()

    def order(self, url: str) -> tuple[Scheme, Scheme]:
        """Return the schemes in the order in which a URL's host is to be asked: draft-cavage first."""
        first = self._taken.get(host_of(url), Scheme.CAVAGE)
        return first, Scheme.RFC9421 if first is Scheme.CAVAGE else Scheme.CAVAGE

    def took(self, url: str, scheme: Scheme) -> None:
        """Note that a URL's host took a scheme after it had refused the other."""
        _put(self._taken, host_of(url), scheme, self._size)

    def is_terse(self, url: str) -> bool:
        """Tell whether a URL's host says as little of its actors whatever signature it gets."""
        return host_of(url) in self._terse

    def terse(self, url: str) -> None:
        """Note that either signature had the same few words for an answer."""
        _put(self._terse, host_of(url), None, self._size)


def _put(shelf: "OrderedDict[str, T]", host: str, value: T, size: int) -> None:
    shelf[host] = value
    shelf.move_to_end(host)
    while len(shelf) > size:
        shelf.popitem(last=False)
