"""What `heddle doctor` examines, one file for each part of the surroundings."""

import asyncio

from services.operator_console.checks.address import check_address
from services.operator_console.checks.broker import check_broker
from services.operator_console.checks.database import check_database
from services.operator_console.checks.findings import Finding, Verdict
from shared.runtime.settings import Settings

__all__ = ["Finding", "Verdict", "examine_site"]


async def examine_site(settings: Settings, *, offline: bool) -> list[Finding]:
    """Return what was found, in a fixed order; never raises for what is wrong outside."""
    checks = [check_database(settings), check_broker(settings)]
    if not offline:
        checks.append(check_address(settings))
    return [finding for findings in await asyncio.gather(*checks) for finding in findings]
