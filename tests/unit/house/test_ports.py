"""Ports for what tests start: none is given to two."""

from tests.ports import free_server_ports


def test_servers_that_start_later_share_no_port() -> None:
    """The nodes of a cluster have all their ports before the first of them listens: each is another."""
    ports = [port for _ in range(10) for port in free_server_ports().named().values()]
    assert len(ports) == len(set(ports)) == 60
