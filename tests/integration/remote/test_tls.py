"""TLS: certificates are checked, and roots come from where operators put them."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.remote.errors import TlsFailed
from shared.remote.tls import tls_context
from tests.integration.remote.conftest import NoNames
from tests.integration.remote.raw import read_request

ORIGIN = "birch.localhost"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a certificate for one name, signed by itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ORIGIN)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ORIGIN)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, key_file


@pytest.fixture
def fresh_context() -> Iterator[None]:
    """Let the test make a TLS context of its own."""
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


async def _get(url_host: str, certificate: tuple[Path, Path]) -> bytes:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    policy = PeerPolicy(allow_private=True)
    try:
        async with GuardedClient(policy, user_agent="t", lookup=NoNames()) as client:
            return (await client.get(f"https://{url_host}:{port}/", accept="*/*", deadline=5)).body
    finally:
        server.close()


@pytest.mark.usefixtures("fresh_context")
async def test_a_trusted_certificate(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Roots in SSL_CERT_FILE are trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert await _get(ORIGIN, certificate) == b"ok"


@pytest.mark.usefixtures("fresh_context")
async def test_a_certificate_for_another_name(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trusted certificate counts for the host it names, and for no other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with pytest.raises(TlsFailed):
        await _get("cedar.localhost", certificate)


@pytest.mark.usefixtures("fresh_context")
async def test_an_unknown_certificate(certificate: tuple[Path, Path]) -> None:
    """A certificate that nobody vouches for ends the connection, without anything being sent."""
    with pytest.raises(TlsFailed):
        await _get(ORIGIN, certificate)


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
