"""Routes about the site, notifications, settings, streams and sign-in, and those that keep nothing."""

from services.platform_gateway.client_api.featured_tags import NameForm
from services.platform_gateway.client_api.grouped import GroupedNotifications, GroupForm
from services.platform_gateway.client_api.notifications import Count, DismissForm, ListForm
from services.platform_gateway.client_api.search import SearchForm
from services.platform_gateway.client_api.settings import Marker, MarkersForm, Preferences, WantedForm
from services.platform_gateway.entities.accounts import Account
from services.platform_gateway.entities.instance import DomainBlock, ExtendedDescription, Instance, InstanceV2
from services.platform_gateway.entities.oauth import App, Token, UserInfo
from services.platform_gateway.entities.statuses import FeaturedTag, Notification, OldSearch, Search, Tag
from services.platform_gateway.oauth.apps import AppForm
from services.platform_gateway.oauth.authorize import SignInForm
from services.platform_gateway.oauth.request import AuthorizeForm
from services.platform_gateway.oauth.tokens import RevokeForm, TokenForm
from services.platform_gateway.openapi.operation import EVENTS, HTML, Nothing, Operation, Table, lists
from services.platform_gateway.streaming.sse import PATHS, StreamForm

_EMPTY = lists(Nothing, "", open_=True)

SITE: Table = {
    "GET /api/v1/instance": Operation(answer=Instance, open=True),
    "GET /api/v2/instance": Operation(answer=InstanceV2, open=True),
    "GET /api/v1/instance/peers": lists(str, "", open_=True),
    "GET /api/v1/instance/domain_blocks": lists(DomainBlock, "", open_=True),
    "GET /api/v1/instance/extended_description": Operation(answer=ExtendedDescription, open=True),
    "GET /api/v1/instance/translation_languages": Operation(open=True),
    "GET /api/v1/instance/activity": _EMPTY,
    "GET /api/v1/instance/rules": _EMPTY,
    "GET /api/v1/instance/languages": _EMPTY,
    "GET /api/v1/custom_emojis": _EMPTY,
    "GET /api/v1/trends": _EMPTY,
    "GET /api/v1/trends/tags": _EMPTY,
    "GET /api/v1/trends/statuses": _EMPTY,
    "GET /api/v1/trends/links": _EMPTY,
    "GET /api/v1/search": Operation(answer=OldSearch, form=SearchForm, scope="read:search", open=True),
    "GET /api/v2/search": Operation(answer=Search, form=SearchForm, scope="read:search", open=True),
}

_NOTIFICATIONS, _GROUPS = "/api/v1/notifications", "/api/v2/notifications"

NOTIFICATIONS: Table = {
    f"GET {_NOTIFICATIONS}": lists(Notification, "read:notifications", form=ListForm),
    f"GET {_NOTIFICATIONS}/unread_count": Operation(answer=Count, form=ListForm, scope="read:notifications"),
    f"GET {_NOTIFICATIONS}/{{id}}": Operation(answer=Notification, scope="read:notifications"),
    f"POST {_NOTIFICATIONS}/clear": Operation(scope="write:notifications"),
    f"POST {_NOTIFICATIONS}/dismiss": Operation(form=DismissForm, scope="write:notifications"),
    f"POST {_NOTIFICATIONS}/{{id}}/dismiss": Operation(scope="write:notifications"),
    f"GET {_GROUPS}": Operation(answer=GroupedNotifications, form=GroupForm, scope="read:notifications"),
    f"GET {_GROUPS}/unread_count": Operation(answer=Count, form=GroupForm, scope="read:notifications"),
    f"GET {_GROUPS}/{{key}}": Operation(answer=GroupedNotifications, scope="read:notifications"),
    f"GET {_GROUPS}/{{key}}/accounts": lists(Account, "read:notifications"),
    f"POST {_GROUPS}/{{key}}/dismiss": Operation(scope="write:notifications"),
}

SETTINGS: Table = {
    "GET /api/v1/markers": Operation(answer=dict[str, Marker], form=WantedForm, scope="read:statuses"),
    "POST /api/v1/markers": Operation(answer=dict[str, Marker], form=MarkersForm, scope="write:statuses"),
    "GET /api/v1/preferences": Operation(answer=Preferences, scope="read:accounts"),
    "GET /api/v1/announcements": lists(Nothing, ""),
    "GET /api/v1/conversations": lists(Nothing, "read:statuses"),
    "GET /api/v1/endorsements": lists(Account, "read:accounts"),
    "GET /api/v1/featured_tags": lists(FeaturedTag, "read:accounts"),
    "POST /api/v1/featured_tags": Operation(answer=FeaturedTag, form=NameForm, scope="write:accounts"),
    "GET /api/v1/featured_tags/suggestions": lists(Tag, "read:accounts"),
    "DELETE /api/v1/featured_tags/{id}": Operation(scope="write:accounts"),
    "GET /api/v1/scheduled_statuses": lists(Nothing, "read:statuses"),
    "GET /api/v1/suggestions": lists(Nothing, "read"),
    "GET /api/v2/suggestions": lists(Nothing, "read"),
}

OAUTH: Table = {
    "POST /api/v1/apps": Operation(answer=App, form=AppForm, open=True),
    "GET /api/v1/apps/verify_credentials": Operation(answer=App),
    "GET /oauth/authorize": Operation(answer=None, form=AuthorizeForm, open=True, media=HTML),
    "POST /oauth/authorize": Operation(answer=None, form=SignInForm, open=True, media=HTML, statuses=(303,)),
    "POST /oauth/token": Operation(answer=Token, form=TokenForm, open=True),
    "POST /oauth/revoke": Operation(form=RevokeForm, open=True),
    "GET /oauth/userinfo": Operation(answer=UserInfo, scope="profile"),
}

_PERSONAL = frozenset({"user", "user/notification", "direct"})

STREAMS: Table = {
    "GET /api/v1/streaming": Operation(answer=None, open=True, media=EVENTS, statuses=(101,)),
    "GET /api/v1/streaming/health": Operation(answer=None, open=True, media="text/plain"),
    **{
        f"GET /api/v1/streaming/{path}": Operation(
            answer=None, form=StreamForm, media=EVENTS, open=path not in _PERSONAL
        )
        for path in PATHS
    },
}
