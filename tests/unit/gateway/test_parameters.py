"""Request parameters: names as Rails nests them, values as their types want them."""

from typing import Any

import pytest
from msgspec import Struct, field

from services.platform_gateway.errors import ApiError
from services.platform_gateway.parameters import Id, convert, nested


class Inner(Struct, kw_only=True):
    """A nested object."""

    privacy: str = ""
    sensitive: bool = False


class Form(Struct, kw_only=True):
    """One field of each kind."""

    text: str = ""
    flag: bool = False
    number: int | None = None
    identifier: Id | None = None
    words: list[str] = []
    ids: list[Id] = []
    rows: list[Inner] = []
    source: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ("pairs", "tree"),
    [
        ([("a", "1")], {"a": "1"}),
        ([("a", "1"), ("a", "2")], {"a": "2"}),
        ([("a[]", "1"), ("a[]", "2")], {"a": ["1", "2"]}),
        ([("a[b]", "1"), ("a[c]", "2")], {"a": {"b": "1", "c": "2"}}),
        ([("a[0][b]", "1"), ("a[1][b]", "2")], {"a": {"0": {"b": "1"}, "1": {"b": "2"}}}),
        ([("a", "1"), ("a[b]", "2")], {"a": {"b": "2"}}),
        ([("a[b]", "1"), ("a", "2")], {"a": "2"}),
        ([("", "1"), ("[", "2"), ("]", "3")], {"": "3"}),
    ],
)
def test_names_nest(pairs: list[tuple[str, str]], tree: dict[str, Any]) -> None:
    """Brackets make lists and objects; the last of contradicting names counts."""
    assert nested(pairs) == tree


@pytest.mark.parametrize(
    ("tree", "form"),
    [
        ({}, Form()),
        ({"text": None, "flag": None, "number": "", "words": None}, Form()),
        ({"flag": "True"}, Form(flag=True)),
        ({"flag": "on"}, Form(flag=True)),
        ({"flag": "0"}, Form()),
        ({"flag": ""}, Form()),
        ({"number": "12"}, Form(number=12)),
        ({"number": -3}, Form(number=-3)),
        ({"text": 5}, Form(text="5")),
        ({"words": "one"}, Form(words=["one"])),
        ({"ids": ["1", 2]}, Form(ids=[1, 2])),
        (
            {"rows": {"1": {"privacy": "b"}, "0": {"privacy": "a"}}},
            Form(rows=[Inner(privacy="a"), Inner(privacy="b")]),
        ),
        ({"source": {"sensitive": "1"}}, Form(source=Inner(sensitive=True))),
        ({"unknown": "ignored"}, Form()),
    ],
)
def test_values_fit_their_types(tree: dict[str, Any], form: Form) -> None:
    """Forms know only text, clients differ in what they send: all of it means the same."""
    assert convert(tree, Form) == form


@pytest.mark.parametrize(
    ("tree", "status"),
    [
        ({"number": "many"}, 422),
        ({"flag": "perhaps"}, 422),
        ({"identifier": -1}, 422),
        ({"identifier": 1 << 63}, 422),
        ({"identifier": 10**40}, 422),
        ({"text": ["a"]}, 422),
        ({"source": "a"}, 422),
        ({"text": "\0"}, 400),
        ({"source": {"\0": "a"}}, 400),
        ({"text": "\ud800"}, 400),
        ({"unknown": {"a": {"b": {"c": {"d": {"e": {"f": {"g": "deep"}}}}}}}}, 400),
        ({"text": "x" * 100_001}, 422),
    ],
)
def test_what_does_not_fit_is_refused(tree: dict[str, Any], status: int) -> None:
    """A value of the wrong kind is a 422 that names it, one that nobody could store a 400."""
    with pytest.raises(ApiError) as refused:
        convert(tree, Form)
    assert refused.value.status == status
