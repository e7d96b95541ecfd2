"""Secure mode on both sides: who must sign to read the other's keys is still understood."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.e2e.test_two_sites import Person, follow_each_other
from tests.fakes.remote_server import RemoteServer
from tests.infrastructure import Infrastructure, database, eventually, vhost
from tests.sites import Site, running

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites(
    infrastructure: Infrastructure, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Site, Site]]:
    """Run two sites that serve nothing of their people to whom they do not know."""
    folder = tmp_path_factory.mktemp("secure")
    with contextlib.ExitStack() as stack:
        oak, elm = (
            Site(
                name=name,
                database_url=stack.enter_context(database(infrastructure.database_url, database_template)),
                broker_url=stack.enter_context(vhost(infrastructure)),
                folder=folder,
                extra={"HEDDLE_AUTHORIZED_FETCH": "true"},
            )
            for name in ("oak", "elm")
        )
        async with running(oak), running(elm):
            yield oak, elm


async def person(site: Site, name: str) -> Person:
    """Make somebody on a site."""
    name = f"{name}_{secrets.token_hex(3)}"
    account = await site.account(name)
    return Person(site, name, account.access_token)


async def actor_status(uri: str) -> int:
    """Return how an unsigned fetch of an actor is answered."""
    headers = {"Accept": "application/activity+json"}
    place = uri.replace(uri.split("/")[2], f"127.0.0.1:{uri.split('/')[2].rpartition(':')[2]}")
    async with aiohttp.ClientSession() as session, session.get(place, headers=headers) as answer:
        return answer.status


async def test_two_secure_sites_federate(sites: tuple[Site, Site]) -> None:
    """Both find each other, follow and read, though neither shows a key of its people unsigned."""
    ada, linus = await asyncio.gather(person(sites[0], "ada"), person(sites[1], "linus"))
    for somebody in (ada, linus):
        mine = await somebody("account_verify_credentials")
        assert await actor_status(f"{somebody.site.origin}/users/{mine['id']}") == 401
        assert await actor_status(f"{somebody.site.origin}/actor") == 200
    await follow_each_other(ada, linus)
    post = await ada("status_post", f"Behind two doors, @{linus.acct}")
    seen = await linus.sees(lambda one: one["uri"] == post["uri"], what="the post")
    reply = await linus("status_post", f"@{ada.acct} through both", in_reply_to_id=seen["id"])
    told = await ada.is_told("mention", linus)
    assert told["status"]["uri"] == reply["uri"]


@pytest.mark.parametrize("flavour", ["threads", "gotosocial"])
async def test_a_secure_server_of_another_kind_is_understood(sites: tuple[Site, Site], flavour: str) -> None:
    """A server that answers 401 or 404 to unsigned fetches is found and followed, in few requests."""
    ada = await person(sites[0], "ada")
    async with RemoteServer() as remote:
        vera = remote.host(f"secure-{flavour}").actor("vera", flavour)
        found = (await ada("search_v2", vera.acct, resolve=True, result_type="accounts"))["accounts"]
        assert [one["acct"] for one in found] == [vera.acct]
        await ada("account_follow", found[0]["id"])
        follow = (await vera.host.wait_for("Follow")).activity
        inbox = f"{sites[0].origin}/inbox"
        assert (await vera.deliver(vera.activity("Accept", follow), inbox)).status == 202

        async def accepted() -> bool:
            (relationship,) = await ada("account_relationships", found[0]["id"])
            return bool(relationship["following"])

        await eventually(accepted, "the follow to be accepted")
        # Actor, key, WebFinger, NodeInfo: each is asked for once or twice, and never round in circles.
        assert max(vera.host.fetched.count(path) for path in vera.host.fetched) <= 3
