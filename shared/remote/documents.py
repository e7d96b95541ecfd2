"""Fetching the documents of other servers: ActivityPub objects and WebFinger."""

from datetime import UTC, datetime

from shared.remote.client import GuardedClient, MediaTypes
from shared.remote.errors import Denied, NotThere, ServerTrouble
from shared.remote.exchange import Response
from shared.remote.posting import ACTIVITY_JSON
from shared.remote.retry_after import read_retry_after
from shared.signatures.sign import Signer

AS2_PROFILE = "https://www.w3.org/ns/activitystreams"
ACCEPT_ACTIVITY = f'{ACTIVITY_JSON}, application/ld+json; profile="{AS2_PROFILE}"'
ACCEPTS = (ACCEPT_ACTIVITY, f'application/ld+json; profile="{AS2_PROFILE}"', ACTIVITY_JSON)
"""The usual `Accept`, and what else is asked for where that is answered with 406."""

ACCEPT_WEBFINGER = "application/jrd+json, application/json"
_MAX_WEBFINGER = 64 * 1024
_OK, _MULTIPLE_CHOICES = 200, 300
_ABSENT = frozenset({404, 410})
_TRY_AGAIN = frozenset({408, 425, 429})
_SERVER_ERROR = 500


def is_activity_type(content_type: str) -> bool:
    """Tell whether a Content-Type is one of ActivityPub's (section 3.2).

    `application/ld+json` counts only with the profile of ActivityStreams: uploads are served as JSON too.
    """
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type == "application/ld+json":
        return any(AS2_PROFILE in _profiles(parameter) for parameter in parameters.split(";"))
    return media_type == ACTIVITY_JSON


def _profiles(parameter: str) -> list[str]:
    name, _, value = parameter.partition("=")
    return value.strip().strip('"').split() if name.strip().lower() == "profile" else []


def is_webfinger_type(content_type: str) -> bool:
    """Tell whether a Content-Type is one that WebFinger answers with (RFC 7033 section 4.4)."""
    return content_type.partition(";")[0].strip().lower() in {"application/jrd+json", "application/json"}


async def fetch_document(
    client: GuardedClient, url: str, signer: Signer | None = None, *, accept: str = ACCEPT_ACTIVITY
) -> Response:
    """Return the ActivityPub document at a URL; raises Rejected or Unavailable.

    Whether its id is the final URL is for the caller to compare.
    """
    return await _fetch(client, url, accept, is_activity_type, signer)


async def fetch_webfinger(client: GuardedClient, url: str, signer: Signer | None = None) -> Response:
    """Return the WebFinger document at a URL; raises Rejected or Unavailable."""
    return await _fetch(client, url, ACCEPT_WEBFINGER, is_webfinger_type, signer, max_bytes=_MAX_WEBFINGER)


def is_json_type(content_type: str) -> bool:
    """Tell whether a Content-Type is JSON of any kind."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


async def fetch_json(client: GuardedClient, url: str) -> Response:
    """Return a small JSON document such as NodeInfo, unsigned; raises Rejected or Unavailable."""
    return await _fetch(client, url, "application/json", is_json_type, None, max_bytes=_MAX_WEBFINGER)


async def _fetch(
    client: GuardedClient,
    url: str,
    accept: str,
    media_types: MediaTypes,
    signer: Signer | None,
    *,
    max_bytes: int = 1024 * 1024,
) -> Response:
    response = await client.get(url, accept=accept, media_types=media_types, sign=signer, max_bytes=max_bytes)
    if _OK <= response.status < _MULTIPLE_CHOICES:
        return response
    raise _failure(response)


def _failure(response: Response) -> Exception:
    detail = f"{response.url[:200]}: {response.status}"
    if response.status in _ABSENT:
        return NotThere(detail, status=response.status)
    if response.status >= _SERVER_ERROR or response.status in _TRY_AGAIN:
        retry_after = read_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        return ServerTrouble(detail, status=response.status, retry_after=retry_after)
    return Denied(detail, status=response.status)
