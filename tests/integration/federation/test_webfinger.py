"""WebFinger, host-meta and NodeInfo."""

import json

import pytest

from shared.actions.posts import Draft
from tests.integration.federation.site import GatewaySite


async def webfinger(site: GatewaySite, resource: str) -> tuple[int, dict[str, object]]:
    """Ask for a resource; return status and document."""
    answer = await site.get(f"/.well-known/webfinger?resource={resource}")
    return answer.status, json.loads(answer.body)


async def test_every_way_to_name_an_account_leads_to_one_handle(site: GatewaySite) -> None:
    """A handle in any case, the actor's id and the profile page all answer with the one true handle."""
    ada = await site.account("ada")
    host = site.gateway.site.uris.host
    for resource in (
        f"acct:ada@{host}",
        f"acct:ADA@{host.upper()}",
        f"acct:@ada@{host}",
        f"ada@{host}",
        ada.uri,
        f"{site.origin}/@ada",
    ):
        status, found = await webfinger(site, resource)
        assert status == 200, resource
        assert found["subject"] == f"acct:ada@{host}"
        assert {"rel": "self", "type": "application/activity+json", "href": ada.uri} in found["links"]  # type: ignore[operator]  # a list


@pytest.mark.parametrize("resource", ["", "%20", "x" * 3000, "acct:ada%00@loom.localhost"])
async def test_a_missing_or_absurd_resource_is_a_bad_request(site: GatewaySite, resource: str) -> None:
    """WebFinger without a usable resource answers 400, whatever else is asked."""
    status, _ = await webfinger(site, resource)
    assert status == 400
    assert (await site.get("/.well-known/webfinger")).status == 400


async def test_who_is_unknown_does_not_share_or_lives_elsewhere_is_not_found(site: GatewaySite) -> None:
    """An unknown name, an account that does not share and another domain's handle all answer 404."""
    await site.account("private", federated=False)
    host = site.gateway.site.uris.host
    for resource in (
        f"acct:nobody@{host}",
        f"acct:private@{host}",
        "acct:ada@elsewhere.example",
        "https://elsewhere.example/users/1",
        f"{site.origin}/users/77",
        f"{site.origin}/users/99999999999999999999999",
        f"{site.origin}/objects/1",
        "acct:",
        f"acct:@{host}",
        "mailto:ada@loom.localhost",
    ):
        status, problem = await webfinger(site, resource)
        assert status == 404, resource
        assert problem["status"] == 404


async def test_a_suspended_account_is_gone(site: GatewaySite) -> None:
    """WebFinger answers 410 for an account that was suspended."""
    ada = await site.account("ada")
    await site.execute("UPDATE actors SET suspended_at = now() WHERE id = $1", ada.id)
    status, _ = await webfinger(site, f"acct:ada@{site.gateway.site.uris.host}")
    assert status == 410


async def test_the_instance_actor_is_found_by_domain_and_by_origin(site: GatewaySite) -> None:
    """The site itself can be looked up as domain@domain, by its actor's id and by its origin."""
    host = site.gateway.site.uris.host
    for resource in (f"acct:{host}@{host}", f"{site.origin}/actor", site.origin):
        status, found = await webfinger(site, resource)
        assert status == 200, resource
        assert f"{site.origin}/actor" in json.dumps(found["links"])


async def test_any_browser_may_ask(site: GatewaySite) -> None:
    """WebFinger can be read from other origins (RFC 7033 section 5)."""
    await site.account("ada")
    host = site.gateway.site.uris.host
    answer = await site.get(f"/.well-known/webfinger?resource=acct:ada@{host}", Origin="https://app.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.media_type == "application/jrd+json"


async def test_nodeinfo_counts_people_and_posts(site: GatewaySite) -> None:
    """NodeInfo 2.0 and 2.1 count accounts and local posts, and leave out the instance actor."""
    ada = await site.account("ada")
    await site.account("grace")
    await site.post(ada, Draft(text="One"))
    links = json.loads((await site.get("/.well-known/nodeinfo")).body)["links"]
    documents = [link["href"] for link in links if "/ns/schema/2." in link["rel"]]
    assert len(documents) == 2
    for href in documents:
        info = json.loads((await site.get(href)).body)
        assert info["usage"]["users"] == {"total": 2, "activeMonth": 1, "activeHalfyear": 1}
        assert info["usage"]["localPosts"] == 1
        assert info["software"]["name"] == "heddle"
    assert (await site.get("/nodeinfo/3.0")).status == 404


async def test_host_meta_is_there_as_json_too(site: GatewaySite) -> None:
    """Who asks for the JSON form finds the same template, with its `{uri}`."""
    answer = await site.get("/.well-known/host-meta.json")
    assert answer.media_type == "application/jrd+json"
    (link,) = json.loads(answer.text)["links"]
    assert link["rel"] == "lrdd"
    assert link["template"] == f"{site.origin}/.well-known/webfinger?resource={{uri}}"
