"""Actors, their keys and the accounts here."""

import asyncpg
import pytest

from shared.database import accounts, actors, keys
from shared.database.accounts import NewAccount, create_local, open_keys, sealed_keys
from shared.database.actors import RemoteActor
from shared.database.instance import ensure_instance_actor, instance_actor_id
from shared.database.pool import Connection, Pool
from shared.database.worker_ids import id_generator
from shared.protocol.identifiers import IdGenerator
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import ActorProfile, Field, PublicKey
from shared.signatures.sealing import SealBroken
from tests.builders import parsed

SECRET = "a secret key for tests only, 32+ characters"
URIS = LocalUris("http://loom.localhost:8080")
EDITH = "https://weave.example/users/edith"


def _key(owner: str, name: str = "main-key", der: bytes = b"der") -> PublicKey:
    return PublicKey(id=f"{owner}#{name}", owner=owner, algorithm="rsa", der=der)


async def _store(conn: Connection, ids: IdGenerator, *profiles: ActorProfile) -> dict[str, int]:
    known = [RemoteActor(profile=profile, domain="weave.example") for profile in profiles]
    async with conn.transaction():
        return await actors.upsert_remote(conn, known, ids)


async def test_profile_is_stored_and_renewed(conn: Connection, ids: IdGenerator) -> None:
    """Storing a profile again keeps the id and takes the new contents."""
    first = await _store(conn, ids, parsed.profile(EDITH, also_known_as=("https://old.example/e",)))
    fields = (Field(name="Loom", value="<b>eight shafts</b>"),)
    second = await _store(conn, ids, parsed.profile(EDITH, name="Edith W", fields=fields, locked=True))
    assert first == second
    row = await conn.fetchrow("SELECT * FROM actors WHERE id = $1", first[EDITH])
    assert row is not None
    assert (row["display_name"], row["locked"], row["also_known_as"]) == ("Edith W", True, [])
    assert row["fields"] == [{"name": "Loom", "value": "<b>eight shafts</b>"}]


async def test_handle_belongs_to_the_actor_that_webfinger_names(conn: Connection, ids: IdGenerator) -> None:
    """When another actor takes over a handle, it leads to that one, and the former owner is gone."""
    await _store(conn, ids, parsed.profile(EDITH))
    await _store(conn, ids, parsed.profile("https://weave.example/ap/7", username="Edith"))
    found = await actors.by_acct(conn, "EDITH", "Weave.example")
    former = await actors.by_uri(conn, EDITH)
    assert found is not None
    assert former is not None
    assert found.uri == "https://weave.example/ap/7"
    assert former.gone


async def test_local_actor_is_never_overwritten(conn: Connection, ids: IdGenerator) -> None:
    """A remote document that claims a local URI changes nothing."""
    async with conn.transaction():
        ada = await create_local(conn, NewAccount(username="ada"), uris=URIS, ids=ids, secret_key=SECRET)
    assert await _store(conn, ids, parsed.profile(URIS.actor(ada), username="mallory")) == {}
    row = await actors.by_acct(conn, "ada", URIS.account_domain)
    assert row is not None
    assert row.local


async def test_keys_no_longer_listed_are_forgotten(conn: Connection, ids: IdGenerator) -> None:
    """The keys of a profile are the ones that its latest version lists."""
    await _store(conn, ids, parsed.profile(EDITH, keys=(_key(EDITH), _key(EDITH, "old"))))
    await _store(conn, ids, parsed.profile(EDITH, keys=(_key(EDITH, der=b"new"),)))
    known = await keys.by_ids(conn, [f"{EDITH}#main-key", f"{EDITH}#old"])
    assert {key_id: key.der for key_id, key in known.items()} == {f"{EDITH}#main-key": b"new"}


async def test_key_of_a_stranger_cannot_be_claimed(conn: Connection, ids: IdGenerator) -> None:
    """A profile that lists a key id on another server neither takes that key nor stands in its way."""
    mallory = "https://mallory.example/users/m"
    stolen = PublicKey(id=f"{EDITH}#main-key", owner=mallory, algorithm="rsa", der=b"evil")
    await _store(conn, ids, parsed.profile(mallory, keys=(stolen,)))
    assert await keys.by_ids(conn, [stolen.id]) == {}
    await _store(conn, ids, parsed.profile(EDITH, keys=(_key(EDITH),)))
    await _store(conn, ids, parsed.profile(mallory, keys=(stolen,)))
    assert (await keys.by_ids(conn, [stolen.id]))[stolen.id].actor_uri == EDITH


async def test_account_has_keys_that_open_with_the_secret_alone(conn: Connection, ids: IdGenerator) -> None:
    """Private keys are stored sealed: they open under the site's secret key and no other."""
    async with conn.transaction():
        ada = await create_local(conn, NewAccount(username="ada"), uris=URIS, ids=ids, secret_key=SECRET)
    sealed = (await sealed_keys(conn, [ada]))[ada]
    opened = open_keys(SECRET, sealed)
    assert (opened.rsa_id, opened.ed25519_id) == (URIS.main_key(ada), URIS.ed25519_key(ada))
    assert opened.rsa not in sealed.rsa
    with pytest.raises(SealBroken):
        open_keys(SECRET[::-1], sealed)
    assert [key.algorithm for key in await keys.of_actor(conn, ada)] == ["rsa", "ed25519"]


async def test_name_is_taken_once(conn: Connection, ids: IdGenerator) -> None:
    """Two accounts cannot share a name, in whatever case it is written."""
    for name in ("ada", "grace"):
        async with conn.transaction():
            await create_local(conn, NewAccount(username=name), uris=URIS, ids=ids, secret_key=SECRET)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with conn.transaction():
            await create_local(conn, NewAccount(username="ADA"), uris=URIS, ids=ids, secret_key=SECRET)
    assert await accounts.password_hash(conn, "Grace") == ""
    assert await accounts.password_hash(conn, "linus") is None


async def test_instance_actor_is_made_once(pool: Pool, conn: Connection, ids: IdGenerator) -> None:
    """However often the site starts, its instance actor and its key stay the same."""
    assert await instance_actor_id(conn, URIS) is None
    first = await ensure_instance_actor(conn, uris=URIS, ids=ids, secret_key=SECRET)
    async with pool.acquire() as other:
        again = await ensure_instance_actor(other, uris=URIS, ids=ids, secret_key=SECRET)
    assert first == again == await instance_actor_id(conn, URIS)
    assert URIS.instance_key in await keys.by_ids(conn, [URIS.instance_key])


async def test_generators_make_different_ids(conn: Connection) -> None:
    """Every process that asks gets a worker number of its own."""
    generators = [await id_generator(conn) for _ in range(20)]
    made = [generator.next() for _ in range(50) for generator in generators]
    assert len(set(made)) == len(made)
