"""The small parsers of what other servers say beside their documents: a value or a refusal, and at once."""

import asyncio
import contextlib
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.protocol.errors import Rejected
from shared.protocol.key_formats import read_multikey, read_pem
from shared.protocol.synchronization import read_synchronization
from shared.remote.documents import is_activity_type, is_json_type, is_webfinger_type
from shared.remote.errors import AnswerBroken
from shared.remote.http1 import EXCERPT, Connection
from shared.remote.retry_after import read_retry_after
from shared.remote.urls import canonical, destination
from shared.resolution.handles import read_handle
from shared.signatures.dates import read_date
from shared.signatures.keys import pem_to_der
from shared.signatures.multikey import decode_multikey
from tests.cpu import BOUND, cost_of

_NOW = datetime(2026, 9, 14, tzinfo=UTC)
_PEM = "-----BEGIN PUBLIC KEY-----\n"
PARSERS: Mapping[str, tuple[Callable[[str], object], tuple[str, ...]]] = {
    "PEM": (read_pem, (_PEM, "-----END PUBLIC KEY-----", "MIIBIjAN", "=", "\n", " ")),
    "PEM, checked": (pem_to_der, (_PEM, "-----END PUBLIC KEY-----", "MIIBIjAN", "=", "\n", " ")),
    "Multikey": (read_multikey, ("z", "6Mk", "4MX", "1", "0", "\U0001d7d8")),
    "Multikey, checked": (decode_multikey, ("z", "6Mk", "4MX", "1", "0")),
    "Collection-Synchronization": (
        read_synchronization,
        ('collectionId="https://a.example/f"', 'digest="', "00", '"', ",", " ", "="),
    ),
    "Retry-After": (
        lambda text: read_retry_after(text, _NOW),
        ("9", "\u0661", "Mon, ", "01 Jan 2026", " GMT", ":"),
    ),
    "Date": (read_date, ("Mon, ", "01 Jan 2026", " 00:00:00", " GMT", "+0000", "9", ":")),
    "Content-Type of documents": (
        is_activity_type,
        ("application/ld+json", ";", " profile=", '"', "=", "charset"),
    ),
    "Content-Type of WebFinger": (is_webfinger_type, ("application/jrd+json", ";", " ")),
    "Content-Type of NodeInfo": (is_json_type, ("application/", "+json", ";", " ")),
    "a handle": (read_handle, ("@", "acct:", "a", ".", "xn--", "\u202e", ":80", "[::1]")),
    "a URL": (canonical, ("https://", "a", ".", "xn--", "[", "]", "%2e", "@", ":", "/", "?", "#", "\u3002")),
    "an inbox": (destination, ("https://", "a", ".", "[", "]", "%2e", "@", ":", "/", "?", "#")),
}
_TEXTS = st.text(max_size=60) | st.text(string.printable, max_size=60)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("parser", PARSERS)
@given(data=st.data())
def test_any_text_is_read_or_refused(parser: str, data: st.DataObject) -> None:
    """Whatever stands there, a parser returns or refuses."""
    read, pieces = PARSERS[parser]
    parts = data.draw(st.lists(st.sampled_from(pieces) | _TEXTS, max_size=8))
    with contextlib.suppress(Rejected):
        read("".join(parts))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("parser", PARSERS)
@given(data=st.data())
def test_no_repetition_costs_more_than_50_ms(parser: str, data: st.DataObject) -> None:
    """Whatever is repeated however often, a parser is done within 50 ms of CPU."""
    read, pieces = PARSERS[parser]
    head = data.draw(st.sampled_from(["", *pieces]))
    piece = "".join(data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=3)))
    for length in (2_000, 200_000):
        text = (head + piece * (length // len(piece) + 1))[:length]
        assert cost_of(lambda text=text: read(text)) < BOUND  # type: ignore[misc]  # bound early


_LINES = st.sampled_from(
    [
        b"HTTP/1.1 202 Accepted\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/9.9 1\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Retry-After: 5\r\n",
        b"Connection: upgrade\r\nUpgrade: x\r\n",
        b"\r\n",
        b"fff\r\n",
        b"0\r\n\r\n",
        b" folded\r\n",
    ]
)


class _Transport(asyncio.Transport):
    """A way out that leads nowhere."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes."""

    def abort(self) -> None:
        """Close."""


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINES | st.binary(max_size=30), max_size=10))
def test_any_answer_to_a_delivery_ends(pieces: list[bytes]) -> None:
    """Whatever bytes come for an answer, in whatever pieces, it is an answer or a broken one."""

    async def exchange() -> None:
        connection = Connection("a.example")
        connection.connection_made(_Transport())
        answering = asyncio.ensure_future(connection.exchange(b"POST", asyncio.get_running_loop().time() + 5))
        await asyncio.sleep(0)
        for piece in pieces:
            connection.data_received(piece)
        connection.connection_lost(None)
        with contextlib.suppress(AnswerBroken):
            answer = await answering
            assert 200 <= answer.status <= 999
            assert len(answer.body) <= EXCERPT

    asyncio.run(exchange())
