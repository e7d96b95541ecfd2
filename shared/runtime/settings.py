"""Settings from the environment: read once, checked at once, every problem told in a line of its own."""

import ipaddress
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from shared.queue.nodes import nodes_of
from shared.telemetry.logging import FORMATS, LEVELS

PREFIX = "HEDDLE_"
FEDERATION_STAGES = ("off", "shadow", "outbound", "reactions", "full")
MIN_SECRET_LENGTH = 32
MIN_CONSENT_LENGTH = 16
MAX_PROCESSES = 64
MIN_DAYS_KEPT = 8
"""What is parked is tried for seven days."""

MAX_DAYS_KEPT = 36_500
_MAX_PORT = 65535

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PeerExemption = bool | tuple[Network, ...]
"""Which private peers are allowed: all, none, or these networks. Development only."""


class Address(Struct, frozen=True):
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment says. What a service does not name as needed may be empty."""

    origin: str
    account_domain: str
    database_url: str
    broker_url: str
    broker_management_url: str
    listen: Address | None
    ops_listen: Address | None
    processes: int
    secret_key: str
    allow_private_peers: PeerExemption
    authorized_fetch: bool
    federation_stage: str
    federation_delay: int
    log_format: str
    log_level: str
    load_test_consent: str = ""
    benchmark_mode: bool = False
    fan_out_limit: int = 10_000
    deliveries_kept: int = 30
    receipts_kept: int = 365

    def __repr__(self) -> str:
        """Name the site only: the other values carry passwords."""
        return f"Settings(origin={self.origin!r})"


class SettingsError(Exception):
    """The environment is wrong.

    Args:
        problems: One line each, with the variable's name and no secret.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


T = TypeVar("T")


