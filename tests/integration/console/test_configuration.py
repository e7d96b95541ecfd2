"""Wrong configuration, outages, and `heddle doctor`."""

from tests.infrastructure import Infrastructure
from tests.integration.console.command_line import ORIGIN, SECRET, Heddle
from tests.ports import free_port


async def test_missing_settings_are_a_line_each_and_exit_two() -> None:
    """A command without its settings names each of them in a line of its own, without a secret, exit 2."""
    outcome = await Heddle()("account", "list", code=2)
    assert outcome.err.splitlines() == [
        "heddle: HEDDLE_ORIGIN is not set",
        "heddle: HEDDLE_DATABASE_URL is not set",
    ]
    wrong = Heddle(
        {
            "HEDDLE_ORIGIN": "nonsense",
            "HEDDLE_DATABASE_URL": "mysql://hidden:password@x/",
            "HEDDLE_SECRET_KEY": "short",
        }
    )
    refused = await wrong("migrate", code=2)
    assert len(refused.err.splitlines()) == 3
    assert "password" not in refused.err
    assert "short" not in refused.err


async def test_a_database_or_broker_that_is_away_is_one_line_and_exit_one(heddle: Heddle) -> None:
    """When database, broker or management do not answer, commands say which and where in one line, exit 1."""
    nowhere = f"127.0.0.1:{free_port()}"
    for command, setting, url in (
        (("account", "list"), "HEDDLE_DATABASE_URL", f"postgresql://user:secretword@{nowhere}/x"),
        (("dead", "list"), "HEDDLE_BROKER_URL", f"amqp://user:secretword@{nowhere}/x"),
        (("queue", "list"), "HEDDLE_BROKER_MANAGEMENT_URL", f"http://user:secretword@{nowhere}"),
    ):
        outcome = await heddle(*command, code=1, **{setting: url})
        assert outcome.err.startswith("heddle: the ")
        assert f"at {nowhere}" in outcome.err
        assert "does not answer" in outcome.err
        assert outcome.err.count("\n") == 1, outcome.err
        assert "secretword" not in outcome.err


async def test_the_doctor_finds_a_healthy_site_healthy(heddle: Heddle) -> None:
    """`doctor` finds nothing failed on a migrated site whose database and broker answer."""
    findings = (await heddle("doctor", "--offline", "--json")).records()
    verdicts = {(finding["check"], finding["verdict"]) for finding in findings}
    assert {("configuration", "ok"), ("database", "ok"), ("keys", "ok"), ("broker", "ok")} <= verdicts
    assert all(finding["verdict"] != "failed" for finding in findings)


async def test_the_doctor_names_what_is_wrong(heddle: Heddle, own_database_url: str) -> None:
    """`doctor` exits 1 and names a wrong secret key, a broker that is away and an origin nobody serves."""
    nowhere = f"127.0.0.1:{free_port()}"
    other_key = await heddle("doctor", "--offline", code=1, HEDDLE_SECRET_KEY=SECRET[::-1])
    assert "FAILED   keys: HEDDLE_SECRET_KEY" in other_key.out
    no_broker = await heddle("doctor", "--offline", code=1, HEDDLE_BROKER_URL=f"amqp://{nowhere}/")
    assert "FAILED   broker" in no_broker.out
    assert "ok       database" in no_broker.out
    unserved = await heddle("doctor", code=1, HEDDLE_ORIGIN=f"http://loom.localhost:{free_port()}")
    assert "FAILED   address" in unserved.out
    unset = await Heddle({"HEDDLE_DATABASE_URL": own_database_url})("doctor", "--json", code=1)
    problems = " ".join(str(finding["text"]) for finding in unset.records())
    assert "HEDDLE_SECRET_KEY is not set" in problems


async def test_the_doctor_asks_for_migrations(infrastructure: Infrastructure, own_broker_url: str) -> None:
    """`doctor`, and every command that finds our tables missing, asks for a migration."""
    empty = Heddle(
        {
            "HEDDLE_ORIGIN": ORIGIN,
            "HEDDLE_DATABASE_URL": infrastructure.database_url,
            "HEDDLE_BROKER_URL": own_broker_url,
            "HEDDLE_BROKER_MANAGEMENT_URL": infrastructure.management_url,
            "HEDDLE_SECRET_KEY": SECRET,
            "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
        }
    )
    assert "run heddle migrate" in (await empty("doctor", "--offline", code=1)).out
    assert "migrate" in (await empty("host", "list", code=1)).err
