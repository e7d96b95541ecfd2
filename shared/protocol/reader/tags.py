"""The `tag` list: mentions, hashtags, custom emoji and links to quoted posts."""

import re
from typing import Final

from msgspec import Struct

from shared.protocol.objects import Emoji, Mention
from shared.protocol.reader import limits
from shared.protocol.reader.values import Wire, objects, string, uri, web_link
from shared.protocol.text.hashtags import MAX_TAG_LENGTH, is_tag, normalise_tag
from shared.protocol.text.sanitise import clean_line

_SHORTCODE: Final = re.compile(r"[\w+.-]{1,100}")
_MAX_HANDLE: Final = 320
_QUOTE_RELATIONS: Final = frozenset(
    {
        "https://misskey-hub.net/ns#_misskey_quote",
        "https://w3id.org/fep/044f#quote",
        "https://www.w3.org/ns/activitystreams#quoteUrl",
    }
)
_ACTIVITY_TYPES: Final = ("application/activity+json", "application/ld+json")


class Tags(Struct, frozen=True, kw_only=True):
    """What the tags of a post or profile say; `quote` is the post of a FEP-e232 link."""

    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[str, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    quote: str = ""


_NO_TAGS: Final = Tags()


def read_tags(value: object) -> Tags:
    """Read a `tag`: one object or many; what is not understood is left out."""
    if not value:
        return _NO_TAGS
    mentions: dict[str, Mention] = {}
    hashtags: dict[str, str] = {}
    emojis: dict[str, Emoji] = {}
    quote = ""
    for tag in objects(value, limits.TAGS):
        match tag.get("type"):
            case "Mention" if href := uri(tag.get("href")):
                mentions.setdefault(href, Mention(href=href, name=_handle(tag)))
            case "Hashtag" if name := _hashtag(tag):
                hashtags.setdefault(normalise_tag(name), name)
            case "Emoji" if (emoji := _emoji(tag)) and len(emojis) < limits.EMOJIS:
                emojis.setdefault(emoji.shortcode, emoji)
            case "Link":
                quote = quote or _quote(tag)
    return Tags(
        mentions=tuple(mentions.values()),
        hashtags=tuple(hashtags.values()),
        emojis=tuple(emojis.values()),
        quote=quote,
    )


def _handle(tag: Wire) -> str:
    return clean_line(string(tag.get("name")), _MAX_HANDLE)


def _hashtag(tag: Wire) -> str:
    name = string(tag.get("name")).strip().lstrip("#\uff03")
    return name if len(name) <= MAX_TAG_LENGTH and is_tag(name) else ""


def _emoji(tag: Wire) -> Emoji | None:
    shortcode = string(tag.get("name")).strip(":")
    icon = tag.get("icon")
    address = web_link(icon.get("url") if isinstance(icon, dict) else icon, "image/")
    if not address or not _SHORTCODE.fullmatch(shortcode):
        return None
    return Emoji(shortcode=shortcode, url=address)


def _quote(tag: Wire) -> str:
    relation = tag.get("rel")
    relations = relation if isinstance(relation, list) else [relation]
    media_type = string(tag.get("mediaType"))
    if any(isinstance(r, str) and r in _QUOTE_RELATIONS for r in relations):
        return uri(tag.get("href"))
    return uri(tag.get("href")) if media_type.startswith(_ACTIVITY_TYPES) else ""
