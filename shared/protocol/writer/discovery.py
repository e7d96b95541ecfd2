"""How this site is found: WebFinger (RFC 7033), host-meta (RFC 6415) and NodeInfo."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

import msgspec

from shared.protocol.writer.context import Wire
from shared.protocol.writer.media_types import ACTIVITY_JSON, JRD_JSON

_NODEINFO: Final = "http://nodeinfo.diaspora.software/ns/schema/"
_PROFILE_PAGE: Final = "http://webfinger.net/rel/profile-page"
_AVATAR: Final = "http://webfinger.net/rel/avatar"
_SUBSCRIBE: Final = "http://ostatus.org/schema/1.0/subscribe"
_STREAMS: Final = "https://www.w3.org/ns/activitystreams#"
NODEINFO_VERSIONS: Final = ("2.0", "2.1")


def write_webfinger(
    *,
    acct: str,
    actor_uri: str,
    profile_page: str = "",
    aliases: Sequence[str] = (),
    avatar: str = "",
    subscribe_template: str = "",
) -> bytes:
    """Return the JRD of an account.

    Args:
        acct: `user@domain`, the handle in its one true form.
        actor_uri: The actor's id.
        profile_page: The page for people.
        aliases: Further URIs of the account; actor and page are added.
        avatar: Address of the profile picture.
        subscribe_template: Address that follows `{uri}` on this site.
    """
    links: list[Wire] = [{"rel": "self", "type": ACTIVITY_JSON, "href": actor_uri}]
    if profile_page:
        links.insert(0, {"rel": _PROFILE_PAGE, "type": "text/html", "href": profile_page})
    if avatar:
        links.append({"rel": _AVATAR, "href": avatar})
    if subscribe_template:
        links.append({"rel": _SUBSCRIBE, "template": subscribe_template})
    names = dict.fromkeys(name for name in (profile_page, actor_uri, *aliases) if name)
    return msgspec.json.encode({"subject": f"acct:{acct}", "aliases": list(names), "links": links})


def write_server_webfinger(*, origin: str, actor_uri: str) -> bytes:
    """Return the JRD of the server itself, which names its instance actor (FEP-d556)."""
    links = [{"rel": f"{_STREAMS}Service", "type": ACTIVITY_JSON, "href": actor_uri}]
    return msgspec.json.encode({"subject": f"{origin}/", "links": links})


def write_host_meta(origin: str) -> bytes:
    """Return the XRD that says where WebFinger answers; its template holds `{uri}`."""
    template = quoteattr(f"{origin}/.well-known/webfinger?resource={{uri}}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" type="{JRD_JSON}" template={template}/>\n'
        "</XRD>\n"
    ).encode()


def write_host_meta_json(origin: str) -> bytes:
    """Return the same as JRD (RFC 6415 appendix A)."""
    template = f"{origin}/.well-known/webfinger?resource={{uri}}"
    return msgspec.json.encode({"links": [{"rel": "lrdd", "type": JRD_JSON, "template": template}]})


def write_nodeinfo_links(origin: str) -> bytes:
    """Return the list of NodeInfo documents, and the instance actor (FEP-2677)."""
    documents = [
        {"rel": f"{_NODEINFO}{version}", "href": f"{origin}/nodeinfo/{version}"}
        for version in NODEINFO_VERSIONS
    ]
    application = {"rel": f"{_STREAMS}Application", "type": ACTIVITY_JSON, "href": f"{origin}/actor"}
    return msgspec.json.encode({"links": [*documents, application]})


def write_nodeinfo(
    version: str,
    *,
    software_version: str,
    users: int,
    posts: int,
    active_month: int | None = None,
    active_half_year: int | None = None,
    open_registrations: bool = False,
    node_name: str = "",
    node_description: str = "",
) -> bytes:
    """Return a NodeInfo document of version 2.0 or 2.1 (FEP-0151)."""
    counts = {"total": users, "activeMonth": active_month, "activeHalfyear": active_half_year}
    wire: Wire = {
        "version": version,
        "software": {"name": "heddle", "version": software_version},
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": open_registrations,
        "usage": {
            "users": {name: count for name, count in counts.items() if count is not None},
            "localPosts": posts,
        },
        "metadata": {"nodeName": node_name, "nodeDescription": node_description},
    }
    return msgspec.json.encode(wire)
