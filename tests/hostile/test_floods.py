"""Authentic activities by the thousand, or in circles: once, within bounds, or without effect."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.fakes.remote_actor import PUBLIC, Json, RemoteActor
from tests.hostile.arena import RECEIVER, REJECTED, Arena
from tests.infrastructure import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]


async def post(arena: Arena, **parameters: str) -> Json:
    """Post something as ada."""
    return await arena.api("POST", "/api/v1/statuses", **{"status": f"Hello {arena.unique()}", **parameters})


async def fire_all(arena: Arena, actor: RemoteActor, activities: Sequence[Json]) -> None:
    """Send activities, a few at a time; each is taken in."""
    for start in range(0, len(activities), 50):
        shots = [arena.shot(actor, one) for one in activities[start : start + 50]]
        answers = await asyncio.gather(*map(arena.fire, shots))
        assert {answer.status for answer in answers} == {202}


async def told(arena: Arena, kind: str, actor: RemoteActor) -> int:
    """Return how many notifications of a kind ada has from somebody."""
    join = "FROM notifications n JOIN actors a ON a.id = n.actor_id"
    query = f"SELECT count(*) {join} WHERE n.kind = $1 AND a.uri = $2"
    return int(await arena.pool.fetchval(query, kind, actor.id))


async def test_one_actor_likes_a_post_once(arena: Arena) -> None:
    """Forty likes and reactions of one actor under new ids are one like and one notification."""
    status, mallory = await post(arena), await arena.known(arena.somebody("mallory"))
    kinds = [("Like", ""), ("EmojiReact", "\U0001f600"), ("Like", ":blob:"), ("EmojiReact", "x" * 5000)]
    likes = [
        mallory.activity(kind, status["uri"]) | ({"content": content} if content else {})
        for kind, content in kinds * 10
    ]
    await fire_all(arena, mallory, likes)
    await arena.settled()
    assert (await arena.api("GET", f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 1
    assert await told(arena, "favourite", mallory) == 1


async def test_nobody_takes_back_the_like_of_another(arena: Arena) -> None:
    """An Undo of somebody else's like, its id guessed, embedded or forged, changes nothing."""
    status = await post(arena)
    nora, mallory = await arena.known(arena.somebody()), await arena.known(arena.somebody("mallory"))
    like = nora.activity("Like", status["uri"])
    assert await arena.hear(nora, like) == "applied"
    forged = [
        mallory.activity("Undo", like["id"]),
        mallory.activity("Undo", like | {"actor": mallory.id}),
        mallory.activity("Undo", like),
    ]
    await fire_all(arena, mallory, forged)
    await arena.settled()
    assert (await arena.api("GET", f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 1
    assert await arena.hear(nora, nora.activity("Undo", like)) == "applied"
    assert (await arena.api("GET", f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 0


async def test_a_thousand_mentions_are_one_notification(arena: Arena) -> None:
    """A post that names one person in a thousand ways tells them once; beyond the bound it is too large."""
    mallory = await arena.known(arena.somebody("mallory"))
    before = await told(arena, "mention", mallory)
    mention = {"type": "Mention", "href": arena.ada_uri, "name": "@ada"}
    others = [{"type": "Mention", "href": f"{mallory.host.origin}/users/{one}"} for one in range(500)]
    assert await arena.hear(mallory, arena.post_of(mallory, tag=[mention] * 500 + others)) == "applied"
    assert await told(arena, "mention", mallory) == before + 1
    refused = await arena.count(RECEIVER, REJECTED, reason="too_many_entries")
    shot = arena.shot(mallory, arena.post_of(mallory, tag=[mention] * 1001))
    assert (await arena.fire(shot)).status == 413
    assert await arena.count(RECEIVER, REJECTED, reason="too_many_entries") == refused + 1
    assert mallory.host.fetched.count("/users/1") == 0


async def test_shares_in_a_circle_end(arena: Arena) -> None:
    """Shares of shares, of themselves and of each other are not followed, and store no post."""
    mallory = await arena.known(arena.somebody("mallory"))
    first, second = mallory.uri(), mallory.uri()
    shares = [
        mallory.activity("Announce", second, id=first, to=[PUBLIC], cc=[arena.ada_uri]),
        mallory.activity("Announce", first, id=second, to=[PUBLIC], cc=[arena.ada_uri]),
        mallory.activity("Announce", f"{mallory.host.origin}/self", id=f"{mallory.host.origin}/self"),
    ]
    for share in shares:
        mallory.host.serve(share)
    mallory.host.fetched.clear()
    await fire_all(arena, mallory, shares)

    async def ended() -> bool:
        journeys = [await arena.journey(share["id"]) for share in shares]
        return all(journey.refused or journey.applied for journey in journeys)

    await eventually(ended, "the circle to end", seconds=20)
    assert len(mallory.host.fetched) <= 2 * len(shares)
    uris = [str(share["id"]) for share in shares]
    assert await arena.pool.fetchval("SELECT count(*) FROM statuses WHERE uri = ANY($1)", uris) == 0


async def test_a_chain_of_moves_moves_nobody_twice(arena: Arena) -> None:
    """An account that has moved does not move its followers on, and never to one who did not agree."""
    chain = [await arena.known(arena.somebody(f"chain{place}")) for place in range(3)]
    for place, actor in enumerate(chain):
        aliases = [other.id for other in chain if other is not actor]
        target = chain[(place + 1) % 3].id
        actor.host.serve(actor.document() | {"alsoKnownAs": aliases, "movedTo": target}, at=actor.id)
    moves = [
        (actor, actor.activity("Move", actor.id) | {"target": chain[(place + 1) % 3].id})
        for place, actor in enumerate(chain)
    ]
    moves.append((chain[0], chain[0].activity("Move", chain[0].id) | {"target": arena.ada_uri}))
    moves.append((chain[0], chain[0].activity("Move", chain[1].id) | {"target": chain[2].id}))
    for actor, move in moves:
        await fire_all(arena, actor, [move])
    await arena.settled()
    query = "SELECT count(*) FROM follows f JOIN actors a ON a.id = f.followee_id WHERE a.uri = ANY($1)"
    assert await arena.pool.fetchval(query, [actor.id for actor in chain]) == 0
    ada = "SELECT count(*) FROM follows f JOIN actors a ON a.id = f.follower_id WHERE a.uri = $1"
    assert await arena.pool.fetchval(ada, chain[0].id) == 0


async def test_a_follow_of_nobody_ends(arena: Arena) -> None:
    """Follows of accounts that are not here, of collections and of posts have no effect and no answer."""
    mallory = await arena.known(arena.somebody("mallory"))
    targets = (f"{arena.site.origin}/users/1", f"{arena.ada_uri}/followers", arena.site.origin, mallory.id)
    for target in targets:
        assert await arena.hear(mallory, mallory.activity("Follow", target)) != "applied", target
    assert mallory.host.activities("Accept") == []


async def test_votes_are_counted_once_and_in_time(arena: Arena) -> None:
    """Of twenty votes of one actor for all that a poll offers, and for what it does not, the first counts."""
    options = {"poll[options][]": "yes", "poll[expires_in]": "3600"}
    headers = {"Authorization": f"Bearer {arena.ada.access_token}"}
    form = [*options.items(), ("poll[options][]", "no"), ("status", "Well?")]
    async with arena.http.post(f"{arena.site.address}/api/v1/statuses", data=form, headers=headers) as answer:
        poll = await answer.json()
    mallory = await arena.known(arena.somebody("mallory"))
    names = ["yes", "no", "yes", "maybe", "", "yes\u200b", "YES", "0"]
    votes = [
        mallory.create(
            mallory.note(serve=False, content="", name=name, inReplyTo=poll["uri"], to=[arena.ada_uri], cc=[])
        )
        for name in names * 3
    ]
    await fire_all(arena, mallory, votes)
    await arena.settled()
    found = await arena.api("GET", f"/api/v1/polls/{poll['poll']['id']}")
    assert (found["votes_count"], found["voters_count"]) == (1, 1)


async def test_reports_by_the_hundred_do_not_bury_the_others(arena: Arena) -> None:
    """One actor's reports are kept up to a bound; another's is kept all the same."""
    mallory, nora = await arena.known(arena.somebody("mallory")), await arena.known(arena.somebody())
    await fire_all(arena, mallory, [mallory.activity("Flag", [arena.ada_uri]) for _ in range(205)])
    await arena.settled()
    assert await arena.hear(nora, nora.activity("Flag", [arena.ada_uri])) == "applied"
    query = "SELECT count(*) FROM reports r JOIN actors a ON a.id = r.actor_id WHERE a.uri = $1"
    assert await arena.pool.fetchval(query, mallory.id) == 200


async def test_a_lookup_leads_to_one_server_once(arena: Arena) -> None:
    """WebFinger answers that name others, circles and us lead to few requests and to nobody's account."""
    evil = arena.remote.host(f"reflect{arena.unique()}")
    victim = arena.somebody("victim")
    for name, subject, leads_to in (
        ("loop", f"acct:loop2@{evil.authority}", f"{evil.origin}/users/loop"),
        ("victim", f"acct:victim@{victim.host.authority}", victim.id),
        ("us", f"acct:ada@{arena.site.host}", arena.ada_uri),
        ("inward", f"acct:inward@{evil.authority}", "http://10.0.0.1/users/x"),
    ):
        links = [{"rel": "self", "type": "application/activity+json", "href": leads_to}]
        evil.serve(
            {"subject": subject, "links": links, "id": leads_to}, at=f"{evil.origin}/.well-known/webfinger"
        )
        found = await arena.api(
            "GET", "/api/v2/search", q=f"{name}@{evil.authority}", resolve="true", type="accounts"
        )
        assert all(account["acct"] != f"{name}@{evil.authority}" for account in found["accounts"])  # type: ignore[attr-defined]
    assert len(evil.fetched) <= 12
    assert len(victim.host.fetched) <= 4


async def test_a_search_leads_nowhere_inward(arena: Arena) -> None:
    """Whatever address a person, or somebody who has their token, searches for, nothing private is asked."""
    inward = arena.under(f"in{arena.unique()}.example", "10.0.0.1")
    rebound = arena.remote.host(f"bounce{arena.unique()}")
    rebound.behave("*", redirect="http://169.254.169.254/latest/meta-data/")
    queries = (
        *("http://127.0.0.2:8080/x", "http://[::1]/x", "http://169.254.169.254/latest/meta-data/"),
        *("file:///etc/passwd", f"{inward.origin}/users/x", f"{rebound.origin}/users/x"),
        *(f"x@{inward.authority}", "x@127.0.0.2", "@x@[::1]", f"{arena.site.origin}/api/v1/instance"),
        *("http://user:pass@127.0.0.1/x", "gopher://127.0.0.1/x", "x@127.1", "x@2130706433"),
    )
    for query in queries:
        found = await arena.api("GET", "/api/v2/search", q=query, resolve="true")
        assert (found["accounts"], found["statuses"]) == ([], []), query
    assert inward.fetched == []
