"""Which signature a server takes on a GET: the other one is tried where it has to be, and remembered."""

import pytest

from shared.protocol.errors import Rejected
from tests.fakes.remote_host import RemoteHost
from tests.integration.world import World


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
