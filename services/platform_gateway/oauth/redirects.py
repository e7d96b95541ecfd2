"""Redirect URIs: which may be registered, and how an answer is appended to one (RFC 6749, section 4.1.2)."""

from urllib.parse import urlencode, urlsplit

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
"""Stands for: show the code to the person, who will type it in."""

MAX_LENGTH = 2000

_FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "mailto", "tel"})
_FORBIDDEN = frozenset(" \t\r\n\"'<>;,\\^`{|}#")


def is_acceptable(uri: str) -> bool:
    """Tell whether an app may register this URI: absolute, no fragment, nothing that a browser would run."""
    if uri == OUT_OF_BAND:
        return True
    if len(uri) > MAX_LENGTH or not (uri.isascii() and uri.isprintable()) or _FORBIDDEN & set(uri):
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    if not parts.scheme or parts.scheme in _FORBIDDEN_SCHEMES or "@" in parts.netloc:
        return False
    return bool(parts.netloc) if parts.scheme in {"http", "https"} else True


def with_answer(uri: str, answer: dict[str, str]) -> str:
    """Return the URI with the parameters of an answer; empty ones are left out."""
    query = urlencode({name: value for name, value in answer.items() if value})
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{query}"


def form_target(uri: str) -> tuple[str, ...]:
    """Return the source expressions by which a form may redirect to this URI (CSP level 3, form-action)."""
    if uri == OUT_OF_BAND:
        return ()
    parts = urlsplit(uri)
    return (
        (f"{parts.scheme}://{parts.netloc}",) if parts.scheme in {"http", "https"} else (f"{parts.scheme}:",)
    )
