"""What can go wrong between us and a remote server, each with the word that metrics and logs use."""

from shared.protocol.errors import Rejected, Unavailable


class BadUrl(Rejected):
    """The URL is not one that a server of the fediverse has."""

    reason = "bad_url"


class AddressBlocked(Rejected):
    """The URL leads to an address that is not part of the public internet."""

    reason = "address_blocked"


class OwnHost(Rejected):
    """The URL is our own: what is local is never fetched."""

    reason = "own_host"


class TooLarge(Rejected):
    """The answer is larger than anything we asked for."""

    reason = "answer_too_large"


class TooManyRedirects(Rejected):
    """The answer is yet another redirect, or one that leads nowhere."""

    reason = "too_many_redirects"


class WrongMediaType(Rejected):
    """The answer is of another media type than what was asked for."""

    reason = "wrong_media_type"


class NotThere(Rejected):
    """The server answered that there is no such document; `status` is 404 or 410."""

    reason = "not_there"

    def __init__(self, detail: str = "", *, status: int = 404) -> None:
        super().__init__(detail, reason="gone" if status == 410 else None)  # noqa: PLR2004 - RFC 9110
        self.status = status


class Denied(Rejected):
    """The server does not give us the document; `status` is the 4xx it answered."""

    reason = "denied"

    def __init__(self, detail: str = "", *, status: int) -> None:
        super().__init__(detail)
        self.status = status


class RemoteUnavailable(Unavailable):
    """The remote server cannot be spoken with right now."""

    reason = "remote_unavailable"


class DnsFailed(RemoteUnavailable):
    """The name has no address, or nobody can tell; the reason says which."""

    reason = "dns_failed"


class ConnectFailed(RemoteUnavailable):
    """No connection came about."""

    reason = "connect_failed"


class OutOfSockets(Unavailable):
    """This process may open no more files: our trouble, which says nothing of the host."""

    reason = "out_of_sockets"


class TlsFailed(RemoteUnavailable):
    """The certificate is not valid for the host, or TLS failed otherwise."""

    reason = "tls_failed"


class TimedOut(RemoteUnavailable):
    """The total deadline passed, whatever part of the exchange took so long."""

    reason = "timed_out"


class BudgetSpent(RemoteUnavailable):
    """Too much was asked of this registrable domain lately, by whatever names."""

    reason = "domain_budget_spent"


class AnswerBroken(RemoteUnavailable):
    """The connection broke off, or what came is not HTTP."""

    reason = "answer_broken"


class ServerTrouble(RemoteUnavailable):
    """The server answered 5xx or 429; `retry_after` is in seconds where it said so."""

    reason = "server_trouble"

    def __init__(self, detail: str = "", *, status: int, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_after = retry_after
