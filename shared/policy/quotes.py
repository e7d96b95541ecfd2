"""Who may quote a post (FEP-044f): facts go in, what its author's server will answer comes out."""

from collections.abc import Collection, Mapping
from enum import IntFlag, StrEnum
from typing import Final

from msgspec import Struct

from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Note, QuotePolicy, Visibility


class Circle(IntFlag):
    """Whom an author names: everybody, followers, those whom the author follows, and single others."""

    NOBODY = 0
    PUBLIC = 1
    FOLLOWERS = 2
    FOLLOWING = 4
    OTHERS = 8


_BITS: Final = 4


class QuoteTerms(Struct, frozen=True, kw_only=True):
    """Who may quote a post: at once, and after its author was asked."""

    automatic: Circle = Circle.NOBODY
    manual: Circle = Circle.NOBODY

    def packed(self) -> int:
        """Return the terms as a small number."""
        return int(self.automatic) << _BITS | int(self.manual)

    @classmethod
    def unpacked(cls, number: int | None) -> "QuoteTerms | None":
        """Return the terms of a number; None where nothing was said."""
        if number is None:
            return None
        return cls(automatic=Circle(number >> _BITS), manual=Circle(number & (1 << _BITS) - 1))

    @property
    def personal(self) -> bool:
        """Tell whether it takes more than the terms to know what somebody may."""
        named = self.automatic | self.manual
        return Circle.PUBLIC not in self.automatic and bool(named & (Circle.FOLLOWERS | Circle.FOLLOWING))


TERMS: Final[Mapping[QuotePolicy, QuoteTerms]] = {
    QuotePolicy.PUBLIC: QuoteTerms(automatic=Circle.PUBLIC),
    QuotePolicy.FOLLOWERS: QuoteTerms(automatic=Circle.FOLLOWERS),
    QuotePolicy.NOBODY: QuoteTerms(),
}
"""What the policies of people here come to: nobody here is asked."""


class Expected(StrEnum):
    """What comes of quoting a post; the words are those of the client API."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Quoter(Struct, frozen=True, kw_only=True):
    """What the one who quotes is to the author; `blocked` in either direction."""

    is_author: bool = False
    follows: bool = False
    followed: bool = False
    blocked: bool = False


def expected(terms: QuoteTerms | None, visibility: Visibility, quoter: Quoter) -> Expected:
    """Tell what comes of quoting a post; what is not open to all is quoted by its author alone.

    Whoever is named beside the circles may or may not be the quoter: their server knows.
    """
    if quoter.is_author:
        return Expected.DENIED if visibility is Visibility.DIRECT else Expected.AUTOMATIC
    if quoter.blocked or visibility not in {Visibility.PUBLIC, Visibility.UNLISTED}:
        return Expected.DENIED
    if terms is None:
        return Expected.UNKNOWN
    own = _circles(quoter)
    if terms.automatic & own:
        return Expected.AUTOMATIC
    if terms.manual & own:
        return Expected.MANUAL
    return Expected.UNKNOWN if Circle.OTHERS in terms.automatic | terms.manual else Expected.DENIED


def may_quote(policy: QuotePolicy, visibility: Visibility, quoter: Quoter) -> bool:
    """Tell whether somebody may quote a post of somebody here."""
    return expected(TERMS[policy], visibility, quoter) is Expected.AUTOMATIC


def terms_of(note: Note, followers: str, following: str) -> QuoteTerms | None:
    """Return what a post of another server says, given its author's collections; None for nothing."""
    if note.may_quote is None:
        return None

    def circle(named: Collection[str]) -> Circle:
        found = Circle.NOBODY
        for uri in named:
            if uri == PUBLIC:
                found |= Circle.PUBLIC
            elif uri == followers:
                found |= Circle.FOLLOWERS
            elif uri == following:
                found |= Circle.FOLLOWING
            elif uri != note.attributed_to:
                found |= Circle.OTHERS
        return found

    return QuoteTerms(automatic=circle(note.may_quote), manual=circle(note.may_ask))


def _circles(quoter: Quoter) -> Circle:
    found = Circle.PUBLIC
    if quoter.follows:
        found |= Circle.FOLLOWERS
    if quoter.followed:
        found |= Circle.FOLLOWING
    return found
