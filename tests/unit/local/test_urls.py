"""Addresses of databases and brokers."""

import pytest

from deploy.local.urls import credentials_of, with_path, with_user, without_password


@pytest.mark.parametrize(
    ("url", "name", "result"),
    [
        ("amqp://u:p@h:5672", "loom", "amqp://u:p@h:5672/loom"),
        ("amqp://u:p@h:5672/%2F", "loom", "amqp://u:p@h:5672/loom"),
        ("amqp://u:p@h:5672/old?heartbeat=5", "/", "amqp://u:p@h:5672/%2F?heartbeat=5"),
        (
            "postgresql://h/postgres?sslmode=require",
            "heddle_loom",
            "postgresql://h/heddle_loom?sslmode=require",
        ),
    ],
)
def test_another_database_or_vhost_of_the_same_server(url: str, name: str, result: str) -> None:
    """Only the path changes; options stay, and a slash in a name is escaped."""
    assert with_path(url, name) == result


def test_a_shown_address_has_no_password() -> None:
    """The user is shown, the password never."""
    assert without_password("amqp://heddle:s3cret@127.0.0.1:5673/loom") == "amqp://heddle@127.0.0.1:5673/loom"
    assert without_password("postgresql://127.0.0.1/x") == "postgresql://127.0.0.1/x"


def test_credentials_with_awkward_signs_survive() -> None:
    """What is put in comes out."""
    url = with_user("postgresql://old:pw@h:1/db", "a@b", "p:/@ss")
    assert credentials_of(url) == ("a@b", "p:/@ss")
    assert url.endswith("@h:1/db")
