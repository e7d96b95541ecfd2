"""HTML for people: the template environment, and the headers that every page carries."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.platform_gateway.pages import formats
from services.platform_gateway.pages.static_files import StaticFiles

_HERE = Path(__file__).resolve().parent.parent

TEMPLATES: web.AppKey[Environment] = web.AppKey("templates", Environment)
"""The template environment; templates see `static(name)` and the filters of `formats`."""


def build_environment(files: StaticFiles, *, site: str) -> Environment:
    """Return the environment of all pages; every value is escaped unless it is known to be safe HTML.

    Args:
        files: Where `static(name)` finds the address of a style sheet or an image.
        site: The account domain, shown as the name of the site.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(static=files.url, site=site)
    environment.filters.update(formats.FILTERS)
    return environment


def content_security_policy(*, plain_http: bool, form_targets: tuple[str, ...] = ()) -> str:
    """Return the policy of a page: no script, no frame, our own style, images and media from anywhere.

    Args:
        plain_http: The site itself runs on http (development), so its peers' media may, too.
        form_targets: Origins beyond our own to which a form may lead, redirects included.
    """
    media = "https: http: data:" if plain_http else "https: data:"
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            f"img-src 'self' {media}",
            f"media-src 'self' {media}",
            " ".join(("form-action 'self'", *form_targets)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def render(
    request: web.Request,
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    form_targets: tuple[str, ...] = (),
    cache: str = "private, no-store",
) -> web.Response:
    """Return a page.

    Args:
        request: Its application holds the environment.
        template: A file below `templates/`.
        context: What the template shows.
        status: The response's status.
        form_targets: Origins beyond our own to which a form on the page may lead.
        cache: The response's Cache-Control.
    """
    text = request.app[TEMPLATES].get_template(template).render(context)
    policy = content_security_policy(
        plain_http=request.app[PLAIN_HTTP],
        form_targets=form_targets,
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cache-Control": cache,
    }
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status, headers=headers)


PLAIN_HTTP: web.AppKey[bool] = web.AppKey("plain_http", bool)
"""Whether the site's own origin is http, which only development has."""


def is_plain_http(origin: str) -> bool:
    """Tell whether a site's origin is plain http."""
    return urlsplit(origin).scheme == "http"
