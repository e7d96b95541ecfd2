"""`heddle doctor`: what is wrong, in a line each."""

import sys
from typing import Annotated

import typer

from services.operator_console.checks import Finding, Verdict, examine_site
from services.operator_console.output import AsJson, as_row, plain, print_json
from services.operator_console.session import run_async, settings_for_commands
from shared.runtime.settings import Settings, SettingsError

_SIGNS = {Verdict.OK: "ok     ", Verdict.WARNING: "warning", Verdict.FAILED: "FAILED "}
_NEEDED = ("origin", "database_url", "broker_url", "secret_key")


def examine(
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave out what needs the site's own address to answer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check configuration, broker, database, DNS, clock and TLS; exit 1 if anything failed."""
    try:
        settings = settings_for_commands(need=_NEEDED)
    except SettingsError as error:
        findings = [Finding("configuration", Verdict.FAILED, problem) for problem in error.problems]
    else:
        findings = run_async(_examine(settings, offline=offline))
    if as_json:
        print_json([plain(as_row(finding)) for finding in findings])
    else:
        for finding in findings:
            sys.stdout.write(f"{_SIGNS[finding.verdict]}  {finding.check}: {finding.text}\n")
    if any(finding.verdict is Verdict.FAILED for finding in findings):
        raise typer.Exit(1)


async def _examine(settings: Settings, *, offline: bool) -> list[Finding]:
    configured = Finding("configuration", Verdict.OK, f"{settings.origin}, stage {settings.federation_stage}")
    return [configured, *await examine_site(settings, offline=offline)]
