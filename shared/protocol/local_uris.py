"""The URIs of this site: the one place that builds them and takes them apart."""

from typing import Final
from urllib.parse import quote

from shared.protocol.identifiers import origin_of

_MAX_ID: Final = (1 << 63) - 1
_MAX_DIGITS: Final = len(str(_MAX_ID))


class LocalUris:
    """Makes and recognises local URIs.

    Args:
        origin: Scheme, host and port of all ids, without a slash at the end: `https://social.example`.
        account_domain: The part after the @ of local handles; by default the origin's host and port.
    """

    def __init__(self, origin: str, account_domain: str = "") -> None:
        self.origin = origin.rstrip("/")
        self.host = self.origin.partition("://")[2]
        self.account_domain = (account_domain or self.host).lower()
        self.shared_inbox = f"{self.origin}/inbox"
        self.instance_actor = f"{self.origin}/actor"
        self.instance_inbox = f"{self.instance_actor}/inbox"
        self.instance_outbox = f"{self.instance_actor}/outbox"
        self.instance_key = f"{self.instance_actor}#main-key"
        self.instance_ed25519_key = f"{self.instance_actor}#ed25519-key"
        self._actors = f"{self.origin}/users/"
        self._objects = f"{self.origin}/objects/"

    def actor(self, actor_id: int) -> str:
        """Return the id of a local actor."""
        return f"{self._actors}{actor_id}"

    def inbox(self, actor_id: int) -> str:
        """Return an actor's own inbox."""
        return f"{self._actors}{actor_id}/inbox"

    def outbox(self, actor_id: int) -> str:
        """Return an actor's outbox."""
        return f"{self._actors}{actor_id}/outbox"

    def followers(self, actor_id: int) -> str:
        """Return the collection of an actor's followers."""
        return f"{self._actors}{actor_id}/followers"

    def followers_synchronization(self, actor_id: int) -> str:
        """Return where a server reads who of its own follows an actor (FEP-8fcf)."""
        return f"{self._actors}{actor_id}/followers_synchronization"

    def following(self, actor_id: int) -> str:
        """Return the collection of whom an actor follows."""
        return f"{self._actors}{actor_id}/following"

    def featured(self, actor_id: int) -> str:
        """Return the collection of an actor's pinned posts."""
        return f"{self._actors}{actor_id}/collections/featured"

    def featured_tags(self, actor_id: int) -> str:
        """Return the collection of an actor's featured hashtags."""
        return f"{self._actors}{actor_id}/collections/tags"

    def main_key(self, actor_id: int) -> str:
        """Return the id of an actor's RSA key."""
        return f"{self._actors}{actor_id}#main-key"

    def ed25519_key(self, actor_id: int) -> str:
        """Return the id of an actor's Ed25519 key."""
        return f"{self._actors}{actor_id}#ed25519-key"

    def status(self, status_id: int) -> str:
        """Return the id of a local post."""
        return f"{self._objects}{status_id}"

    def create(self, status_id: int) -> str:
        """Return the id of a post's Create, or of a boost's Announce, which is the boost's own URI."""
        return f"{self._objects}{status_id}/activity"

    def update(self, status_id: int, milliseconds: int) -> str:
        """Return the id of the Update of an edit at this Unix time."""
        return f"{self._objects}{status_id}#updates/{milliseconds}"

    def delete(self, status_id: int) -> str:
        """Return the id of a post's Delete."""
        return f"{self._objects}{status_id}#delete"

    def replies(self, status_id: int) -> str:
        """Return the collection of a post's replies."""
        return f"{self._objects}{status_id}/replies"

    def context(self, status_id: int) -> str:
        """Return the collection of the thread that starts at a post (FEP-7888)."""
        return f"{self._objects}{status_id}/context"

    def quote_authorization(self, quote_id: int) -> str:
        """Return the stamp of a quote (FEP-044f)."""
        return f"{self.origin}/quotes/{quote_id}"

    def activity(self, activity_id: int) -> str:
        """Return the id of any other activity: Follow, Like, Block, Accept, Reject, Undo."""
        return f"{self.origin}/activities/{activity_id}"

    def vote(self, actor_id: int, vote_id: int) -> str:
        """Return the id of a vote, which is no post and cannot be fetched."""
        return f"{self._actors}{actor_id}#votes/{vote_id}"

    def profile_update(self, actor_id: int, milliseconds: int) -> str:
        """Return the id of the Update of a profile at this Unix time."""
        return f"{self._actors}{actor_id}#updates/{milliseconds}"

    def actor_delete(self, actor_id: int) -> str:
        """Return the id of an account's Delete."""
        return f"{self._actors}{actor_id}#delete"

    def profile_page(self, username: str) -> str:
        """Return the page that people see of a profile."""
        return f"{self.origin}/@{username}"

    def post_page(self, username: str, status_id: int) -> str:
        """Return the page that people see of a post."""
        return f"{self.origin}/@{username}/{status_id}"

    def tag_page(self, tag: str) -> str:
        """Return the page of a hashtag, given without its #."""
        return f"{self.origin}/tags/{quote(tag, safe='')}"

    def media(self, token: str, variant: str, suffix: str = "") -> str:
        """Return the address of a file of an uploaded picture."""
        return f"{self.origin}/media/{token}/{variant}{'.' if suffix else ''}{suffix}"

    def acct(self, username: str) -> str:
        """Return a local handle in full, `user@domain`."""
        return f"{username}@{self.account_domain}"

    def is_local(self, uri: str) -> bool:
        """Tell whether a URI has this site's origin, whatever stands behind it."""
        return uri.startswith(self.origin) and origin_of(uri) == self.origin

    def actor_id(self, uri: str) -> int | None:
        """Return the number of a local actor's id, None for every other URI."""
        return _number(uri, self._actors)

    def status_id(self, uri: str) -> int | None:
        """Return the number of a local post's id, or of its Create; None for every other URI."""
        return _number(uri.removesuffix("/activity"), self._objects)

    def followers_of(self, uri: str) -> int | None:
        """Return the number of the local actor whose followers this collection holds."""
        return _number(uri.removesuffix("/followers"), self._actors) if uri.endswith("/followers") else None


def _number(uri: str, prefix: str) -> int | None:
    digits = uri[len(prefix) :]
    if not uri.startswith(prefix) or not digits.isascii() or not digits.isdigit():
        return None
    if len(digits) > _MAX_DIGITS or digits[0] == "0":
        return None
    number = int(digits)
    return number if number <= _MAX_ID else None
