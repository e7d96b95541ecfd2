"""Which broker and which database the local sites use."""

from pathlib import Path

import pytest

from deploy.local.paths import Home
from deploy.local.servers import Source, choose_sources, given_by_others, kept_password

BROKER = {"HEDDLE_BROKER_URL": "amqp://b"}
DATABASE = {"HEDDLE_DATABASE_URL": "postgresql://d"}


@pytest.mark.parametrize(
    ("environ", "docker", "broker", "database"),
    [
        ({}, False, Source.EMBEDDED, Source.EMBEDDED),
        ({}, True, Source.DOCKER, Source.DOCKER),
        (BROKER | DATABASE, True, Source.GIVEN, Source.GIVEN),
        (BROKER, True, Source.GIVEN, Source.DOCKER),
        (DATABASE, False, Source.EMBEDDED, Source.GIVEN),
        ({"HEDDLE_BROKER_URL": " "}, False, Source.EMBEDDED, Source.EMBEDDED),
    ],
)
def test_given_before_docker_before_embedded(
    environ: dict[str, str], docker: bool, broker: Source, database: Source
) -> None:
    """An address that is named is used; else an engine that answers; else our own."""
    sources = choose_sources(environ, lambda: docker)
    assert (sources.broker, sources.database) == (broker, database)


def test_our_own_addresses_do_not_count_as_given(tmp_path: Path) -> None:
    """`make run` in a shell that sourced a site's environment uses the same servers as in any other."""
    home = Home(folder=tmp_path)
    ours = f"amqp://heddle:{kept_password(home)}@127.0.0.1:5673/loom"
    environ = {"HEDDLE_BROKER_URL": ours, "HEDDLE_DATABASE_URL": "postgresql://u:p@db/x", "HOME": "/h"}
    assert given_by_others(environ, home) == {"HEDDLE_DATABASE_URL": "postgresql://u:p@db/x", "HOME": "/h"}


def test_docker_is_not_asked_when_both_are_given() -> None:
    """Where nothing is to be started, no engine is bothered."""

    def never() -> bool:
        raise AssertionError("Docker was asked")

    assert choose_sources(BROKER | DATABASE, never).broker is Source.GIVEN
