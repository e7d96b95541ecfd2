"""Looking for the words of filters."""

import pytest

from services.platform_gateway.rendering.filtering import contains


@pytest.mark.parametrize(
    ("needle", "text", "whole", "found"),
    [
        ("loom", "a loom.", True, True),
        ("loom", "bloom loom", True, True),
        ("loom", "bloom and looms", True, False),
        ("loom", "bloom", False, True),
        (".*", "anything", False, False),
        ("(a+)+$", "so it is (a+)+$ then", True, True),
        ("#loom", "x#loom", True, True),
        ("c++", "c++11", True, True),
        ("織機", "この織機は", False, True),
    ],
)
def test_where_a_word_is_found(needle: str, text: str, whole: bool, found: bool) -> None:
    """A word is found as it is written, a whole one not inside of others; nothing in it is a pattern."""
    assert contains(text, needle, whole_word=whole) is found
