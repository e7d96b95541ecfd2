"""Settings are read from the environment alone, and every mistake is told at once."""

import ipaddress

import pytest

from shared.runtime.settings import Address, SettingsError, load_settings

GOOD = {
    "HEDDLE_ORIGIN": "https://social.example",
    "HEDDLE_DATABASE_URL": "postgresql://heddle:pw@db.example/heddle",
    "HEDDLE_BROKER_URL": "amqp://heddle:pw@broker.example:5672/heddle",
    "HEDDLE_LISTEN": "127.0.0.1:8000",
    "HEDDLE_OPS_LISTEN": "[::1]:9000",
    "HEDDLE_SECRET_KEY": "k" * 64,
}
NEED = ("origin", "database_url", "broker_url", "listen", "ops_listen", "secret_key")


def problems_of(changes: dict[str, str], need: tuple[str, ...] = NEED) -> tuple[str, ...]:
    """Return what is wrong with a good environment after these changes."""
    with pytest.raises(SettingsError) as caught:
        load_settings({**GOOD, **changes}, need=need)
    return caught.value.problems


def test_a_good_environment_is_read() -> None:
    """What the environment says is what the settings hold, and the rest has its default."""
    settings = load_settings(GOOD, need=NEED)
    assert settings.origin == "https://social.example"
    assert settings.account_domain == "social.example"
    assert settings.listen == Address("127.0.0.1", 8000)
    assert settings.ops_listen == Address("::1", 9000)
    assert str(settings.ops_listen) == "[::1]:9000"
    assert settings.processes == 1
    assert settings.allow_private_peers is False
    assert settings.federation_stage == "full"
    assert (settings.log_format, settings.log_level) == ("json", "info")


def test_a_cluster_has_several_nodes() -> None:
    """The broker's URL may be a list, one for each node."""
    nodes = "amqp://h:p@one.example/x,amqp://h:p@two.example/x"
    assert load_settings({**GOOD, "HEDDLE_BROKER_URL": nodes}, need=NEED).broker_url == nodes


def test_every_problem_is_told_at_once() -> None:
    """Three mistakes give three lines, each with the name of its variable."""
    problems = problems_of({"HEDDLE_ORIGIN": "", "HEDDLE_LISTEN": "8000", "HEDDLE_PROCESSES": "many"})
    assert [line.split()[0] for line in problems] == ["HEDDLE_ORIGIN", "HEDDLE_LISTEN", "HEDDLE_PROCESSES"]
    assert "is not set" in problems[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORIGIN", "social.example"),
        ("ORIGIN", "https://social.example/path"),
        ("ORIGIN", "https://user@social.example"),
        ("ORIGIN", "https://social.example:99999"),
        ("ORIGIN", "http://social.example"),
        ("ACCOUNT_DOMAIN", "https://social.example"),
        ("DATABASE_URL", "mysql://db.example/x"),
        ("BROKER_URL", "http://broker.example"),
        ("BROKER_URL", "amqp:///vhost"),
        ("BROKER_URL", "amqp://one.example/a,amqp://two.example/b"),
        ("BROKER_URL", "amqp://one.example/a,http://two.example/a"),
        ("BROKER_URL", ","),
        ("BROKER_MANAGEMENT_URL", "broker.example:15672"),
        ("LISTEN", "localhost"),
        ("LISTEN", "127.0.0.1:70000"),
        ("OPS_LISTEN", ":9000"),
        ("PROCESSES", "0"),
        ("PROCESSES", "-1"),
        ("SECRET_KEY", "short"),
        ("ALLOW_PRIVATE_PEERS", "127.0.0.1/33"),
        ("AUTHORIZED_FETCH", "maybe"),
        ("FEDERATION_STAGE", "half"),
        ("FEDERATION_STAGE", "shadow"),
        ("FEDERATION_DELAY", "900"),
        ("FEDERATION_DELAY", "soon"),
        ("DELIVERIES_KEPT", "7"),
        ("RECEIPTS_KEPT", "9"),
        ("RECEIPTS_KEPT", "for ever"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_one_line(name: str, value: str) -> None:
    """Each wrong value gives one line that begins with its variable."""
    [problem] = problems_of({f"HEDDLE_{name}": value})
    assert problem.startswith(f"HEDDLE_{name} ")
    assert "\n" not in problem


def test_no_secret_is_told() -> None:
    """Neither a problem nor a printed Settings object shows a password."""
    [problem] = problems_of({"HEDDLE_DATABASE_URL": "mysql://heddle:hunter2@db.example/x"})
    assert "hunter2" not in problem
    settings = load_settings({**GOOD, "HEDDLE_BROKER_URL": "amqp://heddle:hunter2@broker.example/"})
    assert "hunter2" not in repr(settings)
    assert "kkkk" not in repr(settings)


def test_what_is_not_needed_may_be_missing() -> None:
    """A program that names no needs starts in an empty environment."""
    settings = load_settings({})
    assert settings.origin == ""
    assert settings.listen is None


def test_private_peers_are_all_none_or_networks() -> None:
    """Private peers are allowed by a word, or network by network; with them an origin may be http."""
    everything = load_settings(
        {"HEDDLE_ALLOW_PRIVATE_PEERS": "true", "HEDDLE_ORIGIN": "http://a.localhost:8080"}
    )
    assert everything.allow_private_peers is True
    assert everything.origin == "http://a.localhost:8080"
    assert everything.account_domain == "a.localhost:8080"
    some = load_settings({"HEDDLE_ALLOW_PRIVATE_PEERS": "127.0.9.1/32, fd00::/8"})
    assert some.allow_private_peers == (
        ipaddress.ip_network("127.0.9.1/32"),
        ipaddress.ip_network("fd00::/8"),
    )
