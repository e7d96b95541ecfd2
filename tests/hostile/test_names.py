"""Names that are not what they seem: hosts and URIs in spellings that lead to the same place, or another."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from shared.database.domain_blocks import DomainBlock, put, remove
from tests.fakes.remote_actor import RemoteActor
from tests.fakes.signing import Outgoing, Signing, signed_headers
from tests.hostile.arena import RECEIVER, REJECTED, Arena, Shot
from tests.hostile.verdicts import Refused, Verdict, rejected
from tests.infrastructure import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]


def respelt(change: Callable[[str], str], *, known: bool = True) -> Attack:
    """Have an actor sign properly, and spell its own URI and the activity's id in another way."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        if known:
            await arena.known(nora)
        create = arena.post_of(nora)
        named = change(nora.id)
        identifier = named.partition("/users/")[0] + f"/activities/{arena.unique()}"
        return arena.shot(nora, create | {"actor": named, "id": identifier})

    return make


def wide(text: str) -> str:
    """Return a text in full-width letters, which name the same host to whoever maps names (UTS 46)."""
    return "".join(chr(ord(one) + 0xFEE0) if one.isalnum() else one for one in text)


ATTACKS: dict[str, tuple[Attack, Verdict]] = {
    "an actor with a fragment": (respelt(lambda uri: f"{uri}#me"), rejected("signer_not_actor")),
    "an actor with a query": (respelt(lambda uri: f"{uri}?x=1"), rejected("signer_not_actor")),
    "an actor with a slash more": (respelt(lambda uri: f"{uri}/"), rejected("signer_not_actor")),
    "an actor in percents": (
        respelt(lambda uri: uri.replace("/users/n", "/users/%6e")),
        rejected("signer_not_actor"),
    ),
    "an actor by a path that goes back": (
        respelt(lambda uri: uri.replace("/users/", "/x/../users/")),
        rejected("signer_not_actor"),
    ),
    "a host in capitals": (
        respelt(lambda uri: uri.replace("localhost", "LOCALHOST")),
        rejected("signer_not_actor"),
    ),
    "a host with a dot at its end": (
        respelt(lambda uri: uri.replace("localhost", "localhost.")),
        rejected("signer_not_actor"),
    ),
    "a scheme in capitals": (respelt(lambda uri: uri.replace("http", "HTTP")), Refused(400, "id_invalid")),
    "a host in full-width letters": (
        respelt(lambda uri: uri.replace("localhost", wide("localhost"))),
        Refused(400, "id_invalid"),
    ),
    "a host with an ideographic dot": (
        respelt(lambda uri: uri.replace(".localhost", "\u3002localhost")),
        Refused(400, "id_invalid"),
    ),
    "a host with a soft hyphen": (
        respelt(lambda uri: uri.replace("localhost", "local\u00adhost")),
        Refused(400, "id_invalid"),
    ),
    "an actor with a user": (
        respelt(lambda uri: uri.replace("http://", "http://x@")),
        Refused(400, "id_invalid"),
    ),
    "an actor behind a backslash": (
        respelt(lambda uri: uri.replace("http://", "http://evil.example\\@")),
        Refused(400, "id_invalid"),
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_another_spelling_is_another_name(arena: Arena, attack: str) -> None:
    """Who signs as one URI does not speak as another, however alike; what has two readings is refused."""
    make, verdict = ATTACKS[attack]
    await verdict.holds(arena, make)


async def test_no_spelling_gets_around_a_block(arena: Arena) -> None:
    """A blocked host is blocked in capitals, with a dot, and in letters that only look like it."""
    domain = f"b{arena.unique()}.blocked.example"
    host = arena.under(domain, "127.0.0.1")
    mallory = host.actor("mallory")
    async with arena.pool.acquire() as conn:
        await put(conn, [DomainBlock(domain=domain, severity="suspend")])
    try:

        async def noticed() -> bool:
            return (await arena.fire(arena.shot(mallory, arena.post_of(mallory)))).status == 403

        await eventually(noticed, "the block to be noticed")
        host.fetched.clear()
        for spelt in (
            domain.upper(),
            f"{domain}.",
            wide(domain),
            domain.replace(".blocked", "\uff0eblocked"),
        ):
            shot = _as(arena, mallory, spelt)
            status = (await arena.fire(shot)).status
            assert status in {400, 403}, spelt
        assert host.fetched == []
        assert await arena.count(RECEIVER, REJECTED, reason="domain_blocked") > 0
    finally:
        async with arena.pool.acquire() as conn:
            await remove(conn, [domain])


def _as(arena: Arena, mallory: RemoteActor, host: str) -> Shot:
    """Return a post of mallory's whose every URI names the host in this spelling."""
    own = mallory.host.authority.partition(":")[0]
    body = mallory.host.encode(arena.post_of(mallory)).decode().replace(own, host).encode()
    key_id = mallory.key_id.replace(own, host) if host.isascii() else mallory.key_id
    request = Outgoing("POST", arena.inbox, body)
    return arena.shot(mallory, body, headers=signed_headers(Signing(), request, key_id, mallory.rsa))


async def test_an_object_that_bears_the_name_of_something_else_takes_nothing(arena: Arena) -> None:
    """A post called as its author's profile, followers or key leaves those what they are."""
    nora = await arena.known(arena.somebody())
    for name in (nora.id, nora.followers, nora.key_id, nora.inbox):
        create = nora.create(nora.note(serve=False, id=name, cc=[arena.ada_uri, nora.followers]))
        create["id"] = nora.uri()
        assert (await arena.fire(arena.shot(nora, create))).status == 202
    await arena.settled()
    assert await arena.hear(nora, arena.post_of(nora)) == "applied"
    row = await arena.pool.fetchrow("SELECT username, deleted_at FROM actors WHERE uri = $1", nora.id)
    assert row is not None
    assert (row["username"], row["deleted_at"]) == ("nora", None)
    found = await arena.api("GET", "/api/v2/search", q=nora.acct, resolve="true", type="accounts")
    assert [one["uri"] for one in found["accounts"]] == [nora.id]  # type: ignore[attr-defined]  # as the API has it


async def test_the_host_that_is_asked_does_not_name_us(arena: Arena) -> None:
    """Whatever Host a request names, every address in the answer is of the configured origin."""
    paths = (
        "/@ada",
        "/api/v1/instance",
        "/.well-known/nodeinfo",
        "/.well-known/host-meta",
        "/api/v2/instance",
    )
    for path in (*paths, f"/users/{arena.ada.id}", "/.well-known/oauth-authorization-server", "/nothing"):
        for name in ("evil.example", "evil.example:80@x", "EVIL.example\"'><script>"):
            headers = {"Host": name, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
            headers["Accept"] = "application/activity+json" if path.startswith("/users") else "*/*"
            answer = await arena.remote.request("GET", arena.site.origin + path, headers, None)
            assert answer.status < 500
            assert b"evil.example" not in answer.body.lower(), path
            assert "evil.example" not in str(answer.headers).lower(), path


async def test_nothing_is_spliced_into_an_answer(arena: Arena) -> None:
    """Line breaks in addresses and parameters begin no header; paths lead to no file."""
    address = arena.site.processes["platform_gateway"].listen
    for path in (
        "/@ada%0d%0aSet-Cookie:%20x=1",
        "/tags/x%0d%0aX-Evil:%201",
        "/api/v1/timelines/public?limit=1%0d%0aX-Evil:%201",
        "/oauth/authorize?redirect_uri=%0d%0aX-Evil:%201&client_id=x",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/media/..%2f..%2fetc%2fpasswd",
        "/media/%2fetc%2fpasswd",
    ):
        answer = await arena.remote.request("GET", address + path, {}, None)
        assert answer.status < 500, path
        assert not {"set-cookie", "x-evil"} & {name.lower() for name in answer.headers}, path
        assert b"root:" not in answer.body, path
