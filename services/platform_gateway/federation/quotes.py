"""Stamps: the consent of people here to quotes of their posts (FEP-044f)."""

from aiohttp import web

from services.platform_gateway.federation.documents import document, missing
from services.platform_gateway.federation.fetcher import admit
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_id
from shared.database import quotes, statuses
from shared.database.document_posts import post_by_id
from shared.database.quotes import QuoteState
from shared.protocol import writer
from shared.protocol.objects import QuoteAuthorization


async def show(request: web.Request) -> web.Response:
    """Answer `GET /quotes/{id}`: the stamp, or 404 once the consent or the post is gone."""
    gateway = request.app[GATEWAY]
    quote_id = path_id(request)
    stamp_uri = gateway.site.uris.quote_authorization(quote_id)
    async with gateway.pool.acquire() as conn:
        quote = await quotes.by_id(conn, quote_id)
        if quote is None or quote.state is not QuoteState.ACCEPTED or quote.stamp_uri != stamp_uri:
            raise missing()
        row = await statuses.by_uri(conn, quote.quoted_uri)
        post = None if row is None else await post_by_id(conn, row.id)
    if post is None or post.deleted_at is not None or post.author_gone or not post.federated:
        raise missing()
    await admit(request)
    stamp = QuoteAuthorization(
        id=stamp_uri,
        attributed_to=post.note.attributed_to,
        quoting=quote.quoting_uri,
        quoted=quote.quoted_uri,
    )
    return document(request, writer.write_quote_authorization(stamp))
