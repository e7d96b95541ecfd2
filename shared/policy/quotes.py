"""Who may quote a post without being asked about it (FEP-044f): facts go in, yes or no comes out."""

from msgspec import Struct

from shared.protocol.objects import QuotePolicy, Visibility


class Quoter(Struct, frozen=True, kw_only=True):
    """What the one who quotes is to the author; `blocked` in either direction."""

    is_author: bool = False
    follows: bool = False
    blocked: bool = False


def may_quote(policy: QuotePolicy, visibility: Visibility, quoter: Quoter) -> bool:
    """Tell whether somebody may quote a post; what is not open to all is quoted by its author alone."""
    if quoter.is_author:
        return visibility is not Visibility.DIRECT
    if quoter.blocked or visibility not in {Visibility.PUBLIC, Visibility.UNLISTED}:
        return False
    return policy is QuotePolicy.PUBLIC or (policy is QuotePolicy.FOLLOWERS and quoter.follows)
