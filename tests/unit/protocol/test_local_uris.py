"""Local URIs: built in one place, and recognised without being fooled."""

import pytest

from shared.protocol.local_uris import LocalUris

_URIS = LocalUris("https://loom.example", "example")


def test_paths_are_those_of_the_contract() -> None:
    """The paths that others may rely on do not change."""
    assert _URIS.actor(1) == "https://loom.example/users/1"
    assert _URIS.inbox(1) == "https://loom.example/users/1/inbox"
    assert _URIS.featured(1) == "https://loom.example/users/1/collections/featured"
    assert _URIS.featured_tags(1) == "https://loom.example/users/1/collections/tags"
    assert _URIS.shared_inbox == "https://loom.example/inbox"
    assert _URIS.instance_actor == "https://loom.example/actor"
    assert _URIS.status(7) == "https://loom.example/objects/7"
    assert _URIS.create(7) == "https://loom.example/objects/7/activity"
    assert _URIS.update(7, 12) == "https://loom.example/objects/7#updates/12"
    assert _URIS.delete(7) == "https://loom.example/objects/7#delete"
    assert _URIS.activity(9) == "https://loom.example/activities/9"
    assert _URIS.profile_page("ada") == "https://loom.example/@ada"
    assert _URIS.post_page("ada", 7) == "https://loom.example/@ada/7"
    assert _URIS.tag_page("編み") == "https://loom.example/tags/%E7%B7%A8%E3%81%BF"
    assert _URIS.acct("ada") == "ada@example"


def test_handles_carry_the_port_of_a_site_that_has_one() -> None:
    """Without an account domain the origin's host and port take its place."""
    assert LocalUris("http://loom.localhost:8080/").acct("ada") == "ada@loom.localhost:8080"


@pytest.mark.parametrize("number", [1, 2**41, 2**63 - 1])
def test_numbers_come_back(number: int) -> None:
    """What was built is taken apart again."""
    assert _URIS.actor_id(_URIS.actor(number)) == number
    assert _URIS.status_id(_URIS.status(number)) == number
    assert _URIS.status_id(_URIS.create(number)) == number
    assert _URIS.followers_of(_URIS.followers(number)) == number


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://loom.example/users/",
        "https://loom.example/users/1/",
        "https://loom.example/users/1#main-key",
        "https://loom.example/users/01",
        "https://loom.example/users/-1",
        "https://loom.example/users/1e3",
        "https://loom.example/users/\u0661",
        "https://loom.example/users/9223372036854775808",
        "https://loom.example/users/" + "9" * 5000,
        "http://loom.example/users/1",
        "https://loom.example:444/users/1",
        "https://loom.example.evil.example/users/1",
        "https://evil.example/https://loom.example/users/1",
    ],
)
def test_only_an_actors_own_id_is_one(uri: str) -> None:
    """Neighbours, foreign hosts and numbers beyond a bigint are no local actor."""
    assert _URIS.actor_id(uri) is None


def test_locality_is_a_matter_of_origin() -> None:
    """A URI is local by scheme, host and port, not by how it begins."""
    assert _URIS.is_local("https://loom.example/anything?x")
    assert _URIS.is_local("https://loom.example")
    assert not _URIS.is_local("https://loom.example.evil.example/users/1")
    assert not _URIS.is_local("https://loom.example@evil.example/users/1")
    assert not _URIS.is_local("https://loom.example:8443/users/1")
    assert not _URIS.is_local("http://loom.example/users/1")