class _Reader:
    """Reads variables and remembers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str], need: Sequence[str]) -> None:
        self._environ = environ
        self._need = frozenset(need)
        self.problems: list[str] = []

    def read(self, field: str, parse: Callable[[str], T], default: T) -> T:
        name = PREFIX + field.upper()
        text = self._environ.get(name, "").strip()
        if not text:
            if field in self._need:
                self.problems.append(f"{name} is not set")
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return default


def load_settings(environ: Mapping[str, str] = os.environ, *, need: Sequence[str] = ()) -> Settings:
    """Read the settings; raises SettingsError with every problem found.

    Args:
        environ: The environment.
        need: Fields that must be set, `database_url` for instance.
    """
    reader = _Reader(environ, need)
    no_peers: PeerExemption = False
    peers = reader.read("allow_private_peers", _parse_peers, no_peers)
    origin = reader.read("origin", _parse_origin, "")
    if origin.startswith("http://") and not peers:
        reader.problems.append(f"{PREFIX}ORIGIN must be https:// unless {PREFIX}ALLOW_PRIVATE_PEERS is set")
    benchmark_mode = reader.read("benchmark_mode", _parse_flag, default=False)
    if benchmark_mode and not peers:
        reader.problems.append(
            f"{PREFIX}BENCHMARK_MODE lets anyone send: it is for tests, and needs {PREFIX}ALLOW_PRIVATE_PEERS"
        )
    settings = Settings(
        origin=origin,
        account_domain=reader.read("account_domain", _parse_domain, urlsplit(origin).netloc),
        database_url=reader.read("database_url", _parse_database_url, ""),
        broker_url=reader.read("broker_url", _parse_broker_url, ""),
        broker_management_url=reader.read("broker_management_url", _parse_http_url, ""),
        listen=reader.read("listen", _parse_address, None),
        ops_listen=reader.read("ops_listen", _parse_address, None),
        processes=reader.read("processes", _parse_processes, 1),
        secret_key=reader.read("secret_key", _parse_secret, ""),
        allow_private_peers=peers,
        authorized_fetch=reader.read("authorized_fetch", _parse_flag, default=False),
        federation_stage=reader.read("federation_stage", _parse_stage, "full"),
        federation_delay=reader.read("federation_delay", _parse_delay, 0),
        log_format=reader.read("log_format", _one_of(FORMATS), "json"),
        log_level=reader.read("log_level", _one_of(tuple(LEVELS)), "info"),
        load_test_consent=reader.read("load_test_consent", _parse_consent, ""),
        benchmark_mode=benchmark_mode,
        fan_out_limit=reader.read("fan_out_limit", _parse_fan_out_limit, 10_000),
        deliveries_kept=reader.read("deliveries_kept", _parse_days, 30),
        receipts_kept=reader.read("receipts_kept", _parse_days, 365),
    )
    if settings.receipts_kept < settings.deliveries_kept:
        reader.problems.append(f"{PREFIX}RECEIPTS_KEPT must not be less than {PREFIX}DELIVERIES_KEPT")
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


def _split(text: str, schemes: Sequence[str]) -> SplitResult:
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a valid URL") from None
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {wanted}")
    if port == 0:
        raise ValueError("must not name port 0")
    return parts


def _parse_origin(text: str) -> str:
    parts = _split(text.rstrip("/"), ("https", "http"))
    if not parts.hostname:
        raise ValueError("must name a host, as https://social.example does")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be scheme and host only, as https://social.example is")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _parse_domain(text: str) -> str:
    if any(character in text for character in "/@?# ") or "://" in text:
        raise ValueError("must be a host name, as social.example is")
    return text.lower()


def _parse_database_url(text: str) -> str:
    _split(text, ("postgresql", "postgres"))
    return text


def _parse_broker_url(text: str) -> str:
    parts = [_split(node, ("amqp", "amqps")) for node in nodes_of(text)]
    if not parts or not all(node.hostname for node in parts):
        raise ValueError("must name a host, as amqp://user:password@broker.example/vhost does")
    if len({node.path for node in parts}) > 1:
        raise ValueError("must name the same virtual host at every node")
    return text


def _parse_http_url(text: str) -> str:
    nodes = nodes_of(text)
    if not nodes or not all(_split(node, ("http", "https")).hostname for node in nodes):
        raise ValueError("must name a host")
    return text


def _parse_address(text: str) -> Address:
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        raise ValueError(f"must be host:port, as 127.0.0.1:8000 is, not {text!r}")
    return Address(host, int(port))


def _parse_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"must be a whole number, not {text!r}")
    return int(text)


def _parse_processes(text: str) -> int:
    number = _parse_number(text)
    if not 1 <= number <= MAX_PROCESSES:
        raise ValueError(f"must be between 1 and {MAX_PROCESSES}, not {number}")
    return number


def _parse_fan_out_limit(text: str) -> int:
    number = _parse_number(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _parse_days(text: str) -> int:
    number = _parse_number(text)
    if not MIN_DAYS_KEPT <= number <= MAX_DAYS_KEPT:
        raise ValueError(f"must be {MIN_DAYS_KEPT} to {MAX_DAYS_KEPT} days")
    return number


def _parse_stage(text: str) -> str:
    stage = _one_of(FEDERATION_STAGES)(text)
    if stage != "full":
        # Refused rather than ignored: whoever asks for less must not get all.
        raise ValueError(f"{stage} is not built yet, only full is")
    return stage


def _parse_delay(text: str) -> int:
    seconds = _parse_number(text)
    if seconds:
        raise ValueError("other than 0 is not built yet: posts federate at once")
    return seconds


def _parse_secret(text: str) -> str:
    if len(text) < MIN_SECRET_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters (openssl rand -hex 32)")
    return text


def _parse_consent(text: str) -> str:
    if len(text) < MIN_CONSENT_LENGTH:
        raise ValueError(f"must have at least {MIN_CONSENT_LENGTH} characters (openssl rand -hex 16)")
    return text


def _parse_flag(text: str) -> bool:
    match text.lower():
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
    raise ValueError(f"must be true or false, not {text!r}")


def _parse_peers(text: str) -> PeerExemption:
    try:
        return _parse_flag(text)
    except ValueError:
        pass
    try:
        return tuple(ipaddress.ip_network(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise ValueError(f"must be true, false or a list of networks, not {text!r}") from None


def _one_of(words: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {text!r}")
        return text.lower()

    return parse
