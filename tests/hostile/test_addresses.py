"""Addresses that are nobody's business, however they are written and whoever leads there."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.fakes.signing import Outgoing, Signing, signed_headers
from tests.hostile.arena import Arena, Shot
from tests.hostile.verdicts import Verdict, rejected
from tests.infrastructure import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]

BLOCKED = (
    *(
        "127.0.0.2",
        "127.0.0.2.",
        "127.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.0.0.1",
        "0.0.0.0",  # noqa: S104 - an attack
    ),
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
    *("192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"),
    *("[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]", "[fc00::1]", "[fd00::1]", "[fe80::1]", "[fec0::1]"),
    *("[ff02::1]", "[2001:db8::1]", "[2001::1]"),
    *("\uff11\uff12\uff17.\uff10.\uff10.\uff12", "\u2460\u2461\u2466.0.0.2"),
)
"""Loopback beyond the exempted address, private, link-local, shared, metadata, multicast and translated ones,
in every spelling that some program understands."""

REFUSED_URLS = (
    *("http://user:pass@127.0.0.1/users/x", "http://user@127.0.0.1/users/x", "ftp://127.0.0.1/x"),
    *("gopher://127.0.0.1/x", "http://127.0.0.1\\@10.0.0.1/x", "http://[fe80::1%25eth0]/x"),
    *("http://127.0.0.1:0/x", "http://127.0.0.1:99999/x", "http://a..example/x", "http://-.example/x"),
)


def shared(uri: str) -> Attack:
    """Share a post that is said to be at an address: to show it, the site would have to fetch it."""

    async def make(arena: Arena) -> Shot:
        nora = await arena.known(arena.somebody())
        nora.host.fetched.clear()
        return arena.shot(nora, nora.activity("Announce", uri))

    return make


def keyed(key_id: str) -> Attack:
    """Sign with a key that is said to be at an address."""

    async def make(arena: Arena) -> Shot:
        nora = arena.somebody()
        activity = arena.post_of(nora)
        request = Outgoing("POST", arena.inbox, nora.host.encode(activity))
        return arena.shot(nora, activity, headers=signed_headers(Signing(), request, key_id, nora.rsa))

    return make


NO_WAY = rejected(
    "address_blocked", "bad_url", "object_invalid", "key_id_unusable", "signature_malformed", fetches=0
)

ATTACKS: dict[str, tuple[Attack, Verdict]] = {
    **{f"a post at {host}": (shared(f"http://{host}/notes/1"), NO_WAY) for host in BLOCKED},
    **{
        f"a key at {host}": (keyed(f"http://{host}/users/x#main-key"), NO_WAY)
        for host in BLOCKED
        if host.isascii()
    },
    **{f"a post at {url}": (shared(url), NO_WAY) for url in REFUSED_URLS},
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_forbidden_address_is_asked(arena: Arena, attack: str) -> None:
    """Each is rejected with its reason, and nothing is connected to."""
    make, verdict = ATTACKS[attack]
    await verdict.holds(arena, make)


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["0.0.0.0"]],  # noqa: S104 - an attack
    ids=", ".join,
)
async def test_a_name_that_leads_inside_is_not_followed(arena: Arena, addresses: list[str]) -> None:
    """A name is not followed if any of its addresses is forbidden, whichever comes first."""
    host = arena.under(f"n{arena.unique()}.inside.example", *addresses)
    verdict = rejected("address_blocked", fetches=0)
    await verdict.holds(arena, shared(f"{host.origin}/notes/1"))
    assert host.fetched == []


async def test_a_name_that_moves_inside_is_not_followed(arena: Arena) -> None:
    """A name that was honest a moment ago is checked again: rebinding leads nowhere."""
    host = arena.under(f"m{arena.unique()}.moving.example", "127.0.0.1")
    olga = host.actor("olga")
    assert await arena.hear(olga, arena.post_of(olga)) == "applied"
    # Its old connection is gone with this, so that the name is looked up again.
    host.behave("/notes/1", headers={"Connection": "close"}, status=404)
    nora = arena.somebody()
    arena.dns.table[host.authority.partition(":")[0]] = (["10.0.0.1"], 1)
    asked = len(arena.dns.asked)

    async def moved() -> bool:
        announce = nora.activity("Announce", f"{host.origin}/notes/{arena.unique()}")
        assert (await arena.fire(arena.shot(nora, announce))).status == 202

        async def judged() -> bool:
            return bool((await arena.journey(announce["id"])).refused)

        await eventually(judged, "the share to be refused")
        return (await arena.journey(announce["id"])).refused[0].reason == "address_blocked"

    await eventually(moved, "the name to be looked up again")
    assert len(arena.dns.asked) > asked


async def test_our_own_inbox_is_never_posted_to(arena: Arena) -> None:
    """An actor elsewhere that names our host as its inbox is not believed, and nothing is delivered there."""
    nora = arena.somebody()
    document = nora.document() | {"inbox": arena.inbox, "endpoints": {"sharedInbox": arena.inbox}}
    nora.host.serve(document, at=nora.id)
    follow = nora.activity("Follow", arena.ada_uri)
    assert (await arena.fire(arena.shot(nora, follow))).status == 202

    async def refused() -> bool:
        return bool((await arena.journey(follow["id"])).refused)

    await eventually(refused, "the follow to be refused")
    assert (await arena.journey(follow["id"])).refused[0].reason == "local_uri"
