"""The few calls to RabbitMQ's management API that set up a virtual host."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit, urlunsplit

from deploy.local.paths import SetupError
from deploy.local.urls import credentials_of

_DEADLINE = 10.0
_NOT_FOUND = 404


def listens(management_url: str, port: int) -> bool:
    """Tell whether the node is up and takes AMQP connections on this port."""
    try:
        _call(management_url, "GET", f"/api/health/checks/port-listener/{port}")
    except (OSError, urllib.error.URLError):
        return False
    return True


def create_vhost(management_url: str, name: str) -> None:
    """Make sure that a virtual host exists and that we may use it.

    Raises:
        SetupError: the broker does not let us.
    """
    user, _ = credentials_of(management_url)
    vhost = quote(name, safe="")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    try:
        _call(management_url, "PUT", f"/api/vhosts/{vhost}", {})
        _call(management_url, "PUT", f"/api/permissions/{vhost}/{quote(user, safe='')}", everything)
    except (OSError, urllib.error.URLError) as problem:
        raise SetupError(
            f"The broker's management API did not create the virtual host {name!r}: {problem}"
        ) from problem


def delete_vhost(management_url: str, name: str) -> None:
    """Remove a virtual host with all its queues; one that is gone already is fine."""
    try:
        _call(management_url, "DELETE", f"/api/vhosts/{quote(name, safe='')}")
    except urllib.error.HTTPError as problem:
        if problem.code != _NOT_FOUND:
            raise


def _call(management_url: str, method: str, path: str, body: object | None = None) -> None:
    parts = urlsplit(management_url)
    host = parts.netloc.rpartition("@")[2]
    token = base64.b64encode(":".join(credentials_of(management_url)).encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the address is our own broker's
        urlunsplit((parts.scheme, host, parts.path.rstrip("/") + path, "", "")),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_DEADLINE) as answer:
        answer.read()
