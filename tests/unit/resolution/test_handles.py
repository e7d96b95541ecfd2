"""Handles and what documents may claim."""

import pytest

from shared.protocol.reader import WebFinger
from shared.remote.errors import ConnectFailed
from shared.resolution.errors import BadHandle
from shared.resolution.handles import Handle, domain_of, read_handle, webfinger_url
from shared.resolution.trust import is_at, same_site, trusted
from tests.builders import parsed

NORA = "https://social.birch.example/users/nora"


@pytest.mark.parametrize("text", ["nora@birch.example", "@nora@birch.example", "acct:nora@Birch.example"])
def test_handles_are_read_as_people_write_them(text: str) -> None:
    """A handle is read with or without its first @ and its scheme; the host has no case."""
    assert read_handle(text) == Handle("nora", "birch.example")


@pytest.mark.parametrize("text", ["nora", "@nora", "nora@", "no ra@birch.example", "nora@a/b", "a@b@c"])
def test_what_is_no_handle_is_refused(text: str) -> None:
    """What is not a name and a host is refused."""
    with pytest.raises(BadHandle):
        read_handle(text)


def test_webfinger_query_cannot_be_broken_out_of() -> None:
    """No name adds anything to the query it is put into."""
    url = webfinger_url("https", Handle("a&b=c", "birch.example"))
    assert url == "https://birch.example/.well-known/webfinger?resource=acct:a%26b%3Dc@birch.example"


@pytest.mark.parametrize(
    ("claimed", "answers", "domain"),
    [
        ("birch.example", {"birch.example": ("nora@birch.example", NORA)}, "birch.example"),
        ("", {"social.birch.example": ("nora@birch.example", NORA)}, "social.birch.example"),
        (
            "",
            {
                "social.birch.example": ("nora@birch.example", NORA),
                "birch.example": ("nora@birch.example", NORA),
            },
            "birch.example",
        ),
        ("victim.example", {"victim.example": ("nora@victim.example", "https://x.example/1")}, ""),
        ("victim.example", {}, ""),
        ("", {"social.birch.example": ("boss@social.birch.example", NORA)}, ""),
    ],
)
async def test_handle_has_to_lead_back(
    claimed: str, answers: dict[str, tuple[str, str]], domain: str
) -> None:
    """A handle is an actor's own only if its host, and the host that one points to, lead to the actor."""

    async def ask(handle: Handle) -> WebFinger:
        if handle.host not in answers:
            raise ConnectFailed(handle.host)
        subject, uri = answers[handle.host]
        return WebFinger(subject=f"acct:{subject}", actor_uri=uri)

    profile = parsed.profile(NORA, acct_domain=claimed)
    assert await domain_of(profile, ask) == (domain or "social.birch.example")


def test_claims_about_others_are_left_out() -> None:
    """A profile keeps what is on its own domain; collections and inboxes elsewhere are not its to name."""
    profile = parsed.profile(
        NORA,
        shared_inbox="https://victim.example/inbox",
        followers="https://victim.example/users/boss/followers",
        featured="https://birch.example/featured",
    )
    kept = trusted(profile)
    assert (kept.shared_inbox, kept.followers, kept.featured) == ("", "", "https://birch.example/featured")
    assert kept.inbox == profile.inbox


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://birch.example/1", "https://birch.example/2", True),
        ("https://a.birch.example/1", "https://birch.example/2", True),
        ("https://xbirch.example/1", "https://birch.example/2", False),
        ("https://a.example/1", "https://b.example/2", False),
        ("", "", False),
    ],
)
def test_domains_are_compared_by_whole_labels(one: str, other: str, same: bool) -> None:
    """A domain and its subdomains are one site; names that merely end alike are not."""
    assert same_site(one, other) is same


def test_id_is_compared_with_where_the_document_was() -> None:
    """Spelling does not count between an id and its URL, everything else does."""
    assert is_at("https://Birch.example/users/nora", "https://birch.example/users/nora")
    assert not is_at("https://birch.example/users/nora", "https://birch.example/users/Nora")
    assert not is_at("http://birch.example/users/nora", "https://birch.example/users/nora")
