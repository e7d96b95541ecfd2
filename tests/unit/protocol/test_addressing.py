"""Golden vectors of visibility."""

import pytest

from shared.protocol.addressing import audience_for, visibility_of
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Visibility

_FOLLOWERS, _LINUS = "https://loom.example/users/1/followers", "https://mast.example/users/2"


@pytest.mark.parametrize(
    ("to", "cc", "visibility"),
    [
        ((PUBLIC,), (_FOLLOWERS,), Visibility.PUBLIC),
        ((PUBLIC,), (), Visibility.PUBLIC),
        ((_FOLLOWERS, PUBLIC), (), Visibility.PUBLIC),
        ((PUBLIC,), (PUBLIC,), Visibility.PUBLIC),
        ((_FOLLOWERS,), (PUBLIC,), Visibility.UNLISTED),
        ((), (PUBLIC,), Visibility.UNLISTED),
        ((_FOLLOWERS,), (), Visibility.FOLLOWERS),
        ((_LINUS,), (_FOLLOWERS,), Visibility.FOLLOWERS),
        ((_LINUS,), (), Visibility.DIRECT),
        ((), (_LINUS,), Visibility.DIRECT),
        ((), (), Visibility.DIRECT),
        (("https://else.example/followers",), (), Visibility.DIRECT),
    ],
)
def test_addresses_mean_a_visibility(
    to: tuple[str, ...], cc: tuple[str, ...], visibility: Visibility
) -> None:
    """The same addresses mean the same here as elsewhere."""
    assert visibility_of(to, cc, _FOLLOWERS) is visibility


def test_unknown_followers_make_a_post_direct() -> None:
    """Where the followers collection is not known, nothing leaks: the narrower reading counts."""
    assert visibility_of(("",), (), "") is Visibility.DIRECT
    assert visibility_of((_FOLLOWERS,), (), "") is Visibility.DIRECT


@pytest.mark.parametrize(
    ("visibility", "to", "cc"),
    [
        (Visibility.PUBLIC, (PUBLIC,), (_FOLLOWERS, _LINUS)),
        (Visibility.UNLISTED, (_FOLLOWERS,), (PUBLIC, _LINUS)),
        (Visibility.FOLLOWERS, (_FOLLOWERS,), (_LINUS,)),
        (Visibility.DIRECT, (_LINUS,), ()),
    ],
)
def test_visibility_becomes_addresses_and_back(
    visibility: Visibility, to: tuple[str, ...], cc: tuple[str, ...]
) -> None:
    """A local post is addressed so that everybody reads the visibility its author chose."""
    assert audience_for(visibility, _FOLLOWERS, [_LINUS, _LINUS]) == (to, cc)
    assert visibility_of(to, cc, _FOLLOWERS) is visibility
