"""What the authorization server says of itself (RFC 8414)."""

from aiohttp import web

from services.platform_gateway.entities.oauth import ServerMetadata
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.reached import reached_origin
from services.platform_gateway.responses import answer
from shared.actions.scopes import SUPPORTED


async def metadata(request: web.Request) -> web.Response:
    """GET /.well-known/oauth-authorization-server."""
    origin = reached_origin(request.app[GATEWAY].site.uris.origin, request.host)
    return answer(
        ServerMetadata(
            issuer=f"{origin}/",
            service_documentation="https://docs.joinmastodon.org/",
            authorization_endpoint=f"{origin}/oauth/authorize",
            token_endpoint=f"{origin}/oauth/token",
            app_registration_endpoint=f"{origin}/api/v1/apps",
            revocation_endpoint=f"{origin}/oauth/revoke",
            userinfo_endpoint=f"{origin}/oauth/userinfo",
            scopes_supported=list(SUPPORTED),
        )
    )
