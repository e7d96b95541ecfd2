"""The operator's consent to a load test: proof of the secret that only they can have handed out.

The secret itself is never sent: the answer is an HMAC-SHA256 over this host and the tester's challenge, so
that an answer overheard is good for no other host and no other challenge.
"""

import hashlib
import hmac

from aiohttp import web

from services.platform_gateway.errors import ApiError
from services.platform_gateway.gateway import GATEWAY

_SHORTEST, _LONGEST = 16, 128


async def answer_challenge(request: web.Request) -> web.Response:
    """Answer `GET /.well-known/heddle/load-consent?challenge=…`."""
    gateway = request.app[GATEWAY]
    challenge = request.query.get("challenge", "")
    if not _SHORTEST <= len(challenge) <= _LONGEST or not challenge.isascii():
        raise ApiError(400, "Bad request", description="challenge must be 16 to 128 ASCII characters")
    message = f"{gateway.site.uris.host.lower()} {challenge}".encode()
    proof = hmac.new(gateway.settings.load_test_consent.encode(), message, hashlib.sha256).hexdigest()
    return web.Response(text=proof, headers={"Cache-Control": "no-store"})
