"""Actors and posts: who gets what form of them, and what becomes of them."""

import json

import pytest

from shared.actions import pins
from shared.actions.posts import Draft
from shared.protocol.objects import Visibility
from tests.integration.federation.site import Answer, GatewaySite

ACTIVITY = "application/activity+json"
LD_JSON = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
MASTODON = f"{ACTIVITY}, {LD_JSON}, text/html;q=0.1"


def problem(answer: Answer) -> dict[str, object]:
    """Return the problem details of an answer, which must be such (FEP-c180)."""
    assert answer.media_type == "application/problem+json"
    details: dict[str, object] = json.loads(answer.body)
    assert details["status"] == answer.status
    assert details["title"]
    return details


@pytest.mark.parametrize("accept", [ACTIVITY, LD_JSON, "application/json", MASTODON, "*/*", ""])
async def test_servers_get_the_document(site: GatewaySite, accept: str) -> None:
    """Whoever asks as a server does gets ActivityPub from an actor's and a post's id."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="Hello"))
    for uri in (ada.uri, site.gateway.site.uris.status(post)):
        answer = await site.get(uri, accept=accept)
        assert answer.status == 200
        assert answer.media_type == ACTIVITY
        assert answer.headers["Vary"] == "Accept"
        assert json.loads(answer.body)["id"] == uri


async def test_people_get_the_page(site: GatewaySite) -> None:
    """A browser that opens an id is sent to the page, and a server that asks for a page to the id."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="Hello"))
    uris = site.gateway.site.uris
    pairs = [(ada.uri, uris.profile_page("ada")), (uris.status(post), uris.post_page("ada", post))]
    for uri, page in pairs:
        sent = await site.get(uri, accept=BROWSER)
        assert (sent.status, sent.headers["Location"]) == (303, page)
        assert (await site.get(page, accept=BROWSER)).media_type == "text/html"
        back = await site.get(page, accept=MASTODON)
        assert (back.status, back.headers["Location"]) == (302, uri)
        assert "Accept" in sent.headers["Vary"]
        assert "Accept" in back.headers["Vary"]


