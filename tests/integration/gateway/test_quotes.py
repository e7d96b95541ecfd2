"""Quotes of other servers in the client API."""

from shared.protocol.objects import Visibility
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def quoting(site: RunningGateway, actor_id: int, uri: str, text: str = "look at this") -> int:
    """Store a remote post that quotes another; return its id."""
    post = remote_post(site, actor_id, text)
    site.execute("UPDATE statuses SET quote_uri = $2 WHERE id = $1", post, uri)
    return post


def uri_of(site: RunningGateway, post: int) -> str:
    """Return the URI of a post."""
    return str(site.value("SELECT uri FROM statuses WHERE id = $1", post))


def test_quoted_post_is_shown_inside(site: RunningGateway) -> None:
    """A quoted post that is here stands inside the other, as the viewer sees it; what it quotes does not."""
    edith = remote_actor(site, "edith", "quotes.example")
    inner = remote_post(site, edith, "first")
    middle = quoting(site, edith, uri_of(site, inner))
    outer = quoting(site, edith, uri_of(site, middle))
    ada = site.client("ada")
    ada.status_favourite(middle)
    shown = ada.status(outer).quote
    assert (shown.state, int(shown.quoted_status.id)) == ("accepted", middle)
    assert shown.quoted_status.favourited
    assert shown.quoted_status.quote is None
    assert "RE:" not in ada.status(outer).content


def test_unknown_quoted_post_is_a_link(site: RunningGateway) -> None:
    """What is not here is linked to, once, and safely."""
    edith = remote_actor(site, "edith", "quotes.example")
    post = quoting(site, edith, 'https://far.example/1?"><script>')
    status = site.visitor().status(post)
    assert status.quote is None
    assert status.content.count("<a ") == 1
    assert "<script>" not in status.content
    said = quoting(site, edith, "https://far.example/2", 'RE: <a href="https://far.example/@x/2">x</a>')
    assert site.visitor().status(said).content.count("<a ") == 1


def test_quote_shows_nobody_what_they_may_not_see(site: RunningGateway) -> None:
    """A post for followers, or of somebody whom the viewer blocks, is not shown by quoting it."""
    edith = remote_actor(site, "edith", "quotes.example")
    rude = remote_actor(site, "rude", "quotes.example")
    private = remote_post(site, edith, "friends only", Visibility.FOLLOWERS)
    loud = remote_post(site, rude, "hear me")
    ada = site.client("ada")
    ada.account_block(rude)
    for hidden in (private, loud):
        status = ada.status(quoting(site, edith, uri_of(site, hidden)))
        assert status.quote is None
        assert "friends only" not in str(status)
        assert "hear me" not in str(status)
