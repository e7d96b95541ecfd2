"""HTML pages: one Jinja environment, escaped by default, under a content security policy without scripts."""

from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.platform_gateway.gateway import GATEWAY

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def content_security_policy(*, form_targets: str = "'self'") -> str:
    """Return the policy of our pages: no script, nothing framed, forms only to where they are meant to go."""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' https: http: data:; media-src https: http:; "
        f"form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def render(
    request: web.Request,
    template: str,
    context: dict[str, object],
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Return a page; templates also get `site` (the account domain) and `origin`."""
    uris = request.app[GATEWAY].site.uris
    text = _environment.get_template(template).render(
        {"site": uris.account_domain, "origin": uris.origin, **context}
    )
    response = web.Response(status=status, text=text, content_type="text/html", charset="utf-8")
    response.headers["Content-Security-Policy"] = content_security_policy()
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.update(headers or {})
    return response
