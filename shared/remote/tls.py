"""One TLS context for all outgoing connections: making one costs 18 ms."""

import os
import ssl
import time
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

import certifi

SESSIONS = 4096
"""Hosts whose sessions are remembered, about 5 KB each."""

SESSION_AGE = 3600.0
"""Seconds after which a host proves its certificate again."""


class Sessions:
    """TLS sessions by host: resuming one saves both sides most of the handshake.

    A session stands for a certificate that was checked for that very host name, in this process, within the
    hour.

    Args:
        size: How many hosts; those that were used longest ago are forgotten first.
    """

    def __init__(self, size: int = SESSIONS) -> None:
        self._size = size
        self._kept: OrderedDict[str, tuple[ssl.SSLSession, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, host: str, tls: ssl.SSLObject) -> None:
        """Remember the session of a connection to this host, once its ticket has arrived."""
        session = tls.session
        if session is None or not session.has_ticket:
            return
        now = time.monotonic()
        # What was resumed goes back to an earlier proof, and is no younger than that.
        since = self._kept.get(host, (session, now))[1] if tls.session_reused else now
        self._kept[host] = session, since
        self._kept.move_to_end(host)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def find(self, host: str) -> ssl.SSLSession | None:
        """Return the session of a host that is to be resumed."""
        session, since = self._kept.get(host, (None, 0.0))
        if session is not None and time.monotonic() - since > SESSION_AGE:
            del self._kept[host]
            return None
        return session


class ResumingContext(ssl.SSLContext):
    """A client's context whose connections take up the sessions of earlier ones.

    Event loops offer no way to hand a session over, but all of them ask the context for the TLS side.
    """

    sessions: Sessions

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Return the TLS side of a connection, with the host's session where there is one."""
        if session is None and isinstance(server_hostname, str):
            session = self.sessions.find(server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


@lru_cache(maxsize=1)
def tls_context() -> ResumingContext:
    """Return the context of this process.

    Roots come from `SSL_CERT_FILE` or the system; where neither has any, from certifi.
    """
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)  # which checks certificates and host names
    context.sessions = Sessions()
    context.load_default_certs()
    if not _has_roots():
        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _has_roots() -> bool:
    paths = ssl.get_default_verify_paths()
    file = os.environ.get(paths.openssl_cafile_env) or paths.openssl_cafile
    folder = os.environ.get(paths.openssl_capath_env) or paths.openssl_capath
    if Path(file).is_file():
        return True
    return Path(folder).is_dir() and any(Path(folder).iterdir())
