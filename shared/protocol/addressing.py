"""Who a post is for: from the addresses on the wire to a visibility, and back (ActivityPub section 5.6)."""

from collections.abc import Collection, Iterable

from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Visibility


def visibility_of(to: Collection[str], cc: Collection[str], followers_uri: str) -> Visibility:
    """Return the visibility that the addresses mean, as every server of the field reads them.

    Args:
        to: Addresses in `to`, the public collection in its full form.
        cc: Addresses in `cc`.
        followers_uri: The author's followers collection; empty where it is not known.
    """
    if PUBLIC in to:
        return Visibility.PUBLIC
    if PUBLIC in cc:
        return Visibility.UNLISTED
    if followers_uri and (followers_uri in to or followers_uri in cc):
        return Visibility.FOLLOWERS
    return Visibility.DIRECT


def audience_for(
    visibility: Visibility, followers_uri: str, mention_uris: Iterable[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return `to` and `cc` of a local post."""
    mentioned = tuple(dict.fromkeys(mention_uris))
    match visibility:
        case Visibility.PUBLIC:
            return (PUBLIC,), (followers_uri, *mentioned)
        case Visibility.UNLISTED:
            return (followers_uri,), (PUBLIC, *mentioned)
        case Visibility.FOLLOWERS:
            return (followers_uri,), mentioned
        case Visibility.DIRECT:
            return mentioned, ()
