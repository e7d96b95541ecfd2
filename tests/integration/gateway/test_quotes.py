"""Quotes in the client API: of other servers, and with consent (FEP-044f)."""

import json
from typing import Any

import pytest
import requests
from mastodon import MastodonAPIError

from shared.database.quotes import QuoteState
from shared.policy.quotes import Circle, QuoteTerms
from shared.protocol.activities import Create, Delete, QuoteRequest
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Visibility
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway

AS2 = {"Accept": "application/activity+json"}


def call(site: RunningGateway, method: str, path: str, name: str, *, expect: int = 200, **data: str) -> Any:
    """Return what the API answers somebody who is signed in."""
    answer = requests.request(
        method, site.origin + path, headers=site.headers(name), data=data or None, timeout=20
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


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


def state_of(site: RunningGateway, post: int, state: QuoteState) -> None:
    """Have a post's quote be in this state."""
    site.execute("UPDATE quotes SET state = $2 WHERE quoting_uri = $1", uri_of(site, post), state)


def test_quote_of_a_post_here_holds_at_once(site: RunningGateway) -> None:
    """Who is allowed to quotes a post with a stamp that anybody can read, until the author takes it back."""
    ada, grace = site.client("ada"), site.client("grace")
    quoted = ada.status_post("quote me")
    with site.outbox() as sent:
        post = grace.status_post("look", quoted_status_id=quoted.id)
    assert (post.quote.state, post.quote.quoted_status.id) == ("accepted", quoted.id)
    note = next(one.item.activity for one in sent if isinstance(one.item.activity, Create)).note
    assert note.quote == quoted.uri
    stamp = requests.get(note.quote_authorization, headers=AS2, timeout=20).json()
    assert stamp["type"] == "QuoteAuthorization"
    assert stamp["attributedTo"] == ada.me().uri
    assert (stamp["interactingObject"], stamp["interactionTarget"]) == (post.uri, quoted.uri)
    assert ada.status(quoted.id).quotes_count == 1
    listed = call(site, "GET", f"/api/v1/statuses/{quoted.id}/quotes", "ada")
    assert [one["id"] for one in listed] == [str(post.id)]
    with site.outbox() as sent:
        revoked = call(site, "POST", f"/api/v1/statuses/{quoted.id}/quotes/{post.id}/revoke", "ada")
    assert revoked["quote"] == {"state": "revoked", "quoted_status": None}
    (delete,) = [one.item.activity for one in sent]
    assert isinstance(delete, Delete)
    assert delete.object == note.quote_authorization
    assert requests.get(note.quote_authorization, headers=AS2, timeout=20).status_code == 404
    assert ada.status(quoted.id).quotes_count == 0
    assert call(site, "POST", f"/api/v1/statuses/{quoted.id}/quotes/{post.id}/revoke", "grace", expect=404)


def test_quote_of_a_remote_post_waits_for_its_author(site: RunningGateway) -> None:
    """The author's server is asked, with the post; until it agrees the quote is pending."""
    edith = remote_actor(site, "asked", "quotes.example")
    quoted = remote_post(site, edith, "mine")
    with site.outbox() as sent:
        post = site.client("ada").status_post("theirs", quoted_status_id=quoted)
    asked = [one.item for one in sent if isinstance(one.item.activity, QuoteRequest)]
    (request,) = asked
    assert isinstance(request.activity, QuoteRequest)
    assert (request.activity.object, request.activity.quoting) == (uri_of(site, quoted), post.uri)
    wire = json.loads(request.body)
    assert wire["instrument"]["id"] == post.uri
    assert "RE: " in wire["instrument"]["content"]
    assert (post.quote.state, post.quote.quoted_status) == ("pending", None)
    assert "RE: " not in post.content
    for state in (QuoteState.REJECTED, QuoteState.ACCEPTED):
        state_of(site, post.id, state)
        assert site.visitor().status(post.id).quote.state == state.name.lower()
    site.execute("UPDATE statuses SET deleted_at = now() WHERE id = $1", quoted)
    assert site.visitor().status(post.id).quote.state == "deleted"


def test_author_says_who_may_quote(site: RunningGateway) -> None:
    """The policy is part of the post, can be changed, is told to other servers, and holds for people here."""
    ada, grace = site.client("ada"), site.client("grace")
    with site.outbox() as sent:
        texts: dict[str, Any] = {"status": "no quotes", "quote_approval_policy": "nobody"}
        made = call(site, "POST", "/api/v1/statuses", "ada", **texts)
    post = int(made["id"])
    assert made["quote_approval"] == {"automatic": [], "manual": [], "current_user": "automatic"}
    create = next(one.item.body for one in sent if isinstance(one.item.activity, Create))
    approved = json.loads(create)["object"]["interactionPolicy"]["canQuote"]["automaticApproval"]
    assert approved == [ada.me().uri]
    seen = call(site, "GET", f"/api/v1/statuses/{post}", "grace")
    assert seen["quote_approval"]["current_user"] == "denied"
    with pytest.raises(MastodonAPIError, match="not allowed to quote"):
        grace.status_post("but", quoted_status_id=post)
    with site.outbox() as sent:
        path = f"/api/v1/statuses/{post}/interaction_policy"
        changed = call(site, "PUT", path, "ada", quote_approval_policy="public")
    assert changed["quote_approval"]["automatic"] == ["public"]
    (update,) = [one.item for one in sent]
    assert json.loads(update.body)["object"]["interactionPolicy"]["canQuote"]["automaticApproval"] == [PUBLIC]
    assert grace.status_post("now", quoted_status_id=post).quote.state == "accepted"
    assert call(site, "PUT", path, "grace", expect=404, quote_approval_policy="nobody")
    assert call(site, "PUT", path, "ada", expect=422, quote_approval_policy="friends")
    private = ada.status_post("friends", visibility="private")
    with pytest.raises(MastodonAPIError):
        grace.status_post("leak", quoted_status_id=private.id)


@pytest.mark.parametrize(
    ("terms", "shown", "word"),
    [
        (QuoteTerms(automatic=Circle.PUBLIC), (["public"], []), "automatic"),
        (QuoteTerms(manual=Circle.PUBLIC), ([], ["public"]), "manual"),
        (QuoteTerms(), ([], []), "denied"),
        (QuoteTerms(automatic=Circle.FOLLOWERS), (["followers"], []), "denied"),
        (QuoteTerms(automatic=Circle.OTHERS), (["unsupported_policy"], []), "unknown"),
        (None, ([], []), "unknown"),
    ],
)
def test_authors_elsewhere_say_who_may_quote(
    site: RunningGateway, terms: QuoteTerms | None, shown: tuple[list[str], list[str]], word: str
) -> None:
    """What an author elsewhere allows is shown, and obeyed: asked for where it may be had, else refused."""
    edith = remote_actor(site, "edith", "quotes.example")
    post = remote_post(site, edith, "mine", terms=terms)
    seen = call(site, "GET", f"/api/v1/statuses/{post}", "ada")["quote_approval"]
    assert (seen["automatic"], seen["manual"], seen["current_user"]) == (*shown, word)
    with site.outbox() as sent:
        status = 422 if word == "denied" else 200
        texts = {"status": "theirs", "quoted_status_id": str(post)}
        made = call(site, "POST", "/api/v1/statuses", "ada", expect=status, **texts)
    asked = [one for one in sent if isinstance(one.item.activity, QuoteRequest)]
    if word == "denied":
        assert made["error"] == "Validation failed: You are not allowed to quote this post"
        assert asked == []
    else:
        assert made["quote"]["state"] == "pending"
        assert len(asked) == 1


@pytest.mark.parametrize("path", ["/api/v1/statuses/{}", "/api/v1/accounts/{}/statuses"])
def test_followers_see_that_they_may_quote(site: RunningGateway, path: str) -> None:
    """Where followers may quote and others may ask, each viewer is told what holds for them."""
    edith = remote_actor(site, "edith", "friends.example")
    terms = QuoteTerms(automatic=Circle.FOLLOWERS, manual=Circle.PUBLIC)
    post = remote_post(site, edith, "mine", terms=terms)
    site.client("ada").account_follow(edith)
    site.execute("UPDATE follows SET state = 1 WHERE followee_id = $1", edith)
    address = path.format(edith if "accounts" in path else post)

    def told(name: str) -> str:
        found = call(site, "GET", address, name)
        (one,) = [one for one in (found if isinstance(found, list) else [found]) if one["id"] == str(post)]
        return str(one["quote_approval"]["current_user"])

    assert [told("ada"), told("grace"), told("ada")] == ["automatic", "manual", "automatic"]


def test_quote_without_consent_of_a_closed_post_is_not_shown(site: RunningGateway) -> None:
    """A server that knows no consent cannot quote a post of somebody here who does not want that."""
    made = call(site, "POST", "/api/v1/statuses", "ada", status="mine", quote_approval_policy="followers")
    edith = remote_actor(site, "legacy", "quotes.example")
    post = quoting(site, edith, made["uri"])
    assert site.visitor().status(post).quote == {"state": "unauthorized", "quoted_status": None}


def test_edit_keeps_the_quote(site: RunningGateway) -> None:
    """A new text changes nothing in what a post quotes."""
    ada = site.client("ada")
    quoted = ada.status_post("first")
    post = ada.status_post("second", quoted_status_id=quoted.id)
    assert ada.status_update(post.id, "third").quote.quoted_status.id == quoted.id


def test_posts_follow_the_default_of_their_author(site: RunningGateway) -> None:
    """Who may quote is what the author chose for all posts, unless a post says otherwise."""
    site.account("chooser")

    def choose(policy: str) -> requests.Response:
        return requests.patch(
            f"{site.origin}/api/v1/accounts/update_credentials",
            data={"source[quote_policy]": policy},
            headers=site.headers("chooser"),
            timeout=20,
        )

    assert choose("nobody").json()["source"]["quote_policy"] == "nobody"
    preferences = call(site, "GET", "/api/v1/preferences", "chooser")
    assert preferences["posting:default:quote_policy"] == "nobody"
    usual = call(site, "POST", "/api/v1/statuses", "chooser", status="as always")
    assert usual["quote_approval"]["automatic"] == []
    said = call(site, "POST", "/api/v1/statuses", "chooser", status="today", quote_approval_policy="public")
    assert said["quote_approval"]["automatic"] == ["public"]
    assert choose("friends").status_code == 422
