"""What can be told from the head of a request, before a byte of its body is read."""

import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from services.inbox_receiver.refusal import Refusal
from shared.remote.documents import is_activity_type

MAX_BODY: Final = 1 << 20
"""Bytes of an activity; honest ones seen stay below a tenth of it."""

# An id has at most 19 digits. The query is kept as it was sent, because signatures cover it.
_INBOX: Final = re.compile(r"/(?:inbox|actor/inbox|users/[0-9]{1,19}/inbox)(?:\?[!-~]*)?")
_SHARED_INBOX: Final = "/inbox"
_UTF_8: Final = frozenset({"utf-8", "utf8", '"utf-8"', '"utf8"'})


def check_head(method: str, target: str, headers: Mapping[str, str]) -> None:
    """Check method, path, media type, encoding and announced length; raises Refusal.

    The names of the headers are in lower case.
    """
    if target != _SHARED_INBOX and _INBOX.fullmatch(target) is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "not_an_inbox", "There is no inbox at this address.")
    if method != "POST":
        detail = "An inbox takes POST; whoever owns it reads it through the client API."
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, {"Allow": "POST"})
    if not _is_activity_in_utf_8(headers.get("content-type", "")):
        detail = 'Send application/activity+json, or application/ld+json with the profile "https://www.w3.org/ns/activitystreams".'
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported", detail)
    coding = headers.get("content-encoding")
    if coding is not None and coding.strip().lower() != "identity":
        detail = "Compressed bodies are not taken."
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_encoding_unsupported", detail, {"Accept-Encoding": ""}
        )
    check_length(int(headers.get("content-length", "0")))


def check_length(size: int) -> None:
    """Check the size of a body in bytes, announced or counted; raises Refusal."""
    if size > MAX_BODY:
        detail = f"An activity may have {MAX_BODY} bytes."
        # What is still to come is not read: the connection cannot serve another request.
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail, {"Connection": "close"})


@lru_cache(maxsize=256)
def _is_activity_in_utf_8(content_type: str) -> bool:
    charsets = [
        value.strip().lower()
        for name, _, value in (parameter.partition("=") for parameter in content_type.split(";")[1:])
        if name.strip().lower() == "charset"
    ]
    return is_activity_type(content_type) and all(charset in _UTF_8 for charset in charsets)