async def test_a_reader_who_has_the_document_is_told_so(site: GatewaySite) -> None:
    """A document carries an ETag, and asking with it again answers 304 without a body."""
    ada = await site.account("ada")
    first = await site.get(ada.uri, accept=ACTIVITY)
    again = await site.get(ada.uri, accept=ACTIVITY, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    await site.execute("UPDATE actors SET display_name = 'New' WHERE id = $1", ada.id)
    changed = await site.get(ada.uri, accept=ACTIVITY, **{"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200


async def test_head_answers_as_get_does(site: GatewaySite) -> None:
    """HEAD of a document gives status, type and length without the body."""
    ada = await site.account("ada")
    path = ada.uri.removeprefix(site.origin)
    head, got = await site.head(path), await site.get(path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.body))


async def test_inboxes_only_take_posts(site: GatewaySite) -> None:
    """A GET of any inbox answers 405 and says that POST is what it takes."""
    ada = await site.account("ada")
    for path in ("/inbox", "/actor/inbox", f"/users/{ada.id}/inbox"):
        answer = await site.get(path, accept=ACTIVITY)
        assert answer.status == 405
        assert "POST" in answer.headers["Allow"]


async def test_an_account_that_does_not_share_does_not_exist_for_servers(site: GatewaySite) -> None:
    """Nothing of an account that is not federated is served as a document: 404 all over."""
    hidden = await site.account("hidden", federated=False)
    post = await site.post(hidden, Draft(text="Home only"))
    uris = site.gateway.site.uris
    for uri in (
        hidden.uri,
        uris.outbox(hidden.id),
        uris.followers(hidden.id),
        uris.following(hidden.id),
        uris.featured(hidden.id),
        uris.featured_tags(hidden.id),
        uris.status(post),
        uris.create(post),
        uris.replies(post),
        uris.context(post),
    ):
        answer = await site.get(uri, accept=ACTIVITY)
        assert answer.status == 404, uri
        assert problem(answer)
    assert b"Home only" in (await site.get(uris.post_page("hidden", post), accept=BROWSER)).body


async def test_a_suspended_account_is_gone_with_its_posts(site: GatewaySite) -> None:
    """After a suspension the actor, its collections and its posts answer 410, to servers and to people."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="Soon gone"))
    await site.execute("UPDATE actors SET suspended_at = now() WHERE id = $1", ada.id)
    uris = site.gateway.site.uris
    for uri in (ada.uri, uris.outbox(ada.id), uris.status(post), uris.create(post)):
        assert (await site.get(uri, accept=ACTIVITY)).status == 410, uri
    for page in (uris.profile_page("ada"), uris.post_page("ada", post)):
        answer = await site.get(page, accept=BROWSER)
        assert answer.status == 410
        assert b"Soon gone" not in answer.body


async def test_a_deleted_post_leaves_a_tombstone(site: GatewaySite) -> None:
    """A deleted post answers 410 with a Tombstone to servers, and with a page to people (FEP-4f05)."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="A slip of the tongue"))
    await site.delete(ada, post)
    uris = site.gateway.site.uris
    for uri in (uris.status(post), uris.create(post)):
        answer = await site.get(uri, accept=ACTIVITY)
        assert (answer.status, answer.media_type) == (410, ACTIVITY)
        tombstone = json.loads(answer.body)
        assert (tombstone["type"], tombstone["id"]) == ("Tombstone", uris.status(post))
        assert tombstone["formerType"] == "Note"
        assert "deleted" in tombstone
        assert b"slip" not in answer.body
    page = await site.get(uris.post_page("ada", post), accept=BROWSER)
    assert (page.status, page.media_type) == (410, "text/html")
    listed = await site.get(f"{uris.outbox(ada.id)}?page=true", accept=ACTIVITY)
    assert uris.status(post) not in listed.text


async def test_a_boost_is_an_announce_with_an_address(site: GatewaySite) -> None:
    """The activity of a boost can be fetched under the id that it was sent with; as a post it is nothing."""
    ada, grace = await site.account("ada"), await site.account("grace")
    boost = await site.boost(ada, await site.post(grace, Draft(text="Worth it")))
    uris = site.gateway.site.uris
    answer = await site.get(uris.create(boost), accept=ACTIVITY)
    announce = json.loads(answer.body)
    assert (announce["type"], announce["actor"]) == ("Announce", ada.uri)
    assert announce["id"] == uris.create(boost)
    assert grace.uri in announce["cc"]
    assert (await site.get(uris.status(boost), accept=ACTIVITY)).status == 404


async def test_replies_and_context_list_what_everybody_may_see(site: GatewaySite) -> None:
    """A post's replies and its thread list public and unlisted answers, and nothing that is for fewer."""
    ada, grace = await site.account("ada"), await site.account("grace")
    hidden = await site.account("hidden", federated=False)
    root = await site.post(ada, Draft(text="Root"))
    seen = await site.post(grace, Draft(text="Answer", in_reply_to_id=root))
    quiet = await site.post(grace, Draft(text="Quiet", in_reply_to_id=root, visibility=Visibility.UNLISTED))
    deep = await site.post(ada, Draft(text="Deeper", in_reply_to_id=seen))
    await site.post(grace, Draft(text="Secret", in_reply_to_id=root, visibility=Visibility.FOLLOWERS))
    await site.post(hidden, Draft(text="Home", in_reply_to_id=root))
    uris = site.gateway.site.uris
    note = json.loads((await site.get(uris.status(root), accept=ACTIVITY)).body)
    replies = json.loads((await site.get(note["replies"], accept=ACTIVITY)).body)
    page = json.loads((await site.get(replies["first"], accept=ACTIVITY)).body)
    assert page["items"] == [uris.status(seen), uris.status(quiet)]
    context = json.loads((await site.get(note["context"], accept=ACTIVITY)).body)
    thread = json.loads((await site.get(context["first"], accept=ACTIVITY)).body)
    assert thread["orderedItems"] == [uris.status(one) for one in (root, seen, quiet, deep)]


async def test_pinned_posts_are_featured(site: GatewaySite) -> None:
    """The featured collection holds the pinned posts that everybody may see."""
    ada = await site.account("ada")
    shown = await site.post(ada, Draft(text="look"))
    private = await site.post(ada, Draft(text="friends", visibility=Visibility.FOLLOWERS))
    await site.post(ada, Draft(text="not pinned"))
    async with site.gateway.pool.acquire() as conn, conn.transaction():
        for status_id in (shown, private):
            await pins.pin(conn, site.gateway.site, ada, status_id)
    uris = site.gateway.site.uris
    collection = json.loads((await site.get(uris.featured(ada.id), accept=ACTIVITY)).body)
    assert [post["id"] for post in collection["orderedItems"]] == [uris.status(shown)]
    assert collection["totalItems"] == 1


async def test_featured_collections_are_there_and_empty(site: GatewaySite) -> None:
    """The featured posts and hashtags that an actor names can be fetched."""
    ada = await site.account("ada")
    actor = json.loads((await site.get(ada.uri, accept=ACTIVITY)).body)
    for name in ("featured", "featuredTags"):
        answer = await site.get(actor[name], accept=ACTIVITY)
        collection = json.loads(answer.body)
        assert (answer.status, collection["id"]) == (200, actor[name])
        assert collection["totalItems"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/users/abc",
        "/users/-1",
        "/users/99999999999999999999",
        "/users/1/outbox?page=true&max_id=x",
        "/objects/0",
        "/objects/99999999999999999999999999/activity",
        "/objects/%00",
        "/users/%F0%9F%92%A9",
        "/nowhere",
    ],
)
async def test_addresses_that_name_nothing_are_not_found(site: GatewaySite, path: str) -> None:
    """Whatever cannot be an id is not found; it is never an error of ours."""
    answer = await site.get(path, accept=ACTIVITY)
    assert answer.status == 404
    assert problem(answer)


async def test_cursors_out_of_range_are_taken_for_the_end(site: GatewaySite) -> None:
    """A page beyond every post, or with a cursor that is no number, is a page all the same."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="Only one"))
    outbox = site.gateway.site.uris.outbox(ada.id)
    for query, count in (
        ("max_id=1", 0),
        ("max_id=99999999999999999999999", 1),
        ("max_id=abc", 1),
        ("min_id=0", 1),
    ):
        answer = await site.get(f"{outbox}?page=true&{query}", accept=ACTIVITY)
        assert answer.status == 200
        assert len(json.loads(answer.body)["orderedItems"]) == count, query
    assert post


async def test_followers_and_following_list_ids_in_pages(site: GatewaySite) -> None:
    """Followers and following give a count and pages of ids, of accepted follows only."""
    ada, grace, asking = await site.account("ada"), await site.account("grace"), await site.account("asking")
    uris = site.gateway.site.uris
    for number, (who, state) in enumerate(((grace, 1), (asking, 0)), start=1):
        await site.execute(
            "INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            who.id,
            ada.id,
            state,
            uris.activity(number),
            bytes([number]) * 16,
            number,
        )
    await site.execute("UPDATE actors SET followers_count = 1 WHERE id = $1", ada.id)
    collection = json.loads((await site.get(uris.followers(ada.id), accept=ACTIVITY)).body)
    assert collection["totalItems"] == 1
    page = json.loads((await site.get(collection["first"], accept=ACTIVITY)).body)
    assert page["orderedItems"] == [grace.uri]
    assert page["partOf"] == uris.followers(ada.id)
    following = await site.get(f"{uris.following(grace.id)}?page=true", accept=ACTIVITY)
    assert json.loads(following.body)["orderedItems"] == [ada.uri]


async def test_hidden_lists_show_their_counts_alone(site: GatewaySite) -> None:
    """Who hides followers and followed gives their number: no page is named, and none is served."""
    ada = await site.account("ada")
    await site.execute(
        "UPDATE actors SET hide_collections = true, followers_count = 7, following_count = 3 WHERE id = $1",
        ada.id,
    )
    uris = site.gateway.site.uris
    for uri, count in ((uris.followers(ada.id), 7), (uris.following(ada.id), 3)):
        collection = json.loads((await site.get(uri, accept=ACTIVITY)).body)
        assert collection["totalItems"] == count
        assert not collection.keys() & {"first", "last", "items", "orderedItems"}
        assert (await site.get(f"{uri}?page=true", accept=ACTIVITY)).status == 404
