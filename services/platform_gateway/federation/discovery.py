"""How other servers find people and learn what this site is: WebFinger, host-meta, NodeInfo."""

from importlib.metadata import version
from urllib.parse import urlsplit

from aiohttp import web

from services.platform_gateway.errors import ApiError
from services.platform_gateway.federation.documents import document, gone, missing
from services.platform_gateway.gateway import GATEWAY
from shared.database.document_actors import DocumentName, name_by_id, name_by_uri, name_by_username
from shared.database.pool import Connection
from shared.database.usage import usage
from shared.protocol import writer
from shared.protocol.identifiers import MAX_URI_LENGTH
from shared.protocol.local_uris import LocalUris

_INSTANCE = ""
"""The name under which `_local_name` answers for the site itself."""

_VERSION = version("heddle")
_NODEINFO_VERSIONS = frozenset({"2.0", "2.1"})


async def webfinger(request: web.Request) -> web.Response:
    """Answer `GET /.well-known/webfinger` (RFC 7033) for accounts, their pages and the instance actor."""
    uris = request.app[GATEWAY].site.uris
    resource = request.query.get("resource", "").strip()
    if not resource or len(resource) > MAX_URI_LENGTH or "\0" in resource:
        raise ApiError(400, "Bad request", description="resource must be an acct: or https: URI")
    if resource.rstrip("/") == uris.origin:
        body = writer.write_server_webfinger(origin=uris.origin, actor_uri=uris.instance_actor)
    else:
        async with request.app[GATEWAY].pool.acquire() as conn:
            body = _jrd(uris, await _find(conn, uris, resource))
    return document(request, body, kind=writer.JRD_JSON)


async def _find(conn: Connection, uris: LocalUris, resource: str) -> DocumentName:
    """Return the local actor that a resource names; raises ApiError 404 or 410."""
    actor_id = uris.actor_id(resource)
    name = _local_name(uris, resource)
    if actor_id is not None:
        found = await name_by_id(conn, actor_id)
    elif name == _INSTANCE:
        found = await name_by_uri(conn, uris.instance_actor)
    else:
        found = await name_by_username(conn, name) if name else None
    if found is None or not found.federated:
        raise missing()
    if found.gone:
        raise gone()
    return found


def _local_name(uris: LocalUris, resource: str) -> str | None:
    """Return the name that a resource carries; None where it is not one of this site's."""
    if resource == uris.instance_actor:
        return _INSTANCE
    if resource.startswith(f"{uris.origin}/@"):
        return resource.removeprefix(f"{uris.origin}/@").rstrip("/")
    scheme, _, rest = resource.partition(":")
    if scheme.lower() != "acct" and "://" in resource:
        return None
    handle = rest if scheme.lower() == "acct" else resource
    name, _, domain = handle.lstrip("@").partition("@")
    if domain.lower() not in {uris.account_domain, uris.host, urlsplit(uris.origin).netloc}:
        return None
    # Some look up the instance actor as domain@domain.
    return _INSTANCE if name.lower() in {uris.account_domain, uris.host} else name


def _jrd(uris: LocalUris, found: DocumentName) -> bytes:
    person = found.uri != uris.instance_actor
    return writer.write_webfinger(
        acct=uris.acct(found.username),
        actor_uri=found.uri,
        profile_page=uris.profile_page(found.username) if person else "",
    )


async def host_meta(request: web.Request) -> web.Response:
    """Answer `GET /.well-known/host-meta` (RFC 6415)."""
    body = writer.write_host_meta(request.app[GATEWAY].site.uris.origin)
    return document(request, body, kind=writer.XRD_XML)


async def host_meta_json(request: web.Request) -> web.Response:
    """Answer `GET /.well-known/host-meta.json` (RFC 6415 section 3)."""
    body = writer.write_host_meta_json(request.app[GATEWAY].site.uris.origin)
    return document(request, body, kind=writer.JRD_JSON)


async def nodeinfo_links(request: web.Request) -> web.Response:
    """Answer `GET /.well-known/nodeinfo`."""
    body = writer.write_nodeinfo_links(request.app[GATEWAY].site.uris.origin)
    return document(request, body, kind="application/json")


async def nodeinfo(request: web.Request) -> web.Response:
    """Answer `GET /nodeinfo/2.0` and `/nodeinfo/2.1` (FEP-0151)."""
    wanted = request.match_info["version"]
    if wanted not in _NODEINFO_VERSIONS:
        raise missing()
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        figures = await usage(conn)
    body = writer.write_nodeinfo(
        wanted,
        software_version=_VERSION,
        users=figures.accounts,
        active_month=figures.active_month,
        active_half_year=figures.active_halfyear,
        posts=figures.posts,
        node_name=gateway.site.uris.account_domain,
    )
    return document(request, body, kind=writer.nodeinfo_type(wanted))
