"""Routes about accounts and what lies between them."""

from services.platform_gateway.client_api.account_actions import FollowForm, MuteForm
from services.platform_gateway.client_api.accounts import IdsForm, LookupForm, StatusesForm
from services.platform_gateway.client_api.blocked_domains import DomainForm
from services.platform_gateway.client_api.credentials import CredentialsForm
from services.platform_gateway.client_api.reports import ReportForm
from services.platform_gateway.client_api.search import SearchForm
from services.platform_gateway.client_api.user_lists import ListForm, MembersForm
from services.platform_gateway.entities.accounts import Account, FamiliarFollowers, Relationship
from services.platform_gateway.entities.lists import UserList
from services.platform_gateway.entities.reports import Report
from services.platform_gateway.entities.statuses import FeaturedTag, Status
from services.platform_gateway.openapi.operation import Operation, Table, lists
from services.platform_gateway.pagination import PageForm

_ACCOUNTS = "/api/v1/accounts"


def _relation(scope: str) -> Operation:
    return Operation(answer=Relationship, scope=scope)


ACCOUNTS: Table = {
    f"GET {_ACCOUNTS}": lists(Account, "read:accounts", form=IdsForm, open_=True),
    f"GET {_ACCOUNTS}/search": lists(Account, "read:accounts", form=SearchForm),
    f"GET {_ACCOUNTS}/lookup": Operation(answer=Account, form=LookupForm, open=True),
    f"GET {_ACCOUNTS}/relationships": lists(Relationship, "read:follows", form=IdsForm),
    f"GET {_ACCOUNTS}/familiar_followers": lists(FamiliarFollowers, "read:follows", form=IdsForm),
    f"GET {_ACCOUNTS}/verify_credentials": Operation(answer=Account, scope="read:accounts"),
    f"PATCH {_ACCOUNTS}/update_credentials": Operation(
        answer=Account, form=CredentialsForm, scope="write:accounts", files=("avatar", "header")
    ),
    f"GET {_ACCOUNTS}/{{id}}": Operation(answer=Account, scope="read:accounts", open=True),
    f"GET {_ACCOUNTS}/{{id}}/statuses": lists(Status, "read:statuses", form=StatusesForm, open_=True),
    f"GET {_ACCOUNTS}/{{id}}/followers": lists(Account, "read:accounts", form=PageForm, open_=True),
    f"GET {_ACCOUNTS}/{{id}}/following": lists(Account, "read:accounts", form=PageForm, open_=True),
    f"GET {_ACCOUNTS}/{{id}}/featured_tags": lists(FeaturedTag, "", open_=True),
    f"GET {_ACCOUNTS}/{{id}}/lists": lists(UserList, "read:lists"),
    f"POST {_ACCOUNTS}/{{id}}/follow": Operation(answer=Relationship, form=FollowForm, scope="write:follows"),
    f"POST {_ACCOUNTS}/{{id}}/mute": Operation(answer=Relationship, form=MuteForm, scope="write:mutes"),
    f"POST {_ACCOUNTS}/{{id}}/unfollow": _relation("write:follows"),
    f"POST {_ACCOUNTS}/{{id}}/remove_from_followers": _relation("write:follows"),
    f"POST {_ACCOUNTS}/{{id}}/block": _relation("write:blocks"),
    f"POST {_ACCOUNTS}/{{id}}/unblock": _relation("write:blocks"),
    f"POST {_ACCOUNTS}/{{id}}/unmute": _relation("write:mutes"),
    "GET /api/v1/follow_requests": lists(Account, "read:follows", form=PageForm),
    "POST /api/v1/follow_requests/{id}/authorize": _relation("write:follows"),
    "POST /api/v1/follow_requests/{id}/reject": _relation("write:follows"),
    "GET /api/v1/blocks": lists(Account, "read:blocks", form=PageForm),
    "GET /api/v1/mutes": lists(Account, "read:mutes", form=PageForm),
    "GET /api/v1/domain_blocks": lists(str, "read:blocks", form=PageForm),
    "POST /api/v1/domain_blocks": Operation(form=DomainForm, scope="write:blocks"),
    "DELETE /api/v1/domain_blocks": Operation(form=DomainForm, scope="write:blocks"),
    "GET /api/v1/lists": lists(UserList, "read:lists"),
    "POST /api/v1/lists": Operation(answer=UserList, form=ListForm, scope="write:lists"),
    "GET /api/v1/lists/{id}": Operation(answer=UserList, scope="read:lists"),
    "PUT /api/v1/lists/{id}": Operation(answer=UserList, form=ListForm, scope="write:lists"),
    "DELETE /api/v1/lists/{id}": Operation(scope="write:lists"),
    "GET /api/v1/lists/{id}/accounts": lists(Account, "read:lists", form=PageForm),
    "POST /api/v1/lists/{id}/accounts": Operation(form=MembersForm, scope="write:lists"),
    "DELETE /api/v1/lists/{id}/accounts": Operation(form=MembersForm, scope="write:lists"),
    "POST /api/v1/reports": Operation(answer=Report, form=ReportForm, scope="write:reports"),
}
