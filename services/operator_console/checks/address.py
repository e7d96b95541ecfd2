"""The site's own address as others see it: DNS, TLS, and what answers there; and the clock behind it."""

import asyncio
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from services.operator_console.checks.findings import Finding, Verdict, failed, ok, warning
from shared.protocol.errors import Rejected, Unavailable
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.remote.errors import DnsFailed
from shared.remote.exchange import Response
from shared.remote.resolver import DnsLookup, Resolver
from shared.remote.tls import tls_context
from shared.runtime.settings import Settings

MIN_CERTIFICATE_DAYS = 14
MAX_SKEW = 30.0
"""Seconds: signatures carry a date, and others allow for a minute at the least."""

_TIMEOUT = 10.0


class _Actor(Struct):
    id: str


async def check_address(settings: Settings) -> list[Finding]:
    """Examine the site from outside, as far as that can be done from here."""
    host = urlsplit(settings.origin).hostname or ""
    dns = await _check_dns(host)
    if dns.verdict is Verdict.FAILED:
        return [dns]
    return [dns, await _check_tls(settings.origin), *await _check_answers(settings)]


async def _check_dns(host: str) -> Finding:
    lookup = DnsLookup()
    resolver = Resolver(lookup)
    try:
        addresses = await resolver.addresses(host)
    except DnsFailed as error:
        return failed("dns", f"{host} has no address: {error}")
    finally:
        await resolver.close()
        await lookup.close()
    return ok("dns", f"{host} is at {', '.join(addresses)}")


async def _check_tls(origin: str) -> Finding:
    parts = urlsplit(origin)
    if parts.scheme != "https":
        return warning("tls", "the origin is plain http, which is for development only")
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=tls_context(), server_hostname=parts.hostname
            )
    except (OSError, ssl.SSLError, TimeoutError) as error:
        return failed("tls", f"{parts.netloc}: {type(error).__name__} {error}")
    certificate = writer.get_extra_info("peercert")
    writer.close()
    del reader
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (expires - datetime.now(UTC)).days
    if days < MIN_CERTIFICATE_DAYS:
        return warning("tls", f"the certificate of {parts.netloc} ends in {days} days")
    return ok("tls", f"the certificate of {parts.netloc} is good for {days} days")


async def _check_answers(settings: Settings) -> list[Finding]:
    """Fetch the instance actor as another server would, and compare clocks by the way."""
    policy = PeerPolicy(allow_private=True)
    wanted = f"{settings.origin}/actor"
    try:
        async with GuardedClient(policy, user_agent="Heddle-doctor") as client:
            response = await client.get(wanted, accept="application/activity+json")
    except (Rejected, Unavailable) as error:
        return [failed("address", f"{wanted} does not answer: {error}")]
    if not _is_actor(response, wanted):
        return [failed("address", f"{wanted} answers {response.status}, not with our instance actor")]
    return [ok("address", f"{wanted} answers as it should"), _compare_clocks(response)]


def _id_of(response: Response) -> str:
    return msgspec.json.decode(response.body, type=_Actor).id


def _is_actor(response: Response, wanted: str) -> bool:
    try:
        return response.status == HTTPStatus.OK and _id_of(response) == wanted
    except msgspec.MsgspecError:
        return False


def _compare_clocks(response: Response) -> Finding:
    """Compare our clock with the one that stamps the answers of the site."""
    try:
        theirs = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return warning("time", "the site's answers carry no date")
    skew = abs((datetime.now(UTC) - theirs).total_seconds())
    if skew > MAX_SKEW:
        return failed("time", f"our clock and the site's are {skew:.0f} s apart: signatures will be refused")
    return ok("time", "our clock and the site's agree")
