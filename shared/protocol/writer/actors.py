"""Actor documents: accounts and the instance actor."""

from typing import Final

from shared.protocol.file_types import media_type_of
from shared.protocol.identifiers import origin_of
from shared.protocol.key_formats import ED25519, RSA, write_multikey, write_pem
from shared.protocol.objects import TAKES_ED25519, ActorKind, ActorProfile, PublicKey
from shared.protocol.writer.context import ACTOR, Wire, encode, moment, picture, present
from shared.protocol.writer.tags import emoji_tags

_SOFTWARE: Final = "Heddle"
_TYPES: Final = {
    ActorKind.PERSON: "Person",
    ActorKind.SERVICE: "Service",
    ActorKind.APPLICATION: "Application",
    ActorKind.GROUP: "Group",
    ActorKind.ORGANIZATION: "Organization",
}
_IMPLEMENTS: Final = (
    {"href": "https://datatracker.ietf.org/doc/html/rfc9421", "name": "RFC-9421: HTTP Message Signatures"},
    {"href": TAKES_ED25519, "name": "RFC-9421 signatures using the Ed25519 algorithm"},
)


def write_actor(actor: ActorProfile) -> bytes:
    """Return an actor's document; `keys` are its public keys, of which RSA and Ed25519 are written."""
    return encode(ACTOR, actor_wire(actor))


def actor_wire(actor: ActorProfile) -> Wire:
    """Return an actor without a context, to be embedded."""
    return {
        "id": actor.id,
        "type": _TYPES[actor.kind],
        **_collections(actor),
        "preferredUsername": actor.username,
        "name": actor.name,
        "summary": actor.summary,
        "manuallyApprovesFollowers": actor.locked,
        "discoverable": actor.discoverable,
        "indexable": actor.indexable,
        **_keys(actor.keys),
        "attachment": [{"type": "PropertyValue", "name": f.name, "value": f.value} for f in actor.fields],
        "tag": emoji_tags(actor.emojis),
        **present(_optional(actor)),
        **_policy(actor),
        **_capabilities(actor),
    }


def _policy(actor: ActorProfile) -> Wire:
    """Say that only the actor may list it in a collection (FEP-7aa9): nobody here is asked."""
    if actor.kind is ActorKind.APPLICATION:
        return {}
    return {"interactionPolicy": {"canFeature": {"automaticApproval": [actor.id]}}}


def _collections(actor: ActorProfile) -> Wire:
    endpoints = {"sharedInbox": actor.shared_inbox} if actor.shared_inbox else None
    return present(
        {
            "inbox": actor.inbox,
            "outbox": actor.outbox,
            "followers": actor.followers,
            "following": actor.following,
            "featured": actor.featured,
            "featuredTags": actor.featured_tags,
            "endpoints": endpoints,
        }
    )


def _optional(actor: ActorProfile) -> Wire:
    return {
        "url": actor.url,
        "webfinger": f"{actor.username}@{actor.acct_domain}" if actor.acct_domain else "",
        "published": moment(actor.published),
        "icon": picture(actor.icon, media_type_of(actor.icon)),
        "image": picture(actor.image, media_type_of(actor.image)),
        "alsoKnownAs": actor.also_known_as,
        "movedTo": actor.moved_to,
        "suspended": actor.suspended or None,
        "attributionDomains": actor.attribution_domains,
    }


def _keys(keys: tuple[PublicKey, ...]) -> Wire:
    """Return one RSA key as an object, since several break some servers, and the Ed25519 ones as Multikey."""
    rsa = [
        {"id": key.id, "owner": key.owner, "publicKeyPem": write_pem(key.der)}
        for key in keys
        if key.algorithm == RSA
    ]
    ed25519 = [
        {
            "id": key.id,
            "type": "Multikey",
            "controller": key.owner,
            "publicKeyMultibase": write_multikey(key.der),
        }
        for key in keys
        if key.algorithm == ED25519
    ]
    return present({"publicKey": rsa[0] if rsa else None, "assertionMethod": ed25519})


def _capabilities(actor: ActorProfile) -> Wire:
    """Say that RFC 9421 is understood, with Ed25519 too (FEP-844e)."""
    if actor.kind is ActorKind.APPLICATION:
        return {"implements": _IMPLEMENTS}
    application = f"{origin_of(actor.id)}/actor"
    generator = {"type": "Application", "id": application, "name": _SOFTWARE, "implements": _IMPLEMENTS}
    return {"generator": generator}
