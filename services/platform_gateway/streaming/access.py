"""Who listens: tokens come in a header, in the query, or as the subprotocol that browsers can set."""

from aiohttp import web

from services.platform_gateway.auth import bearer_of, token_of_secret, unauthorized
from services.platform_gateway.errors import ApiError, not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.streaming.channels import Channel
from shared.actions.scopes import covers
from shared.database.lists import one
from shared.database.oauth import TokenRow


def secret_of(request: web.Request) -> str | None:
    """Return the token's secret, if the client has shown one."""
    return (
        bearer_of(request)
        or request.query.get("access_token")
        or request.headers.get("Sec-WebSocket-Protocol", "").split(",")[0].strip()
        or None
    )


async def listener(request: web.Request) -> TokenRow | None:
    """Return the token of whoever wants to listen; None without one, 401 where it opens nothing."""
    secret = secret_of(request)
    return None if secret is None else await token_of_secret(request, secret)


async def permit(request: web.Request, token: TokenRow | None, channel: Channel) -> None:
    """End the request where the stream is not for the bearer.

    401 without a token, 403 without the scope, 404 for a list of somebody else's.
    """
    if not channel.scope:
        return
    if token is None:
        raise unauthorized()
    if token.author is None or not covers(token.scopes, channel.scope):
        raise ApiError(403, "Access token does not have the required scopes")
    if channel.list_id:
        async with request.app[GATEWAY].pool.acquire() as conn:
            if await one(conn, token.author.id, channel.list_id) is None:
                raise not_found()
