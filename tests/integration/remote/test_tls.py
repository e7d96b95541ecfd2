"""TLS: certificates are checked, and roots come from where operators put them."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.remote.errors import TlsFailed
from shared.remote.tls import Sessions, tls_context
from tests.integration.remote.conftest import NoNames
from tests.integration.remote.raw import read_request

ORIGIN = "birch.localhost"


def _certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """Return the files of a certificate for these names, signed by itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, key_file


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a certificate for one name, and of its key."""
    return _certificate(tmp_path, ORIGIN)


@pytest.fixture
def fresh_context() -> Iterator[None]:
    """Let the test make a TLS context of its own."""
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


@asynccontextmanager
async def _served(certificate: tuple[Path, Path], resumed: list[bool]) -> AsyncIterator[int]:
    """Serve one answer a connection over TLS; yield the port, and note of each whether it was resumed."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        resumed.append(writer.get_extra_info("ssl_object").session_reused)
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        await reader.read()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _client() -> GuardedClient:
    return GuardedClient(PeerPolicy(allow_private=True), user_agent="t", lookup=NoNames())


async def _get(url_host: str, certificate: tuple[Path, Path]) -> bytes:
    async with _served(certificate, []) as port, _client() as client:
        return (await client.get(f"https://{url_host}:{port}/", accept="*/*", deadline=5)).body


async def _post(url_host: str, certificate: tuple[Path, Path]) -> bytes:
    async with _served(certificate, []) as port, _client() as client:
        return (await client.post(f"https://{url_host}:{port}/", b"{}", deadline=5)).excerpt


both = pytest.mark.parametrize("ask", [_get, _post])
Ask = Callable[[str, tuple[Path, Path]], Awaitable[bytes]]


@both
@pytest.mark.usefixtures("fresh_context")
async def test_a_trusted_certificate(
    ask: Ask, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roots in SSL_CERT_FILE are trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert await ask(ORIGIN, certificate) == b"ok"


@both
@pytest.mark.usefixtures("fresh_context")
async def test_a_certificate_for_another_name(
    ask: Ask, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trusted certificate counts for the host it names, and for no other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with pytest.raises(TlsFailed):
        await ask("cedar.localhost", certificate)


@both
@pytest.mark.usefixtures("fresh_context")
async def test_an_unknown_certificate(ask: Ask, certificate: tuple[Path, Path]) -> None:
    """A certificate that nobody vouches for ends the connection, without anything being sent."""
    with pytest.raises(TlsFailed):
        await ask(ORIGIN, certificate)


@pytest.mark.usefixtures("fresh_context")
def test_roots_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any roots of the system's those of certifi are used."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    assert tls_context().cert_store_stats()["x509_ca"] > 50


def test_one_context_per_process() -> None:
    """A TLS context is expensive, so there is one."""
    assert tls_context() is tls_context()
    assert tls_context().verify_mode is ssl.CERT_REQUIRED
    assert tls_context().check_hostname


@pytest.mark.usefixtures("fresh_context")
async def test_a_session_is_resumed(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second connection of deliveries to a host goes on where the first one's handshake ended."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    resumed: list[bool] = []
    async with _served(certificate, resumed) as port, _client() as client:
        for _ in range(3):
            assert (await client.post(f"https://{ORIGIN}:{port}/", b"{}", deadline=5)).status == 200
    assert resumed == [False, True, True]


@pytest.mark.usefixtures("fresh_context")
async def test_a_session_is_no_substitute_for_a_certificate(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes over a host's address has nothing of the session that we have with the host."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    stranger = _certificate(tmp_path, "stranger.localhost", ORIGIN)
    async with _client() as client:
        async with _served(certificate, []) as port:
            await client.post(f"https://{ORIGIN}:{port}/", b"{}", deadline=5)
        assert tls_context().sessions.find(ORIGIN) is not None
        async with _served(stranger, []) as port:
            with pytest.raises(TlsFailed):
                await client.post(f"https://{ORIGIN}:{port}/", b"{}", deadline=5)


@pytest.mark.usefixtures("fresh_context")
async def test_a_session_counts_for_a_while(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a session is resumed, after its time the certificate is looked at again."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    resumed: list[bool] = []
    async with _served(certificate, resumed) as port, _client() as client:
        await client.post(f"https://{ORIGIN}:{port}/", b"{}", deadline=5)
        begun = time.monotonic()
        await client.post(f"https://{ORIGIN}:{port}/", b"{}", deadline=5)
        # As long as the first handshake is past, while the second connection is younger.
        monkeypatch.setattr("shared.remote.tls.SESSION_AGE", time.monotonic() - begun)
        await client.post(f"https://{ORIGIN}:{port}/", b"{}", deadline=5)
    assert resumed == [False, True, False]


@pytest.mark.usefixtures("fresh_context")
async def test_sessions_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more hosts than are remembered, those that were spoken with longest ago shake hands anew."""
    names = [f"{letter}.localhost" for letter in "abc"]
    certificate = _certificate(tmp_path, *names)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    tls_context().sessions = Sessions(size=2)
    resumed: list[bool] = []
    async with _served(certificate, resumed) as port, _client() as client:
        for name in (*names, "c.localhost", "a.localhost"):
            await client.post(f"https://{name}:{port}/", b"{}", deadline=5)
    assert resumed == [False, False, False, True, False]
    assert len(tls_context().sessions) == 2
