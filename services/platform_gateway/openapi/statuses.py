"""Routes about posts and timelines."""

from services.platform_gateway.client_api.drafts import EditForm, StatusForm
from services.platform_gateway.client_api.media import MediaForm
from services.platform_gateway.client_api.polls import VoteForm
from services.platform_gateway.client_api.quotes import PolicyForm
from services.platform_gateway.client_api.status_actions import ReblogForm
from services.platform_gateway.client_api.statuses import DeleteForm, IdsForm
from services.platform_gateway.client_api.timelines import PublicForm, TagForm
from services.platform_gateway.entities.accounts import Account
from services.platform_gateway.entities.statuses import (
    Context,
    MediaAttachment,
    Poll,
    Status,
    StatusEdit,
    StatusSource,
    Tag,
)
from services.platform_gateway.heddle_api.delivery import DeliveryQuery, DeliveryView, Retried
from services.platform_gateway.openapi.operation import Operation, Table, lists
from services.platform_gateway.pagination import PageForm

_STATUS = "/api/v1/statuses/{id}"


def _status(scope: str) -> Operation:
    return Operation(answer=Status, scope=scope)


_UPLOAD = Operation(answer=MediaAttachment, form=MediaForm, scope="write:media", files=("file", "thumbnail"))

STATUSES: Table = {
    "GET /api/v1/statuses": lists(Status, "read:statuses", form=IdsForm, open_=True),
    "POST /api/v1/statuses": Operation(answer=Status, form=StatusForm, scope="write:statuses"),
    f"GET {_STATUS}": Operation(answer=Status, scope="read:statuses", open=True),
    f"PUT {_STATUS}": Operation(answer=Status, form=EditForm, scope="write:statuses"),
    f"DELETE {_STATUS}": Operation(answer=Status, form=DeleteForm, scope="write:statuses"),
    f"GET {_STATUS}/context": Operation(answer=Context, scope="read:statuses", open=True),
    f"GET {_STATUS}/source": Operation(answer=StatusSource, scope="read:statuses"),
    f"GET {_STATUS}/history": lists(StatusEdit, "read:statuses", open_=True),
    f"GET {_STATUS}/favourited_by": lists(Account, "read:statuses", form=PageForm, open_=True),
    f"GET {_STATUS}/reblogged_by": lists(Account, "read:statuses", form=PageForm, open_=True),
    f"GET {_STATUS}/quotes": lists(Status, "read:statuses", form=PageForm, open_=True),
    f"POST {_STATUS}/quotes/{{quoting_id}}/revoke": _status("write:statuses"),
    f"PUT {_STATUS}/interaction_policy": Operation(answer=Status, form=PolicyForm, scope="write:statuses"),
    f"POST {_STATUS}/favourite": _status("write:favourites"),
    f"POST {_STATUS}/unfavourite": _status("write:favourites"),
    f"POST {_STATUS}/reblog": Operation(answer=Status, form=ReblogForm, scope="write:statuses"),
    f"POST {_STATUS}/unreblog": _status("write:statuses"),
    f"POST {_STATUS}/bookmark": _status("write:bookmarks"),
    f"POST {_STATUS}/unbookmark": _status("write:bookmarks"),
    f"POST {_STATUS}/pin": _status("write:accounts"),
    f"POST {_STATUS}/unpin": _status("write:accounts"),
    "GET /api/v1/timelines/home": lists(Status, "read:statuses", form=PageForm),
    "GET /api/v1/timelines/public": lists(Status, "read:statuses", form=PublicForm, open_=True),
    "GET /api/v1/timelines/tag/{tag}": lists(Status, "read:statuses", form=TagForm, open_=True),
    "GET /api/v1/timelines/list/{id}": lists(Status, "read:lists", form=PageForm),
    "GET /api/v1/favourites": lists(Status, "read:favourites", form=PageForm),
    "GET /api/v1/bookmarks": lists(Status, "read:bookmarks", form=PageForm),
    "POST /api/v1/media": _UPLOAD,
    "POST /api/v2/media": _UPLOAD,
    "GET /api/v1/media/{id}": Operation(answer=MediaAttachment, scope="write:media"),
    "PUT /api/v1/media/{id}": Operation(answer=MediaAttachment, form=MediaForm, scope="write:media"),
    "GET /api/v1/polls/{id}": Operation(answer=Poll, scope="read:statuses", open=True),
    "POST /api/v1/polls/{id}/votes": Operation(answer=Poll, form=VoteForm, scope="write:statuses"),
    "GET /api/v1/tags/{tag}": Operation(answer=Tag, open=True),
    "POST /api/v1/tags/{tag}/follow": Operation(answer=Tag, scope="write:follows"),
    "POST /api/v1/tags/{tag}/unfollow": Operation(answer=Tag, scope="write:follows"),
    "GET /api/v1/followed_tags": lists(Tag, "read:follows", form=PageForm),
    "GET /api/heddle/v1/statuses/{id}/delivery": Operation(
        answer=DeliveryView, form=DeliveryQuery, scope="read:statuses"
    ),
    "POST /api/heddle/v1/statuses/{id}/delivery/retry": Operation(answer=Retried, scope="write:statuses"),
    "GET /api/heddle/v1/deletions/{id}/receipts": Operation(
        answer=DeliveryView, form=DeliveryQuery, scope="read:statuses"
    ),
}
