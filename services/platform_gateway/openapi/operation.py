"""What is said of one route."""

from typing import Any

from msgspec import Struct

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
HTML = "text/html"
EVENTS = "text/event-stream"


class Nothing(Struct):
    """The empty object with which the API says that something was done."""


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path.

    Args:
        answer: What a 200 holds; None for no JSON.
        form: The parameters: in the query of a GET or DELETE, else in the body, or in the query, too.
        scope: The scope that a token needs.
        open: Whether it answers without a token.
        files: The names of files that a multipart body may carry.
        media: What a 200 is, if it is not JSON.
        statuses: Further statuses that mean success, without a body.
    """

    answer: Any = Nothing
    form: type[Struct] | None = None
    scope: str = ""
    open: bool = False
    files: tuple[str, ...] = ()
    media: str = JSON
    statuses: tuple[int, ...] = ()


Table = dict[str, Operation]
"""By method and path, such as `GET /api/v1/statuses/{id}`; a slash at the end says nothing."""


def lists(entity: Any, scope: str, *, form: type[Struct] | None = None, open_: bool = False) -> Operation:
    """Return a route that lists something."""
    return Operation(answer=list[entity], form=form, scope=scope, open=open_)
