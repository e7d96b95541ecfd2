"""Who may see and share a post."""

import pytest

from shared.policy.visibility import STRANGER, Viewer, may_boost, may_see
from shared.protocol.objects import Visibility

_AUTHOR, _FOLLOWER = Viewer(is_author=True), Viewer(follows=True)
_MENTIONED, _BLOCKED = Viewer(mentioned=True), Viewer(follows=True, mentioned=True, blocked=True)


@pytest.mark.parametrize(
    ("visibility", "seen_by"),
    [
        (Visibility.PUBLIC, [STRANGER, _FOLLOWER, _MENTIONED, _AUTHOR]),
        (Visibility.UNLISTED, [STRANGER, _FOLLOWER, _MENTIONED, _AUTHOR]),
        (Visibility.FOLLOWERS, [_FOLLOWER, _MENTIONED, _AUTHOR]),
        (Visibility.DIRECT, [_MENTIONED, _AUTHOR]),
    ],
)
def test_post_is_seen_by_those_it_is_for(visibility: Visibility, seen_by: list[Viewer]) -> None:
    """Each visibility lets in exactly those it names, and a blocked one never."""
    everybody = [STRANGER, _FOLLOWER, _MENTIONED, _AUTHOR, _BLOCKED]
    assert [viewer for viewer in everybody if may_see(visibility, viewer)] == seen_by


def test_only_open_posts_are_shared_by_others() -> None:
    """What is for followers is shared by its author alone, what is direct by nobody."""
    assert may_boost(Visibility.PUBLIC, STRANGER)
    assert may_boost(Visibility.UNLISTED, _FOLLOWER)
    assert not may_boost(Visibility.PUBLIC, _BLOCKED)
    assert not may_boost(Visibility.FOLLOWERS, _FOLLOWER)
    assert may_boost(Visibility.FOLLOWERS, _AUTHOR)
    assert not may_boost(Visibility.DIRECT, _AUTHOR)
