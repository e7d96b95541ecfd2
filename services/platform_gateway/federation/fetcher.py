"""Who fetches: the actor that signed a GET, where that matters (authorized fetch)."""

from datetime import UTC, datetime, timedelta

import structlog
from aiohttp import web
from msgspec import Struct

from services.platform_gateway.errors import ApiError
from services.platform_gateway.federation.fetch_ledger import LEDGER
from services.platform_gateway.gateway import GATEWAY, Gateway
from shared.database import keys
from shared.database.keys import KnownKey
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import host_of
from shared.protocol.objects import PublicKey
from shared.resolution import DomainBlocks
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import ParsedSignature, SignedRequest
from shared.signatures.verify import parse, verify
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

BLOCKS: web.AppKey[DomainBlocks] = web.AppKey("blocks", DomainBlocks)
"""The suspended domains."""

REFETCH_AFTER = timedelta(hours=1)
"""How old a key must be for a signature that it does not fit to make us ask for a new one."""


class Fetcher(Struct, frozen=True, kw_only=True):
    """A remote actor that proved who it is."""

    actor_id: int
    actor_uri: str


async def admit(request: web.Request) -> Fetcher | None:
    """Let a fetcher of public documents in, or end the request.

    Nothing is verified that need not be: without authorized fetch everybody may read, and only somebody
    who says to come from a suspended domain is sent away.

    Raises:
        ApiError: 401 where a signature is needed and is not there or wrong, 403 for a suspended domain.
        Unavailable: The signer's key cannot be fetched right now.
    """
    if request.app[GATEWAY].settings.authorized_fetch:
        return await identify(request)
    signature = _signature_of(request)
    if signature is not None:
        await _refuse_suspended(request, signature.key_id)
    return None


async def identify(request: web.Request) -> Fetcher:
    """Return who signed the request; raises as `admit` does."""
    signed = _signed_request(request)
    try:
        signature = parse(signed)
        await _refuse_suspended(request, signature.key_id)
        owner = await _verified_owner(request.app[GATEWAY], signature, signed)
    except Rejected as error:
        _note_refusal(request, error.reason, error.detail)
        raise ApiError(401, "This needs a valid signature", description=error.reason) from error
    return Fetcher(actor_id=owner.actor_id, actor_uri=owner.actor_uri)


async def identify_if_signed(request: web.Request) -> Fetcher | None:
    """Return who signed the request; None where nobody did, or not so that we could believe it."""
    if _signature_of(request) is None:
        return None
    try:
        return await identify(request)
    except ApiError as error:
        if error.status == web.HTTPForbidden.status_code:
            raise
        return None


def note_fetch(request: web.Request, object_uri: str) -> None:
    """Have it written down that an object went to whoever signed the request; costs no wait."""
    signature = _signature_of(request)
    if signature is not None:
        request.app[LEDGER].note(object_uri, _signed_request(request), signature)


async def _refuse_suspended(request: web.Request, uri: str) -> None:
    blocks = request.app[BLOCKS]
    await blocks.refresh()
    if host_of(uri) in blocks:
        _note_refusal(request, "domain_blocked", host_of(uri))
        raise ApiError(403, "Your server is not served here")


def _note_refusal(request: web.Request, reason: str, detail: str) -> None:
    metrics.fetches_refused.labels(reason).inc()
    log.info("fetch_refused", path=request.path, reason=reason, detail=detail)


async def _verified_owner(gateway: Gateway, signature: ParsedSignature, signed: SignedRequest) -> KnownKey:
    """Return the signing key with its owner; one that no longer fits is fetched again, once in a while."""
    async with gateway.pool.acquire() as conn:
        known = (await keys.by_ids(conn, [signature.key_id])).get(signature.key_id)
    if known is not None and not known.actor_local:
        try:
            _check(gateway, signature, signed, known)
        except Refused as refusal:
            old = datetime.now(UTC) - known.fetched_at > REFETCH_AFTER
            if not old or refusal.reason != Reason.SIGNATURE_INVALID:
                raise
        else:
            return known
    fetched = await gateway.resolver.key(signature.key_id)
    _check(gateway, signature, signed, fetched)
    return fetched


def _check(gateway: Gateway, signature: ParsedSignature, signed: SignedRequest, key: KnownKey) -> None:
    if key.actor_gone:
        raise Rejected("The signer is suspended here", reason="actor_gone")
    public = PublicKey(id=key.id, owner=key.actor_uri, algorithm=key.algorithm, der=key.der)
    verify(signature, signed, public, origin=gateway.site.uris.origin, now=datetime.now(UTC))


def _signature_of(request: web.Request) -> ParsedSignature | None:
    if "Signature" not in request.headers:
        return None
    try:
        return parse(_signed_request(request))
    except Refused:
        return None


def _signed_request(request: web.Request) -> SignedRequest:
    headers = tuple((name.lower(), value) for name, value in request.headers.items())
    return SignedRequest(request.method, request.raw_path, headers)
