"""The Collection-Synchronization header (FEP-8fcf)."""

import hashlib

import pytest

from shared.protocol.synchronization import (
    NOBODY,
    Synchronization,
    digest_of,
    read_synchronization,
    write_synchronization,
)

_SAID = Synchronization(
    collection="https://testing.example.org/users/1/followers",
    url="https://testing.example.org/users/1/followers_synchronization",
    digest=bytes.fromhex("c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"),
)


def test_digest_is_that_of_the_specification() -> None:
    """The two followers that FEP-8fcf gives as its example have the digest that it gives, in any order."""
    followers = ["https://testing.example.org/users/1", "https://testing.example.org/users/2"]
    assert digest_of(followers) == digest_of(reversed(followers)) == _SAID.digest
    assert digest_of([]) == NOBODY
    assert digest_of(followers[:1]) == hashlib.sha256(followers[0].encode()).digest()


def test_what_is_written_is_read() -> None:
    """A header survives the way over the wire, whatever the order of its parts and the spaces between."""
    assert read_synchronization(write_synchronization(_SAID)) == _SAID
    parts = write_synchronization(_SAID).split(", ")
    assert read_synchronization(",".join(reversed(parts))) == _SAID


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        write_synchronization(_SAID) + ', url="https://elsewhere.example/"',
        write_synchronization(_SAID).replace("c33f", "c3"),
        write_synchronization(_SAID).replace("c33f", "zzzz"),
        write_synchronization(_SAID).replace("https://testing", "file://testing"),
        write_synchronization(_SAID) + " " * 9000,
    ],
)
def test_what_is_no_header_is_none(value: str) -> None:
    """A header that is not whole, or too long, says nothing."""
    assert read_synchronization(value) is None
