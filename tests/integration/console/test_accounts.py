"""`heddle migrate`, `account` and `token`."""

import asyncio

from shared.database.accounts import password_hash
from shared.database.pool import Connection, connect
from tests.infrastructure import Infrastructure
from tests.infrastructure import database as empty_database
from tests.integration.console.command_line import ORIGIN, SECRET, Heddle


async def test_an_account_comes_with_a_token_that_opens_it(heddle: Heddle, database: Connection) -> None:
    """`account create` prints id, name, token and a made-up password as JSON, all of them valid."""
    made = (await heddle("account", "create", "ada", "--display-name", "Ada L.", "--federate")).record()
    assert made["acct"] == "ada"
    assert set(made) == {"id", "acct", "access_token", "password"}
    token_of = "SELECT account_id FROM oauth_tokens WHERE token_hash = sha256($1::text::bytea)"
    assert await database.fetchval(token_of, made["access_token"]) == int(str(made["id"]))
    assert str(await password_hash(database, "ada")).startswith("$argon2id$")
    shown = (await heddle("account", "show", "ada", "--json")).record()
    assert shown["display_name"] == "Ada L."
    assert shown["federated"] is True
    assert shown["uri"] == f"{ORIGIN}/users/{made['id']}"


async def test_a_given_password_is_never_printed(heddle: Heddle) -> None:
    """A password that was given, as an option or in the environment, does not come back."""
    made = await heddle("account", "create", "ada", "--password", "correct horse battery")
    assert "correct" not in made.out + made.err
    second = await heddle("account", "create", "grace", HEDDLE_ACCOUNT_PASSWORD="correct horse battery")
    assert "password" not in second.record()


async def test_making_an_account_twice_fails_unless_that_is_fine(heddle: Heddle) -> None:
    """A second `account create` of a name exits 1 in one line; with --if-missing it gives a new token."""
    first = (await heddle("account", "create", "ada")).record()
    refused = await heddle("account", "create", "ADA", code=1)
    assert refused.out == ""
    assert refused.err.startswith("heddle: There is an account")
    assert refused.err.count("\n") == 1
    again = (await heddle("account", "create", "ada", "--if-missing")).record()
    assert again["id"] == first["id"]
    assert again["access_token"] != first["access_token"]
    assert "password" not in again


async def test_a_name_that_cannot_be_is_refused(heddle: Heddle) -> None:
    """A name with other than up to 30 letters, digits and underscores is refused with exit 1."""
    names = ("", "a b", "<script>", "a" * 31, "ada.l")
    for refused in await asyncio.gather(*(heddle("account", "create", name, code=1) for name in names)):
        assert refused.err.startswith("heddle: ")


async def test_sharing_and_suspending_show_in_the_list(heddle: Heddle) -> None:
    """`account federate` and `suspend` change what `account list` says, and may be repeated."""
    await heddle("account", "create", "ada")
    await heddle("account", "create", "grace")
    for _ in range(2):
        await heddle("account", "federate", "ada")
        await heddle("account", "suspend", "grace")
    listed = (await heddle("account", "list", "--json")).records()
    assert [account["acct"] for account in listed] == ["ada", "grace"]
    assert [account["federated"] for account in listed] == [True, False]
    assert [account["suspended_at"] is None for account in listed] == [True, False]
    await heddle("token", "create", "grace", code=1)
    table = (await heddle("account", "list")).out
    assert "ada" in table
    assert "grace" in table


async def test_suspending_revokes_every_token(heddle: Heddle, database: Connection) -> None:
    """A suspended account's tokens open nothing any more."""
    await heddle("account", "create", "ada")
    await heddle("token", "create", "ada")
    await heddle("account", "suspend", "ada")
    assert await database.fetchval("SELECT count(*) FROM oauth_tokens") == 0


async def test_a_token_has_the_scopes_asked_for(heddle: Heddle, database: Connection) -> None:
    """`token create --scopes` grants these and no others; an unknown scope is refused."""
    await heddle("account", "create", "ada")
    made = (await heddle("token", "create", "ada", "--scopes", "read write:statuses")).record()
    scopes = "SELECT scopes FROM oauth_tokens WHERE token_hash = sha256($1::text::bytea)"
    assert await database.fetchval(scopes, made["access_token"]) == ["read", "write:statuses"]
    await heddle("token", "create", "ada", "--scopes", "admin", code=1)


async def test_who_does_not_exist_cannot_be_changed(heddle: Heddle) -> None:
    """Commands about an account that is not there exit 1 and say so."""
    for command in (
        ("account", "show"),
        ("account", "federate"),
        ("account", "suspend"),
        ("token", "create"),
    ):
        assert "nobody" in (await heddle(*command, "nobody", code=1)).err


async def test_migrating_makes_tables_and_instance_actor_and_may_be_repeated(
    infrastructure: Infrastructure,
) -> None:
    """`migrate` turns an empty database into a site with an instance actor; again, it changes nothing."""
    with empty_database(infrastructure.database_url, "template0") as url:
        site = {"HEDDLE_ORIGIN": ORIGIN, "HEDDLE_DATABASE_URL": url, "HEDDLE_SECRET_KEY": SECRET}
        heddle = Heddle({**site, "HEDDLE_ALLOW_PRIVATE_PEERS": "true"})
        assert "applied 0001" in (await heddle("migrate")).err
        assert "up to date" in (await heddle("migrate")).err
        conn = await connect(url, application_name="test")
        try:
            actors = await conn.fetch("SELECT uri FROM actors")
        finally:
            await conn.close()
        assert [actor["uri"] for actor in actors] == [f"{ORIGIN}/actor"]
