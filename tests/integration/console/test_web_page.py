"""The console's web page."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from shared.database import claims, hosts, refusals
from shared.database.claims import Claim
from shared.database.deliveries import State
from shared.database.pool import Connection
from shared.database.refusals import Refusal
from shared.protocol.identifiers import uri_hash
from shared.queue.connection import connect
from tests.infrastructure import Infrastructure
from tests.infrastructure import database as database_of
from tests.integration.console.command_line import ORIGIN
from tests.integration.console.trouble import kill_letters, plan
from tests.integration.console.web_page import console_page, read
from tests.ports import free_port

NOW = datetime.now(UTC)
EVIL = "<script>alert(1)</script>"


@pytest.fixture
async def page(
    infrastructure: Infrastructure, own_database_url: str, own_broker_url: str
) -> AsyncIterator[str]:
    """Yield the address of a console."""
    async with console_page(infrastructure, own_database_url, own_broker_url) as origin:
        yield origin


async def test_an_untouched_site_has_an_overview(page: str) -> None:
    """The overview of a site where nothing ever happened says so, and loads itself again."""
    status, html = await read(page, "/")
    assert status == 200
    assert "No queue has been declared yet" in html
    assert '<meta http-equiv="refresh"' in html
    for path in ("/hosts", "/dead", "/trace"):
        assert (await read(page, path))[0] == 200


async def test_the_overview_shows_what_needs_attention(
    page: str, own_broker_url: str, database: Connection
) -> None:
    """Queues, hosts in trouble, refusals and dead letters are on the overview, each leading on."""
    async with connect(own_broker_url, "test") as broker:
        await broker.wait_until_up()
        await kill_letters(broker, 1)
    trouble = hosts.Trouble(host="fir.example:8443", error=f"connect_failed {EVIL}", at=NOW, next_try_at=NOW)
    await hosts.record_troubles(database, [trouble])
    await refusals.record(database, [_refusal("https://birch.example/activities/1?a=b&c")])
    _, html = await read(page, "/")
    for expected in (
        "inbox.received",
        "deliver.* (32)",
        "fir.example:8443",
        "signature_invalid",
        "birch.example",
    ):
        assert expected in html
    assert EVIL not in html
    assert "/trace?activity=https%3A//birch.example/activities/1%3Fa%3Db%26c" in html
    status, host = await read(page, "/hosts/fir.example%3A8443")
    assert (status, "failing, 1 in a row" in host) == (200, True)
    assert (await read(page, "/hosts/nowhere.example"))[0] == 404


async def test_dead_letters_can_be_read_and_stay(
    page: str, own_broker_url: str, database: Connection
) -> None:
    """The page of dead letters shows reason, contents and the way to replay them, as often as it is read."""
    async with connect(own_broker_url, "test") as broker:
        await broker.wait_until_up()
        await kill_letters(broker, 2)
    await plan(database, {"https://fir.example/inbox": State.DEAD})
    for _ in range(2):
        _, html = await read(page, "/dead")
        assert html.count("<article") == 2
        assert "unreadable" in html
        assert "https://birch.example/activities/1" in html
        assert "heddle dead replay inbox.received --id" in html
        assert "https://fir.example/inbox" in html


async def test_a_journey_can_be_looked_up(page: str, database: Connection) -> None:
    """The form shows what an activity did, why another was refused, and where a third was sent."""
    uri = "https://birch.example/activities/1"
    claim = Claim(
        hash=uri_hash(uri),
        uri=uri,
        type="Create",
        actor_uri="https://birch.example/users/nora",
        trace="a" * 32,
        local=False,
        received_at=NOW,
    )
    await claims.claim(database, [claim])
    await refusals.record(database, [_refusal(f"{uri}/refused")])
    await plan(database, {"https://fir.example/inbox": State.PARKED}, activity=f"{ORIGIN}/activities/5")
    assert "a" * 32 in (await read(page, f"/trace?activity={uri}"))[1]
    assert "signature_invalid" in (await read(page, f"/trace?activity={uri}/refused"))[1]
    assert "answered 503" in (await read(page, f"/trace?activity={ORIGIN}/activities/5"))[1]
    unknown = (await read(page, f"/trace?activity={EVIL}"))[1]
    assert "Nothing is known" in unknown
    assert EVIL not in unknown


async def test_nothing_can_be_changed_and_strangers_are_turned_away(page: str) -> None:
    """The console takes no POST, forbids script, and answers to local names only."""
    port = page.rpartition(":")[2]
    assert (await read(page, "/", Host=f"evil.example:{port}"))[0] == 421
    assert (await read(page, "/", Host=f"localhost:{port}"))[0] == 200
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{page}/dead") as response:
            assert response.status == 405
        async with http.get(page) as response:
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["Cache-Control"] == "no-store"
    assert (await read(page, "/nowhere"))[0] == 404


async def test_what_does_not_answer_is_told_in_its_place(infrastructure: Infrastructure) -> None:
    """With database and broker away the overview still comes, and says what is missing."""
    nowhere = f"127.0.0.1:{free_port()}"
    away = Infrastructure(
        database_url=infrastructure.database_url,
        broker_url=infrastructure.broker_url,
        management_url=f"http://guest:hidden@{nowhere}",
    )
    async with console_page(
        away, f"postgresql://user:hidden@{nowhere}/x", f"amqp://u:hidden@{nowhere}/x"
    ) as origin:
        for path in ("/", "/hosts", "/hosts/fir.example", "/dead", "/trace?activity=x"):
            status, html = await read(origin, path)
            assert status == 200
            assert 'role="alert"' in html
            assert "hidden@" not in html


def _refusal(uri: str) -> Refusal:
    return Refusal(
        activity_uri=uri,
        actor_uri="https://birch.example/users/nora",
        stage="signature_verifier",
        reason="signature_invalid",
        detail=EVIL,
        trace="b" * 32,
    )


async def test_a_database_without_tables_is_told_in_its_place(
    infrastructure: Infrastructure, own_broker_url: str
) -> None:
    """On a database that was never migrated every page comes, and says what to run."""
    with database_of(infrastructure.database_url, "template0") as url:
        async with console_page(infrastructure, url, own_broker_url) as origin:
            for path in ("/", "/hosts", "/trace?activity=x"):
                status, html = await read(origin, path)
                assert status == 200
                assert "run heddle migrate" in html
