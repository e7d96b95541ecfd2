"""Who may see a post: facts about the one who looks go in, yes or no comes out."""

from msgspec import Struct

from shared.protocol.objects import Visibility


class Viewer(Struct, frozen=True, kw_only=True):
    """What the one who looks is to the post and its author; the defaults are those of a stranger.

    `follows` means accepted by the author; `blocked` means by the author, or that the viewer's whole server
    is suspended here.
    """

    is_author: bool = False
    follows: bool = False
    mentioned: bool = False
    blocked: bool = False


STRANGER = Viewer()
"""Somebody who is not signed in, or an unsigned fetch."""


def may_see(visibility: Visibility, viewer: Viewer) -> bool:
    """Tell whether the viewer may see a post of this visibility."""
    if viewer.is_author:
        return True
    if viewer.blocked:
        return False
    match visibility:
        case Visibility.PUBLIC | Visibility.UNLISTED:
            return True
        case Visibility.FOLLOWERS:
            return viewer.follows or viewer.mentioned
        case Visibility.DIRECT:
            return viewer.mentioned


def may_boost(visibility: Visibility, viewer: Viewer) -> bool:
    """Tell whether the viewer may share a post: what is open to all, or one's own for followers."""
    if visibility in {Visibility.PUBLIC, Visibility.UNLISTED}:
        return may_see(visibility, viewer)
    return visibility is Visibility.FOLLOWERS and viewer.is_author
