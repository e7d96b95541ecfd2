"""`heddle migrate`: the database schema."""

from enum import StrEnum
from typing import Annotated

import typer

from services.operator_console.output import note
from services.operator_console.session import Session, open_session, run_async, settings_for_commands
from shared.database import migrator
from shared.database.instance import ensure_instance_actor
from shared.runtime.settings import Settings


class Phase(StrEnum):
    """When a migration belongs: before or after the new code is deployed."""

    PRE = "pre"
    POST = "post"


def migrate_database(
    *,
    phase: Annotated[
        Phase | None, typer.Option(help="Only what belongs before or after a deploy; everything otherwise.")
    ] = None,
) -> None:
    """Bring the database up to date and see to it that the instance actor exists. Safe to repeat."""
    settings = settings_for_commands(need=("origin", "database_url", "secret_key"))
    applied = run_async(_migrate(settings, phase))
    for name in applied:
        note(f"applied {name}")
    if not applied:
        note("the database is up to date")


async def _migrate(settings: Settings, phase: Phase | None) -> list[str]:
    wanted: migrator.Phase | None = None
    if phase is not None:
        wanted = "pre" if phase is Phase.PRE else "post"
    applied = await migrator.migrate(settings.database_url, wanted)
    async with open_session(settings) as session:
        await _ensure_instance_actor(session)
    return applied


async def _ensure_instance_actor(session: Session) -> None:
    async with session.pool.acquire() as conn:
        await ensure_instance_actor(
            conn, uris=session.site.uris, ids=session.site.ids, secret_key=session.settings.secret_key
        )
