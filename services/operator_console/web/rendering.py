"""HTML of the console: its templates, its one style sheet, the headers of every page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(__file__).resolve().parent
_STYLE = (_HERE / "static" / "console.css").read_bytes
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

TEMPLATES: web.AppKey[Environment] = web.AppKey("templates", Environment)


def build_environment(site: str) -> Environment:
    """Return the environment of the console's pages; every value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["site"] = site
    environment.filters.update(ago=ago, until=until, stamp=stamp, rate=rate)
    return environment


def render(
    request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
) -> web.Response:
    """Return a page that nobody keeps."""
    values = {"refresh": 0, "now": datetime.now(UTC), **context}
    text = request.app[TEMPLATES].get_template(template).render(values)
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)


async def style(_request: web.Request) -> web.Response:
    """Answer `GET /console.css`."""
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=_STYLE(), content_type="text/css", headers=headers)


def duration(seconds: float) -> str:
    """Return a length of time in its two leading units at most."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"


def ago(moment: datetime | None) -> str:
    """Return how long ago something was."""
    if moment is None:
        return "never"
    return f"{duration(max(0.0, (datetime.now(UTC) - moment).total_seconds()))} ago"


def until(moment: datetime | None) -> str:
    """Return in how long something is due."""
    if moment is None:
        return "-"
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return "now" if seconds <= 0 else f"in {duration(seconds)}"


def stamp(moment: datetime | None) -> str:
    """Return a moment in full."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def rate(number: float) -> str:
    """Return messages a second; silence is a dash."""
    return f"{number:.1f}/s" if number else "-"
