"""What a batch changes that people who are looking on may be shown at once."""

from collections.abc import Iterable

from shared.protocol.live import Live

MOST = 1000
"""Ids of a kind that are told of one batch; more than that nobody reads as it happens."""


class Changes:
    """Gathers ids, for the whole batch; told after the commit."""

    def __init__(self) -> None:
        self._new: dict[int, None] = {}
        self._changed: dict[int, None] = {}
        self._gone: dict[int, None] = {}
        self._told: dict[int, None] = {}

    def post(self, status_id: int) -> None:
        """Note that a post or boost has come."""
        self._new[status_id] = None

    def edit(self, status_id: int) -> None:
        """Note that a post reads differently."""
        self._changed[status_id] = None

    def remove(self, status_ids: Iterable[int]) -> None:
        """Note that posts and boosts are gone."""
        for status_id in status_ids:
            self._new.pop(status_id, None)
            self._changed.pop(status_id, None)
            self._gone[status_id] = None

    def tell(self, notification_ids: Iterable[int]) -> None:
        """Note that notifications were given."""
        self._told.update(dict.fromkeys(notification_ids))

    def live(self) -> Live:
        """Return what is to be told."""
        return Live(
            new=tuple(self._new)[:MOST],
            changed=tuple(one for one in self._changed if one not in self._new)[:MOST],
            gone=tuple(self._gone)[:MOST],
            told=tuple(self._told)[:MOST],
        )
