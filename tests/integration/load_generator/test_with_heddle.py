"""Runs against Heddle itself: its database is read as the witness, and it can be caught cheating."""

from pathlib import Path

import asyncpg
import pytest
from rich.console import Console

from services.load_generator.ledger import Effect, Ledger
from services.load_generator.live import Progress
from services.load_generator.observers import DatabaseObserver
from services.load_generator.options import Options
from services.load_generator.run import Run
from services.load_generator.scenario import read
from shared.runtime.settings import load_settings
from tests.forked import execute
from tests.ports import free_port
from tests.sites import Site, running

pytestmark = pytest.mark.timeout(180)

SCENARIO = """
title = "Everything, shortly"
late_after = 30
drain = 40
[fediverse]
hosts = 6
actors_per_host = 4
shares = { gone = 0.15, strict = 0.15 }
[traffic]
mix = { create = 30, reply = 8, update = 6, delete = 8, like = 12, announce = 8, follow = 8, forged = 6, unsigned = 4, delete_actor = 4 }
rate = 40
seconds = 5
duplicates = 0.1
new_servers = 0.05
personal = 0.2
[posts]
rate = 2
seconds = 2
followers = 6
deleted = 0.5
[limits]
errors = 0
refused = 0
out_of_order = 0
bad_signatures = 0
"""  # noqa: E501 - one line of TOML


async def test_heddle_is_audited_clean_and_its_faults_are_seen(
    own_database_url: str, own_broker_url: str, folder: Path
) -> None:
    """Every acknowledged activity is found applied once, forgeries refused, posts delivered in order.

    Then a stored post is taken away, a post and an edit are applied a second time and a counter is changed
    behind its back, and all four are told.
    """
    # Whose time it is that a process uses is told by the command line that started it.
    site = Site(
        name="loom",
        database_url=own_database_url,
        broker_url=own_broker_url,
        folder=folder,
        launch=execute,
    )
    async with running(site):
        settings = load_settings(site.environment())
        options = Options(origin=site.origin, folder=folder, port=free_port())
        run = Run(read(SCENARIO, "test"), options, settings, Progress(Console(quiet=True)))
        report = await run.go()
    stage = report.stages[0]
    told = (stage.account, stage.outbound and stage.outbound.account, stage.answers, stage.findings)
    assert all(check.passed for check in report.checks), told
    assert report.observers == ["the target's database"]
    assert stage.account.owed == stage.account.settled > 100
    assert set(stage.answers["unsigned"]) == {401}
    assert stage.account.reasons.get("signature_invalid", 0) > 0
    assert stage.findings == []
    assert stage.outbound is not None
    assert stage.outbound.posts == 4
    assert stage.outbound.states["dead"] > 0
    assert {"inbox-receiver", "timeline-builder"} <= set(stage.moments[0].cpu)
    await _is_caught(own_database_url, f"{site.origin}/users/")


async def _is_caught(database_url: str, people: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        loadtest = await connection.fetchval("SELECT uri FROM actors WHERE username = 'loadtest' AND local")
        assert loadtest.startswith(people)
        observer = await DatabaseObserver.open(database_url, [loadtest])
        claims = await connection.fetch(
            """SELECT activity_uri FROM claims
                WHERE type = 'Create' AND NOT local AND outcome = 'applied' LIMIT 2"""
        )
        kept, taken = (row["activity_uri"] for row in claims)
        edited = await connection.fetchval(
            # An edit of this observer's time.
            """UPDATE claims SET applied_at = now()
                WHERE type = 'Update' AND NOT local AND outcome = 'applied' RETURNING activity_uri"""
        )
        ledger = Ledger(late_after=60)
        for key in (kept, taken, edited, "http://nowhere.example/1"):
            ledger.plan(key, since=0)
            ledger.acknowledge(key)
        effects: list[Effect] = await observer.look(ledger.pending())
        ledger.seen_all(effects)
        post = taken.removesuffix("/activity")
        await connection.execute("UPDATE statuses SET uri_hash = 'elsewhere' WHERE uri = $1", post)
        await _apply_again(connection, [kept, edited])
        await connection.execute("UPDATE actors SET followers_count = 7777 WHERE uri = $1", loadtest)
        (finding,) = await observer.confirm(ledger)
        await observer.close()
    finally:
        await connection.close()
    account = ledger.account()
    assert account.settled == 2
    assert account.examples["doubled"] == [kept, edited]
    assert account.examples["lost"] == [taken, "http://nowhere.example/1"]
    assert "the counter says 7777" in finding


async def _apply_again(connection: "asyncpg.Connection[asyncpg.Record]", uris: list[str]) -> None:
    """Write what a builder would write that looks at no other day, and mistakes a copy for another edit."""
    await connection.execute(
        """
        INSERT INTO claims (day, activity_hash, activity_uri, type, actor_uri, outcome, trace, local,
                            received_at)
        SELECT day - (type <> 'Update')::int,
               CASE type WHEN 'Update' THEN substr(sha256(activity_hash), 1, 16) ELSE activity_hash END,
               activity_uri, type, actor_uri, outcome, trace, local, received_at
          FROM claims WHERE activity_uri = ANY($1::text[])
        """,
        uris,
    )
