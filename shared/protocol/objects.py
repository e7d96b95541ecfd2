"""What activities speak of, parsed: notes, actors and their parts. Texts are already sanitised."""

from datetime import datetime
from enum import IntEnum

from msgspec import Struct


class Visibility(IntEnum):
    """Who may see a post, from everybody to the people named in it."""

    PUBLIC = 0
    UNLISTED = 1
    FOLLOWERS = 2
    DIRECT = 3


TAKES_ED25519 = "https://datatracker.ietf.org/doc/html/rfc9421#name-eddsa-using-curve-edwards25"
"""How a server says that it checks signatures by Ed25519 keys (FEP-844e)."""


class QuotePolicy(IntEnum):
    """Who may quote a post without being asked about it (FEP-044f); its author always may."""

    PUBLIC = 0
    FOLLOWERS = 1
    NOBODY = 2


class ActorKind(IntEnum):
    """The actor types of ActivityStreams (section 3.2 of the vocabulary)."""

    PERSON = 0
    SERVICE = 1
    APPLICATION = 2
    GROUP = 3
    ORGANIZATION = 4


class Mention(Struct, frozen=True, kw_only=True):
    """A Mention tag: the actor's URI and the name shown (`@user@host`, may be empty)."""

    href: str
    name: str = ""


class Hashtag(Struct, frozen=True, kw_only=True):
    """A hashtag on its own, as written, without its #."""

    name: str


class Emoji(Struct, frozen=True, kw_only=True):
    """A custom emoji: its shortcode without colons and the image's URL."""

    shortcode: str
    url: str


class Attachment(Struct, frozen=True, kw_only=True):
    """A media attachment; sizes in pixels, focal point from -1 to 1, `description` is the alt text.

    `id` and `preview` are set of pictures that were uploaded here.
    """

    url: str
    media_type: str = ""
    description: str = ""
    width: int | None = None
    height: int | None = None
    blurhash: str = ""
    focus: tuple[float, float] | None = None
    id: int = 0
    preview: str = ""


class Field(Struct, frozen=True, kw_only=True):
    """One row of a profile's table: a plain name, an HTML value (FEP-fb2a)."""

    name: str
    value: str


class PollOption(Struct, frozen=True, kw_only=True):
    """One choice of a poll and how many chose it."""

    name: str
    votes: int = 0


class Poll(Struct, frozen=True, kw_only=True):
    """A Question's choices (FEP-9967)."""

    options: tuple[PollOption, ...]
    multiple: bool = False
    ends_at: datetime | None = None
    closed_at: datetime | None = None
    voters: int | None = None


class PublicKey(Struct, frozen=True, kw_only=True):
    """A key that an actor document lists, as DER SubjectPublicKeyInfo; `algorithm` is rsa or ed25519."""

    id: str
    owner: str
    algorithm: str
    der: bytes


class Note(Struct, frozen=True, kw_only=True):
    """A post, whatever its type on the wire (Note, Article, Question, Page, Video, Audio, Image, Event).

    `content` is sanitised HTML and readable alone: of a titled type it begins with the title and ends with
    the link. `summary` is the content warning and `name` the title, both plain text. `context` and
    `replies` name the collections of the thread and of the direct replies (FEP-7888), where there are any.
    `quote_consent` says that the quote is one of FEP-044f and counts with the quoted author's consent only,
    which `quote_authorization` names; `quote_confirmed` that their server bears it out, which is not read
    from a post but asked there. `may_quote` are who may quote this post unasked, None where nothing is said,
    and `may_ask` who may after the author was asked.
    """

    id: str
    type: str
    attributed_to: str
    content: str = ""
    summary: str = ""
    name: str = ""
    language: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    url: str = ""
    in_reply_to: str | None = None
    quote: str | None = None
    quote_consent: bool = False
    quote_authorization: str = ""
    quote_confirmed: bool = False
    may_quote: tuple[str, ...] | None = None
    may_ask: tuple[str, ...] = ()
    sensitive: bool = False
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[str, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    poll: Poll | None = None
    context: str = ""
    replies: str = ""

    @property
    def is_vote(self) -> bool:
        """Tell whether this is a vote: it names a poll's option, answers the poll and says nothing else."""
        answers = bool(self.name and self.in_reply_to) and not self.content and not self.attachments
        return self.type == "Note" and answers


class QuoteAuthorization(Struct, frozen=True, kw_only=True):
    """A stamp (FEP-044f): `attributed_to` lets the post `quoting` quote its own post `quoted`."""

    id: str
    attributed_to: str
    quoting: str
    quoted: str


class ActorProfile(Struct, frozen=True, kw_only=True):
    """An actor document: `summary` is sanitised HTML, names are plain text.

    `acct_domain` is what the document itself claims (FEP-2c59) and is empty unless it does.
    `takes_ed25519` tells whether its server says that it understands RFC 9421 with Ed25519 (FEP-844e).
    """

    id: str
    kind: ActorKind
    username: str
    inbox: str
    acct_domain: str = ""
    name: str = ""
    summary: str = ""
    url: str = ""
    shared_inbox: str = ""
    outbox: str = ""
    followers: str = ""
    following: str = ""
    featured: str = ""
    featured_tags: str = ""
    icon: str = ""
    image: str = ""
    fields: tuple[Field, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    also_known_as: tuple[str, ...] = ()
    moved_to: str | None = None
    locked: bool = False
    discoverable: bool = False
    indexable: bool = False
    suspended: bool = False
    published: datetime | None = None
    keys: tuple[PublicKey, ...] = ()
    takes_ed25519: bool = False
    attribution_domains: tuple[str, ...] = ()
