"""The streams that a client may ask for, by the names of the Mastodon API."""

from typing import Final

from msgspec import Struct

from services.platform_gateway.errors import ApiError
from services.platform_gateway.parameters import MAX_ID
from shared.protocol.text import normalise_tag

USER: Final = "user"
NOTIFICATIONS: Final = "user:notification"
DIRECT: Final = "direct"
HASHTAG: Final = "hashtag"
HASHTAG_LOCAL: Final = "hashtag:local"
LIST: Final = "list"

PUBLIC: Final = frozenset(
    {
        "public",
        "public:media",
        "public:local",
        "public:local:media",
        "public:remote",
        "public:remote:media",
    }
)
_SCOPES: Final = {
    USER: "read:statuses",
    NOTIFICATIONS: "read:notifications",
    DIRECT: "read:statuses",
    LIST: "read:lists",
}
_TAGGED: Final = frozenset({HASHTAG, HASHTAG_LOCAL})


class Channel(Struct, frozen=True):
    """One stream; `tag` is normalised and set for those of hashtags only, `list_id` for those of lists."""

    name: str
    tag: str = ""
    list_id: int = 0

    @property
    def label(self) -> list[str]:
        """How messages over a WebSocket name the stream."""
        if self.list_id:
            return [self.name, str(self.list_id)]
        return [self.name, self.tag] if self.tag else [self.name]

    @property
    def personal(self) -> bool:
        """Whether it is of one person."""
        return self.name in _SCOPES

    @property
    def scope(self) -> str:
        """What a token must allow; empty where everybody may listen."""
        return _SCOPES.get(self.name, "")

    def takes(self, *, local: bool, media: bool, tags: tuple[str, ...]) -> bool:
        """Tell whether a post that everybody may see belongs here."""
        if self.name in _TAGGED:
            return self.tag in tags and (local or self.name == HASHTAG)
        if self.name not in PUBLIC or (self.name.endswith(":media") and not media):
            return False
        return ":remote" not in self.name if local else ":local" not in self.name


def channel_of(name: str, tag: str = "", list_id: str = "") -> Channel:
    """Return the stream of this name; raises ApiError where there is none."""
    if name == LIST:
        if not (list_id.isascii() and list_id.isdigit()) or int(list_id[:20]) > MAX_ID:
            raise ApiError(400, "No list for stream provided")
        return Channel(name, list_id=int(list_id))
    if name in _TAGGED:
        normalised = normalise_tag(tag.removeprefix("#"))[:200]
        if not normalised:
            raise ApiError(400, "No tag for stream provided")
        return Channel(name, normalised)
    if name in PUBLIC or name in _SCOPES:
        return Channel(name)
    raise ApiError(400, "Unknown stream type")
