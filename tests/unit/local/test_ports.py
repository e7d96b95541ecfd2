"""Ports: all on loopback, movable together, never taken from somebody else."""

import socket
from pathlib import Path

import pytest

from deploy.local.paths import SetupError
from deploy.local.ports import (
    free_server_ports,
    parse_shift,
    refuse_taken,
    server_ports,
    settled_shift,
)
from deploy.local.sites import local_sites


def all_ports(shift: int) -> list[int]:
    """Every port of both sites and their servers."""
    named = [server_ports(shift).named(), *(site.ports_in_use() for site in local_sites(shift))]
    return [port for ports in named for port in ports.values()]


@pytest.mark.parametrize("shift", [0, 1000, 20_000])
def test_no_port_is_used_twice(shift: int) -> None:
    """Servers, fronts, services and health checks all have a port of their own."""
    ports = all_ports(shift)
    assert len(ports) == len(set(ports))


def test_the_agreed_ports_without_a_shift() -> None:
    """The ports that people are told to look at are where they are told to look."""
    loom, mast = local_sites(0)
    assert (loom.origin, loom.console) == ("http://loom.localhost:8080", "http://127.0.0.1:8081")
    assert (mast.origin, mast.console) == ("http://mast.localhost:8090", "http://127.0.0.1:8091")
    assert (server_ports(0).broker, server_ports(0).postgres) == (5673, 5433)


@pytest.mark.parametrize("wish", ["x", "-1", "1.5", "70000", "40000"])
def test_a_shift_that_cannot_be_is_refused(wish: str) -> None:
    """Only a number that keeps every port below 65,536 is taken, and the refusal names the variable."""
    with pytest.raises(SetupError, match="HEDDLE_LOCAL_PORT_SHIFT"):
        parse_shift({"HEDDLE_LOCAL_PORT_SHIFT": wish})


def test_the_largest_shift_stays_within_bounds() -> None:
    """The largest shift that is taken leaves no port out of range."""
    shift = parse_shift({"HEDDLE_LOCAL_PORT_SHIFT": str(65_535 - 25_673)})
    assert shift is not None
    assert max(all_ports(shift)) <= 65_535


def test_the_first_start_settles_the_shift(tmp_path: Path) -> None:
    """Later starts without a wish use the shift of the first; another wish is refused."""
    file = tmp_path / "data" / "ports.json"
    assert settled_shift(500, file) == 500
    assert settled_shift(None, file) == 500
    with pytest.raises(SetupError, match="500"):
        settled_shift(0, file)


def test_a_taken_port_is_named() -> None:
    """Somebody else's port is refused in one line with its number and its use."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SetupError, match=rf"Port {port} \(Postgres\)"):
            refuse_taken({"Postgres": port})


def test_free_ports_can_be_listened_on() -> None:
    """The ports picked for a test run are free and differ from each other."""
    named = free_server_ports().named()
    assert len(set(named.values())) == len(named)
    refuse_taken(named)
