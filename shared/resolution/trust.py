"""What a fetched document may claim: about itself, and about others (FEP-fe34). Pure."""

from msgspec.structs import replace

from shared.protocol.identifiers import host_of, same_origin
from shared.protocol.objects import ActorProfile, PublicKey
from shared.remote.urls import canonical


def is_at(identifier: str, url: str) -> bool:
    """Tell whether a document's id is the very URL that it came from."""
    return identifier == url or str(canonical(identifier)) == url


def same_site(one: str, other: str) -> bool:
    """Tell whether two URIs are on one domain, or one on a subdomain of the other's."""
    first, second = host_of(one), host_of(other)
    if not first or not second:
        return False
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")


def trusted(profile: ActorProfile) -> ActorProfile:
    """Return a profile without what it claims of others: keys, collections and inboxes that are not its own.

    A shared inbox elsewhere would make us send strangers what is meant for this actor's server.
    """

    def own(uri: str) -> str:
        return uri if same_origin(uri, profile.id) else ""

    return replace(
        profile,
        shared_inbox=profile.shared_inbox if same_site(profile.shared_inbox, profile.id) else "",
        featured=profile.featured if same_site(profile.featured, profile.id) else "",
        featured_tags=profile.featured_tags if same_site(profile.featured_tags, profile.id) else "",
        followers=own(profile.followers),
        following=own(profile.following),
        outbox=own(profile.outbox),
        keys=tuple(key for key in profile.keys if key.owner == profile.id),
    )


def is_stripped(profile: ActorProfile) -> bool:
    """Tell whether an actor says nothing but how to reach and check it, as to one who is not to know more."""
    about = (profile.name, profile.summary, profile.url, profile.icon, profile.image, profile.fields)
    return not any((*about, profile.followers, profile.following))


def listed_key(profile: ActorProfile, key_id: str) -> PublicKey | None:
    """Return the key of this id if the actor's own document lists it."""
    return next((key for key in profile.keys if key.id == key_id and key.owner == profile.id), None)
