"""`heddle block`: moderated domains."""

import re
from enum import StrEnum
from typing import Annotated

import typer

from services.operator_console.output import AsJson, Row, as_row, note, print_rows
from services.operator_console.session import NotFound, Session, with_session
from shared.database import domain_blocks
from shared.database.domain_blocks import DomainBlock
from shared.protocol.errors import Rejected

app = typer.Typer(help="Moderated domains; a block holds for the subdomains too.", no_args_is_help=True)

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_PORT = re.compile(r"[0-9]{1,5}")

_COLUMNS = {
    "domain": "domain",
    "severity": "severity",
    "reject_media": "no media",
    "reject_reports": "no reports",
    "public_comment": "public comment",
    "private_comment": "private comment",
    "created_at": "since",
}


class Severity(StrEnum):
    """How far a block goes."""

    SILENCE = "silence"
    SUSPEND = "suspend"


class NotADomain(Rejected):
    """This is not the name of a domain."""

    reason = "not_a_domain"


Domain = Annotated[str, typer.Argument(help="social.example")]


@app.command("add")
def add(
    domain: Domain,
    *,
    severity: Annotated[Severity, typer.Option(help="How far it goes.")] = Severity.SUSPEND,
    reject_media: Annotated[bool, typer.Option("--reject-media")] = False,
    reject_reports: Annotated[bool, typer.Option("--reject-reports")] = False,
    comment: Annotated[str, typer.Option(help="The reason, for everybody to read.")] = "",
    private_comment: Annotated[str, typer.Option(help="The reason, for operators.")] = "",
) -> None:
    """Moderate a domain; what was said about it before is replaced."""
    block = DomainBlock(
        domain=_domain(domain),
        severity=severity.value,
        reject_media=reject_media,
        reject_reports=reject_reports,
        public_comment=comment,
        private_comment=private_comment,
    )

    async def work(session: Session) -> None:
        async with session.pool.acquire() as conn:
            await domain_blocks.put(conn, [block])

    with_session(work)
    note(f"{block.domain}: {block.severity}")


@app.command("remove")
def remove(domain: Domain) -> None:
    """Lift the moderation of a domain."""
    name = _domain(domain)

    async def work(session: Session) -> int:
        async with session.pool.acquire() as conn:
            return await domain_blocks.remove(conn, [name])

    if not with_session(work):
        raise NotFound(f"{name} is not moderated")
    note(f"{name}: lifted")


@app.command("list")
def list_blocks(*, as_json: AsJson = False) -> None:
    """List the moderated domains."""

    async def work(session: Session) -> list[Row]:
        async with session.pool.acquire() as conn:
            return [as_row(block) for block in await domain_blocks.listed(conn)]

    print_rows(with_session(work), _COLUMNS, as_json=as_json, empty="No domain is moderated.")


def _domain(text: str) -> str:
    """Return a domain as it is stored; raises NotADomain."""
    name = text.strip().lower().rstrip(".")
    host, colon, port = name.partition(":")
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise NotADomain(f"{text!r} is not a domain") from error
    if not _HOST.fullmatch(host) or (colon and not _PORT.fullmatch(port)):
        raise NotADomain(f"{text!r} is not a domain")
    return f"{host}{colon}{port}"
