"""The two families of failure that every stage knows."""


class Rejected(Exception):
    """This item can never succeed; trying again changes nothing.

    Args:
        detail: What was wrong, for a person to read; holds no secret.
    """

    reason: str = "rejected"
    """A word from a fixed list: the label of the metric and the field in the log."""

    def __init__(self, detail: str = "", *, reason: str | None = None) -> None:
        super().__init__(detail or self.__doc__)
        self.detail = detail
        if reason is not None:
            self.reason = reason


class Malformed(Rejected):
    """The bytes are not an activity that we can read."""

    reason = "malformed"


class Unavailable(Exception):
    """Something we need is not there right now; trying again later may succeed."""

    reason: str = "unavailable"

    def __init__(self, detail: str = "", *, reason: str | None = None) -> None:
        super().__init__(detail or self.__doc__)
        self.detail = detail
        if reason is not None:
            self.reason = reason
