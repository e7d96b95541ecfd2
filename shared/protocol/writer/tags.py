"""The `tag` list of a post or profile."""

from collections.abc import Iterable
from urllib.parse import quote

from shared.protocol.file_types import media_type_of
from shared.protocol.identifiers import origin_of
from shared.protocol.objects import Emoji, Mention, Note
from shared.protocol.text.hashtags import normalise_tag
from shared.protocol.writer.context import Wire, picture
from shared.protocol.writer.media_types import LD_JSON


def tags_of(note: Note) -> list[Wire]:
    """Return mentions, hashtags, emojis and the quoted post (FEP-e232) of a post."""
    site = origin_of(note.id)
    return [
        *(_mention(mention) for mention in note.mentions),
        *(hashtag(name, site) for name in note.hashtags),
        *emoji_tags(note.emojis),
        *([_quoted(note.quote)] if note.quote else []),
    ]


def emoji_tags(emojis: Iterable[Emoji]) -> list[Wire]:
    """Return custom emojis as tags (FEP-9098)."""
    return [
        {
            "id": e.url,
            "type": "Emoji",
            "name": f":{e.shortcode}:",
            "icon": picture(e.url, media_type_of(e.url)),
        }
        for e in emojis
    ]


def _mention(mention: Mention) -> Wire:
    return {"type": "Mention", "href": mention.href, "name": mention.name}


def _quoted(uri: str) -> Wire:
    return {"type": "Link", "mediaType": LD_JSON, "href": uri, "name": f"RE: {uri}"}


def hashtag(name: str, site: str) -> Wire:
    """Return a hashtag, which leads to its page on a site."""
    return {
        "type": "Hashtag",
        "href": f"{site}/tags/{quote(normalise_tag(name), safe='')}",
        "name": f"#{name}",
    }
