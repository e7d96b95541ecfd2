"""WebFinger (RFC 7033) and NodeInfo, as others serve them."""

from typing import Final

from msgspec import Struct

from shared.protocol.errors import Malformed
from shared.protocol.identifiers import is_id
from shared.protocol.reader.values import Wire, entries, objects, string
from shared.protocol.text.sanitise import clean_line
from shared.protocol.wire import decode

_LINKS: Final = 50
_MAX_SUBJECT: Final = 2048
_ACTIVITY_JSON: Final = "application/activity+json"
_LD_JSON: Final = "application/ld+json"
_NODEINFO: Final = "http://nodeinfo.diaspora.software/ns/schema/"
_MAX_NAME: Final = 100


class WebFinger(Struct, frozen=True, kw_only=True):
    """What a handle stands for: `subject` as given (`acct:user@host`), `actor_uri` the typed self link."""

    subject: str
    actor_uri: str
    aliases: tuple[str, ...] = ()

    @property
    def acct(self) -> str:
        """Return the subject without its scheme and leading @, the domain in lower case."""
        user, _, domain = self.subject.removeprefix("acct:").lstrip("@").rpartition("@")
        return f"{user}@{domain.lower()}"


class NodeInfo(Struct, frozen=True, kw_only=True):
    """Which software a server runs."""

    software: str
    version: str


def read_webfinger(document: bytes) -> WebFinger:
    """Read a JRD; raises Malformed where it has no subject or no self link of an ActivityPub type."""
    wire = decode(document)
    subject = string(wire.get("subject"))
    if not subject or len(subject) > _MAX_SUBJECT:
        raise Malformed("no subject", reason="subject_missing")
    aliases = (string(alias) for alias in entries(wire.get("aliases"))[:_LINKS])
    return WebFinger(
        subject=subject,
        actor_uri=_self_link(wire),
        aliases=tuple(alias for alias in aliases if is_id(alias)),
    )


def _self_link(wire: Wire) -> str:
    for link in objects(wire.get("links"), _LINKS):
        media_type = string(link.get("type")).partition(";")[0].strip()
        href = string(link.get("href"))
        if link.get("rel") == "self" and media_type in {_ACTIVITY_JSON, _LD_JSON} and is_id(href):
            return href
    raise Malformed("no self link of an ActivityPub type", reason="self_link_missing")


def read_nodeinfo_links(document: bytes) -> str:
    """Return the address of the newest NodeInfo document that is offered; raises Malformed."""
    wire = decode(document)
    found = {
        string(link.get("rel")): string(link.get("href"))
        for link in objects(wire.get("links"), _LINKS)
        if string(link.get("rel")).startswith(_NODEINFO) and is_id(string(link.get("href")))
    }
    if not found:
        raise Malformed("no NodeInfo link", reason="nodeinfo_missing")
    return found[max(found)]


def read_nodeinfo(document: bytes) -> NodeInfo:
    """Read a server's software and its version; raises Malformed."""
    software = decode(document).get("software")
    if not isinstance(software, dict):
        raise Malformed("no software", reason="nodeinfo_missing")
    return NodeInfo(
        software=clean_line(string(software.get("name")), _MAX_NAME).lower(),
        version=clean_line(string(software.get("version")), _MAX_NAME),
    )
