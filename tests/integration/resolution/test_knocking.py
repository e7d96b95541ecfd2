"""Which signature a server takes on a GET: the other one is tried where it has to be, and remembered."""

import pytest

from shared.database import console_reads, peer_profiles
from shared.protocol.errors import Rejected
from shared.remote.documents import ACCEPTS
from shared.resolution.accepts import Accepts
from tests.fakes.remote_host import RemoteHost
from tests.integration.world import World

PROFILED = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'


def asked(host: RemoteHost, name: str) -> int:
    """Return how often an actor's document was asked for, whatever is beside it."""
    return sum(path.rstrip("/").endswith(f"/users/{name}") for path in host.fetched)


@pytest.mark.parametrize("flavour", ["gotosocial", "threads", "misskey"])
@pytest.mark.parametrize(("scheme", "knocks"), [("cavage", 1), ("rfc9421", 2)])
async def test_scheme_is_found_and_remembered(world: World, flavour: str, scheme: str, knocks: int) -> None:
    """After 401, 404 or a stripped actor the other scheme is tried; from then on it is the host's first."""
    birch = world.remote.host("birch")
    birch.schemes = frozenset({scheme})
    nora, olaf = birch.actor("nora", flavour), birch.actor("olaf", flavour)
    first = await world.resolver.actor(nora.id)
    assert (first.username, asked(birch, "nora")) == ("nora", knocks)
    await world.resolver.actor(olaf.id)
    assert asked(birch, "olaf") == 1
    name = await world.pool.fetchval("SELECT display_name FROM actors WHERE uri = $1", olaf.id)
    assert name == "Olaf", "the whole actor is stored, not the stripped one"


@pytest.mark.parametrize("flavour", ["threads", "misskey"])
async def test_key_of_a_server_with_one_scheme_is_found(world: World, flavour: str) -> None:
    """A key in a document that is served to one kind of signature alone comes with its whole owner."""
    birch = world.remote.host("birch")
    birch.schemes = frozenset({"rfc9421"})
    nora = birch.actor("nora", flavour)
    assert (await world.resolver.key(nora.key_id)).actor_uri == nora.id
    assert await world.pool.fetchval("SELECT display_name FROM actors WHERE uri = $1", nora.id) == "Nora"


async def test_actor_that_has_no_more_to_say_is_taken_as_it_is(world: World) -> None:
    """A server whose actors are bare to either signature is asked with the other one once, not for each."""
    birch = world.remote.host("birch")
    birch.schemes = frozenset()
    for name in ("nora", "olaf"):
        assert (await world.resolver.actor(birch.actor(name, "misskey").id)).username == name
    assert (asked(birch, "nora"), asked(birch, "olaf")) == (2, 1)


async def test_what_either_signature_is_refused_is_refused(world: World) -> None:
    """Where both schemes get 404 the actor is not there, and draft-cavage goes first as before."""
    birch = world.remote.host("birch")
    birch.schemes = frozenset()
    with pytest.raises(Rejected):
        await world.resolver.actor(birch.actor("nora", "threads").id)
    birch.schemes = frozenset({"cavage"})
    await world.resolver.actor(birch.actor("olaf", "threads").id)
    assert (asked(birch, "nora"), asked(birch, "olaf")) == (2, 1)


@pytest.mark.parametrize(
    ("accept", "knocks"),
    [
        (PROFILED, 2),
        ("application/activity+json", 3),
    ],
)
async def test_accept_is_found_and_remembered(world: World, accept: str, knocks: int) -> None:
    """After a 406 other Accepts are tried; what a host took is its first from then on, for all processes."""
    birch = world.remote.host("birch")
    birch.accept = accept
    await world.resolver.actor(birch.actor("nora").id)
    await world.resolver.actor(birch.actor("olaf").id)
    assert (asked(birch, "nora"), asked(birch, "olaf")) == (knocks, 1)
    async with world.pool.acquire() as conn:
        report = await console_reads.host_by_name(conn, birch.authority)
    assert report is not None
    assert report.fetch_accept == accept
    assert (await Accepts(world.pool).of(birch.authority))[0] == accept


async def test_accept_that_is_taken_no_more_is_given_up(world: World) -> None:
    """A host that comes to take the usual Accept alone is asked by that again, and nothing is noted of it."""
    birch = world.remote.host("birch")
    birch.accept = PROFILED
    await world.resolver.actor(birch.actor("nora").id)
    birch.accept = ACCEPTS[0]
    await world.resolver.actor(birch.actor("olaf").id)
    await world.resolver.actor(birch.actor("petra").id)
    assert (asked(birch, "olaf"), asked(birch, "petra")) == (2, 1)
    async with world.pool.acquire() as conn:
        assert await peer_profiles.accepts(conn) == {}


async def test_host_that_takes_no_accept_is_refused(world: World) -> None:
    """Where every Accept gets 406 the document cannot be had, after three tries."""
    birch = world.remote.host("birch")
    birch.accept = "text/turtle"
    with pytest.raises(Rejected):
        await world.resolver.actor(birch.actor("nora").id)
    assert asked(birch, "nora") == 3
