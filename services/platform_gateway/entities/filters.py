"""Filters, as both versions of the API show them."""

from msgspec import Struct


class FilterKeyword(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/FilterKeyword/."""

    id: str
    keyword: str
    whole_word: bool


class FilterStatus(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/FilterStatus/."""

    id: str
    status_id: str


class MatchedFilter(Struct, kw_only=True):
    """A filter, without what it looks for; `filter_action` is warn, hide or blur."""

    id: str
    title: str
    context: list[str]
    expires_at: str | None
    filter_action: str


class Filter(MatchedFilter, kw_only=True):
    """https://docs.joinmastodon.org/entities/Filter/."""

    keywords: list[FilterKeyword]
    statuses: list[FilterStatus]


class OldFilter(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/V1_Filter/: one keyword, by its own id."""

    id: str
    phrase: str
    context: list[str]
    whole_word: bool
    expires_at: str | None
    irreversible: bool


class FilterResult(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/FilterResult/: why a post is filtered."""

    filter: MatchedFilter
    keyword_matches: list[str] | None
    status_matches: list[str] | None
