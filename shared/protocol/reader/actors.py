"""Actor documents of every type: who somebody is, where to reach them and by which keys they sign."""

import re
from typing import Final

from shared.protocol.errors import Malformed
from shared.protocol.objects import TAKES_ED25519, ActorKind, ActorProfile, Field
from shared.protocol.reader import limits
from shared.protocol.reader.keys import keys_of
from shared.protocol.reader.languages import localised
from shared.protocol.reader.tags import read_tags
from shared.protocol.reader.values import (
    Wire,
    entries,
    first,
    flag,
    objects,
    required_uri,
    string,
    time,
    type_in,
    uri,
    uris,
    web_link,
)
from shared.protocol.text.sanitise import clean_line, sanitise_html
from shared.protocol.wire import decode

_KINDS: Final = {
    "Person": ActorKind.PERSON,
    "Service": ActorKind.SERVICE,
    "Application": ActorKind.APPLICATION,
    "Group": ActorKind.GROUP,
    "Organization": ActorKind.ORGANIZATION,
}
ACTOR_TYPES: Final = frozenset(_KINDS)

# Letters and digits of any script; nothing invisible, nothing that turns the writing direction.
_USERNAME: Final = re.compile(r"[\w.~+!$:-]{1,255}")
_DOMAIN: Final = re.compile(r"[\w.-]{1,253}(?::\d{1,5})?")


def read_actor(document: bytes) -> ActorProfile:
    """Read an actor that was fetched; raises Malformed."""
    return actor_from(decode(document))


def actor_from(wire: Wire) -> ActorProfile:
    """Read an actor out of a larger document; raises Malformed."""
    kind = type_in(wire, ACTOR_TYPES)
    if not kind:
        raise Malformed("not a type of actor", reason="object_type")
    identifier = required_uri(wire, "id")
    username, acct_domain = _handle(wire)
    return ActorProfile(
        id=identifier,
        kind=_KINDS[kind],
        username=username,
        inbox=required_uri(wire, "inbox"),
        acct_domain=acct_domain,
        name=clean_line(localised(wire, "name"), limits.NAME),
        summary=sanitise_html(localised(wire, "summary")[: limits.BIOGRAPHY]),
        url=web_link(wire.get("url")),
        shared_inbox=_shared_inbox(wire),
        outbox=uri(wire.get("outbox")),
        followers=uri(wire.get("followers")),
        following=uri(wire.get("following")),
        featured=uri(wire.get("featured")),
        featured_tags=uri(wire.get("featuredTags")),
        icon=_picture(wire.get("icon")),
        image=_picture(wire.get("image")),
        fields=_fields(wire.get("attachment")),
        emojis=read_tags(wire.get("tag")).emojis,
        also_known_as=uris(wire.get("alsoKnownAs"), limits.ALIASES),
        moved_to=uri(wire.get("movedTo")) or None,
        locked=flag(wire.get("manuallyApprovesFollowers")),
        discoverable=flag(wire.get("discoverable", wire.get("toot:discoverable"))),
        indexable=flag(wire.get("indexable", wire.get("toot:indexable"))),
        suspended=flag(wire.get("suspended", wire.get("toot:suspended"))),
        published=time(wire.get("published")),
        keys=keys_of(wire, identifier),
        takes_ed25519=_takes_ed25519(wire),
        attribution_domains=_domains(wire.get("attributionDomains")),
    )


def _handle(wire: Wire) -> tuple[str, str]:
    """Return username and domain as the actor claims them; the domain is empty without FEP-2c59."""
    user, _, domain = string(wire.get("webfinger")).removeprefix("acct:").rpartition("@")
    if _USERNAME.fullmatch(user) and _DOMAIN.fullmatch(domain):
        return user, domain.lower()
    username = wire.get("preferredUsername")
    if not isinstance(username, str) or not username:
        raise Malformed("no preferredUsername", reason="username_missing")
    if not _USERNAME.fullmatch(username):
        raise Malformed("preferredUsername has characters that no handle has", reason="username_invalid")
    return username, ""


def _shared_inbox(wire: Wire) -> str:
    endpoints = wire.get("endpoints")
    return uri(endpoints.get("sharedInbox")) if isinstance(endpoints, dict) else ""


def _takes_ed25519(wire: Wire) -> bool:
    """Tell whether the server says so, in the actor's generator or, as an application, of itself."""
    generator = wire.get("generator")
    implements = (generator if isinstance(generator, dict) else wire).get("implements")
    return any(link.get("href") == TAKES_ED25519 for link in objects(implements, limits.CAPABILITIES))


def _picture(value: object) -> str:
    picture = first(value)
    if isinstance(picture, dict) and picture.get("type") != "Link":
        picture = picture.get("url")
    return web_link(picture, "image/")


def _fields(value: object) -> tuple[Field, ...]:
    found = (_field(wire) for wire in objects(value, limits.FIELDS))
    return tuple(field for field in found if field)


def _field(wire: Wire) -> Field | None:
    name = clean_line(string(wire.get("name")), limits.FIELD_NAME)
    match wire.get("type"):
        case "PropertyValue":
            value = string(wire.get("value"))
        case "Note":
            value = localised(wire, "content")
        case "Link" if href := web_link(wire.get("href")):
            shown = href.replace("&", "&amp;").replace('"', "&quot;")
            value = f'<a href="{shown}">{shown}</a>'
        case _:
            return None
    return Field(name=name, value=sanitise_html(value[: limits.FIELD_VALUE])) if name else None


def _domains(value: object) -> tuple[str, ...]:
    found = (string(entry).lower() for entry in entries(value)[: limits.DOMAINS])
    return tuple(domain for domain in found if _DOMAIN.fullmatch(domain))
