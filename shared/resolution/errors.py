"""Why something could not be resolved although its server answered."""

from shared.protocol.errors import Rejected


class LocalUri(Rejected):
    """The URI has our own origin: what is not in the database does not exist."""

    reason = "local_uri"


class DomainBlocked(Rejected):
    """The domain is suspended here: nothing is fetched from it, accepted from it or sent to it."""

    reason = "domain_blocked"


class IdMismatch(Rejected):
    """The document says it is something else than what was asked for."""

    reason = "id_mismatch"


class NotTheAuthor(Rejected):
    """The post is attributed to an actor of another origin."""

    reason = "attributed_elsewhere"


class KeyNotListed(Rejected):
    """The actor that is said to own the key does not list it."""

    reason = "key_not_listed"


class BadHandle(Rejected):
    """This is not `user@host`."""

    reason = "bad_handle"


class HandleMismatch(Rejected):
    """WebFinger leads to no actor that goes by this handle."""

    reason = "handle_mismatch"


class ActorGone(Rejected):
    """The actor is known here, and deleted or suspended."""

    reason = "actor_gone"
