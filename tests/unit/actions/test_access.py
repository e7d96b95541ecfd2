"""Scopes and passwords."""

import pytest

from shared.actions.passwords import DUMMY, WeakPassword, hash_password, verify
from shared.actions.scopes import InvalidScope, covers, covers_all, parse_scopes


@pytest.mark.parametrize(
    ("granted", "needed", "allowed"),
    [
        ("read", "read:statuses", True),
        ("read:statuses", "read:statuses", True),
        ("read:statuses", "read:accounts", False),
        ("read:statuses", "read", False),
        ("read", "write:statuses", False),
        ("follow", "write:follows", True),
        ("follow", "read:mutes", True),
        ("follow", "write:statuses", False),
        ("profile", "read:accounts", False),
    ],
)
def test_what_a_scope_contains(granted: str, needed: str, allowed: bool) -> None:
    """A scope contains itself and its parts; `follow` the parts about follows, blocks and mutes."""
    assert covers(parse_scopes(granted), needed) is allowed


def test_scopes_are_read_once_each() -> None:
    """Scopes are separated by spaces, keep their order, and stand for `read` where none are given."""
    assert parse_scopes(" write  read write ") == ("write", "read")
    assert parse_scopes("") == ("read",)
    with pytest.raises(InvalidScope):
        parse_scopes("read admin:write")


def test_nothing_is_granted_beyond_what_is_held() -> None:
    """All wanted scopes have to be held, whole or as a part."""
    assert covers_all(("read", "write:statuses"), ("read:accounts", "write:statuses"))
    assert not covers_all(("read", "write:statuses"), ("read", "write"))


def test_passwords_are_hashed_and_checked() -> None:
    """A password fits its own hash only; one that is too short or endless is refused."""
    hashed = hash_password("correct horse")
    assert verify(hashed, "correct horse")
    assert not verify(hashed, "correct horsE")
    for weak in ("short", "x" * 257):
        with pytest.raises(WeakPassword):
            hash_password(weak)


def test_no_account_takes_as_long_as_a_wrong_password() -> None:
    """The stand-in for an account that does not exist costs what a real hash costs, and fits nothing."""
    assert DUMMY.split("$")[:4] == hash_password("correct horse").split("$")[:4]
    assert not verify(DUMMY, "correct horse")
    assert not verify("", "")
