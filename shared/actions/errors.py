"""Why an action was not done."""

from shared.protocol.errors import Rejected


class NotThere(Rejected):
    """What it is about does not exist, or not for this account."""

    reason = "not_found"


class NotAllowed(Rejected):
    """This account may not do that."""

    reason = "not_allowed"


class NotPossible(Rejected):
    """What is asked for makes no sense."""

    reason = "not_possible"
