"""The JSON-LD contexts, and small shapes that several documents share.

Terms beyond ActivityStreams are defined in place: a reader that does not fetch contexts understands them
all the same.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

Wire = dict[str, object]

_STREAMS: Final = "https://www.w3.org/ns/activitystreams"
_SECURITY: Final = "https://w3id.org/security/v1"
_ID: Final = "@id"
_POST_TERMS: Final[Wire] = {
    "toot": "http://joinmastodon.org/ns#",
    "misskey": "https://misskey-hub.net/ns#",
    "fedibird": "http://fedibird.com/ns#",
    "ostatus": "http://ostatus.org#",
    "Hashtag": "as:Hashtag",
    "sensitive": "as:sensitive",
    "conversation": "ostatus:conversation",
    "Emoji": "toot:Emoji",
    "blurhash": "toot:blurhash",
    "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
    "votersCount": "toot:votersCount",
    "gts": "https://gotosocial.org/ns#",
    "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"},
    "canQuote": {"@id": "gts:canQuote", "@type": "@id"},
    "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
    "manualApproval": {"@id": "gts:manualApproval", "@type": "@id"},
    "interactingObject": {"@id": "gts:interactingObject", "@type": "@id"},
    "interactionTarget": {"@id": "gts:interactionTarget", "@type": "@id"},
    "QuoteRequest": "https://w3id.org/fep/044f#QuoteRequest",
    "QuoteAuthorization": "https://w3id.org/fep/044f#QuoteAuthorization",
    "quoteAuthorization": {"@id": "https://w3id.org/fep/044f#quoteAuthorization", "@type": "@id"},
    "quote": {"@id": "https://w3id.org/fep/044f#quote", "@type": "@id"},
    "quoteUri": "fedibird:quoteUri",
    "_misskey_quote": "misskey:_misskey_quote",
}
_ACTOR_TERMS: Final[Wire] = {
    "toot": "http://joinmastodon.org/ns#",
    "schema": "http://schema.org#",
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
    "movedTo": {"@id": "as:movedTo", "@type": "@id"},
    "Emoji": "toot:Emoji",
    "featured": {"@id": "toot:featured", "@type": "@id"},
    "featuredTags": {"@id": "toot:featuredTags", "@type": "@id"},
    "discoverable": "toot:discoverable",
    "indexable": "toot:indexable",
    "suspended": "toot:suspended",
    "attributionDomains": {"@id": "toot:attributionDomains", "@type": "@id"},
    "PropertyValue": "schema:PropertyValue",
    "value": "schema:value",
    "gts": "https://gotosocial.org/ns#",
    "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"},
    "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
    "canFeature": {"@id": "https://w3id.org/fep/7aa9#canFeature", "@type": "@id"},
    "webfinger": "https://purl.archive.org/socialweb/webfinger#webfinger",
    "implements": {"@id": "https://w3id.org/fep/844e#implements", "@type": "@id", "@container": "@set"},
    "Multikey": "https://w3id.org/security#Multikey",
    "assertionMethod": {"@id": "https://w3id.org/security#assertionMethod", "@type": "@id"},
    "controller": {"@id": "https://w3id.org/security#controller", "@type": "@id"},
    "publicKeyMultibase": "https://w3id.org/security#publicKeyMultibase",
}


def _raw(*context: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(context[0] if len(context) == 1 else context))


PLAIN: Final = _raw(_STREAMS)
POST: Final = _raw(_STREAMS, _POST_TERMS)
ACTOR: Final = _raw(_STREAMS, _SECURITY, _ACTOR_TERMS)
ALL: Final = _raw(_STREAMS, _SECURITY, {**_POST_TERMS, **_ACTOR_TERMS})


def encode(context: msgspec.Raw, wire: Wire) -> bytes:
    """Return a document with its context in front."""
    return msgspec.json.encode({"@context": context, **wire})


def present(wire: Mapping[str, object]) -> Wire:
    """Return an object without the properties that have no value."""
    return {name: value for name, value in wire.items() if value not in (None, "", (), [])}


def moment(value: datetime | None) -> str | None:
    """Return a moment in UTC, with milliseconds only where it has some."""
    if value is None:
        return None
    value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(timespec="milliseconds" if value.microsecond >= 1000 else "seconds") + "Z"  # noqa: PLR2004 - a millisecond


def picture(address: str, media_type: str | None = None) -> Wire | None:
    """Return an Image for an address, None for an empty one."""
    return present({"type": "Image", "mediaType": media_type, "url": address}) if address else None
