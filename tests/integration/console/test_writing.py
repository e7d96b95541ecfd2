"""`heddle post` and `follow`."""

import asyncio

from shared.database.pool import Connection
from tests.integration.console.command_line import ORIGIN, Heddle


async def test_a_post_is_published_with_what_was_asked_for(heddle: Heddle, database: Connection) -> None:
    """`post` stores text, warning, language and visibility, names whom it mentions, and tells both queues."""
    await heddle("account", "create", "ada", "--federate")
    await heddle("account", "create", "grace")
    text = "Hello @grace, about #Looms"
    made = (
        await heddle("post", "ada", text, "--visibility", "unlisted", "--cw", "Weaving", "--language", "en")
    ).record()
    assert made["url"] == f"{ORIGIN}/@ada/{made['id']}"
    row = await database.fetchrow("SELECT * FROM statuses WHERE uri = $1", made["uri"])
    assert row is not None
    assert (row["source"], row["spoiler_text"], row["visibility"], row["language"]) == (
        text,
        "Weaving",
        1,
        "en",
    )
    assert await database.fetchval("SELECT count(*) FROM mentions WHERE status_id = $1", row["id"]) == 1
    queues = [one["queue"] for one in await database.fetch("SELECT queue FROM outbox ORDER BY id")]
    assert queues == ["activity.accepted", "fanout.plan"]


async def test_a_post_without_or_with_too_much_text_is_refused(heddle: Heddle) -> None:
    """`post` exits 1 for an empty text and for one that is too long."""
    texts = ("", "   ", "x" * 5001)
    for refused in await asyncio.gather(*(heddle("post", "ada", text, code=1) for text in texts)):
        assert "characters" in refused.err


async def test_wrong_usage_exits_with_two(heddle: Heddle) -> None:
    """An unknown visibility, a missing argument and an unknown command are wrong usage: exit 2."""
    wrong = (
        ("post", "ada", "Hello", "--visibility", "everybody"),
        ("post", "ada"),
        ("weave",),
        ("queue", "pause"),
    )
    await asyncio.gather(*(heddle(*command, code=2) for command in wrong))


async def test_following_somebody_here_holds_at_once(heddle: Heddle, database: Connection) -> None:
    """`follow` of a local account is accepted at once, by name or handle, and may be repeated."""
    await heddle("account", "create", "ada")
    await heddle("account", "create", "grace")
    for acct in ("grace", "@grace@loom.localhost:8080"):
        followed = (await heddle("follow", "ada", acct)).record()
        assert followed == {"follower": "ada", "followee": "grace", "state": "accepted"}
    assert await database.fetchval("SELECT count(*) FROM follows") == 1


async def test_following_nobody_fails_in_a_line(heddle: Heddle) -> None:
    """`follow` of whom nobody knows, of oneself and of an unreachable server exits 1 with one line."""
    await heddle("account", "create", "ada", "--federate")
    people = ("nobody", "ada", "somebody@nowhere.localhost:1", "not a handle")
    for refused in await asyncio.gather(*(heddle("follow", "ada", acct, code=1) for acct in people)):
        assert refused.err.count("\n") == 1, refused.err
