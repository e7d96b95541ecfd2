"""Structured logs: one JSON object a line on stdout, or colours for a person.

Event names are fixed words; everything that varies is a field. Bind the one id of an activity once:
`log = structlog.get_logger().bind(trace=item.trace)`, or for a whole task with `bound(trace=…)`.
"""

import json
import logging
import random
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from select import PIPE_BUF
from typing import Any, cast

import msgspec
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import Processor

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("json", "console")

_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]*@")


def configure(service: str, log_format: str = "json", level: str = "info") -> None:
    """Set up logging for this process; the standard library's loggers come out the same way.

    Args:
        service: Bound to every line.
        log_format: `json` or `console`.
        level: The least important level shown: debug, info, warning or error.
    """
    structlog.reset_defaults()
    structlog.configure(
        processors=[*_common_processors(), *_renderers(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=_logger_factory(log_format),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
    _route_standard_library(LEVELS[level])


def new_trace() -> str:
    """Return a fresh id for the way of one activity: 32 hex digits, as OpenTelemetry has them."""
    # Nobody gains by guessing it, so it need not cost a call into the system.
    return f"{random.getrandbits(128):032x}"


def bound(**fields: str) -> AbstractContextManager[None]:
    """Bind fields to every line logged inside the `with`, in this task and those it starts."""
    return structlog.contextvars.bound_contextvars(**fields)


def info_all(event: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Log a line of one event for each of these rows of fields.

    Line by line costs five times as much: time, service and level are the same for all, and they are written
    many at a time.
    """
    log = structlog.get_logger()
    if not log.is_enabled_for(logging.INFO):
        return
    processors = structlog.get_config()["processors"]
    if processors[-1] is not _as_json:
        for row in rows:
            log.info(event, **row)
        return
    common: MutableMapping[str, Any] = {"event": event}
    for processor in _common_processors():
        common = cast("MutableMapping[str, Any]", processor(log, "info", common))
    _write([_as_json(log, "info", {**common, **row}) for row in rows])


def _write(lines: Iterable[bytes]) -> None:
    # Processes of a service share a pipe, which keeps only so many bytes together.
    together, size = list[bytes](), 0
    for line in lines:
        if together and size + len(line) >= PIPE_BUF:
            _write_together(together)
            together, size = [], 0
        together.append(line)
        size += len(line) + 1
    if together:
        _write_together(together)


def _write_together(lines: Sequence[bytes]) -> None:
    sys.stdout.buffer.write(b"\n".join((*lines, b"")))
    sys.stdout.buffer.flush()


def _common_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(log_format: str) -> list[Processor]:
    if log_format == "console":
        return [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    return [structlog.processors.format_exc_info, _as_json]


def _logger_factory(log_format: str) -> Callable[..., Any]:
    if log_format == "console":
        return structlog.PrintLoggerFactory(sys.stdout)
    return structlog.BytesLoggerFactory(sys.stdout.buffer)


_encoder = msgspec.json.Encoder(enc_hook=repr)


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    try:
        return _encoder.encode(event)
    except (UnicodeEncodeError, ValueError, OverflowError):
        # Hostile text with lone surrogates must not cost us the line.
        return json.dumps(event, default=repr).encode()


class _Forward(logging.Handler):
    """Hands what libraries log to structlog under one event name."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = _PASSWORD_IN_URL.sub(r"\1:***@", record.getMessage())
            log = structlog.get_logger().bind(library=record.name, message=message)
            error = record.exc_info[1] if record.exc_info else None
            if isinstance(error, HttpProcessingError):
                # Bytes that are no HTTP are a sender's fault: a line, but no traceback of the parser.
                log.log(min(record.levelno, logging.WARNING), "library_message", error=str(error.message))
            else:
                log.log(record.levelno, "library_message", exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 - logging must never break what it watches
            self.handleError(record)


def _route_standard_library(level: int) -> None:
    logging.basicConfig(handlers=[_Forward()], level=max(level, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    # Our links tell of a lost connection in one line; the client adds two tracebacks.
    logging.getLogger("aiormq").setLevel(logging.ERROR)
