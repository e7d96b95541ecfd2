"""The report on a terminal: the figures that matter, the thresholds, the verdict."""

from rich.console import Console
from rich.table import Table

from services.load_generator.results import Report, Stage

_COLOURS = {"passed": "green", "failed": "red", "invalid": "yellow", "interrupted": "yellow"}


def show(report: Report, console: Console) -> None:
    """Print the report."""
    console.print(f"\n[bold]{report.title}[/bold]", highlight=False)
    console.print(_rates(report))
    for stage in report.stages:
        for finding in stage.findings:
            console.print(f"{stage.name}: {finding}", style="red", highlight=False)
    if report.knee is not None or report.knee_reason:
        best = "none" if report.knee is None else f"{report.knee:.0f} requests/s"
        console.print(f"Knee: [bold]{best}[/bold]; {report.knee_reason}", highlight=False)
    console.print(_checks(report))
    for reason in report.invalid:
        console.print(f"Invalid: {reason}", style="yellow", highlight=False)
    console.print(f"Verdict: [bold {_COLOURS[report.verdict]}]{report.verdict}[/]", highlight=False)


def _rates(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "offered", "sent", "p50", "p99", "p99 effect", "drain", "settled", "lost", "doubled"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=True)
    for stage in report.stages:
        _add(table, stage)
    return table


def _add(table: Table, stage: Stage) -> None:
    accept, effect, account = stage.accept.figures, stage.effect.figures, stage.account
    if stage.sent:
        table.add_row(
            "in" if stage.outbound else stage.name,
            f"{stage.offered:.0f}/s",
            f"{stage.achieved:.0f}/s",
            f"{accept.p50 * 1000:.0f} ms",
            f"{accept.p99 * 1000:.0f} ms",
            f"{effect.p99:.2f} s",
            f"{stage.drain:.1f} s",
            str(account.settled),
            str(account.lost),
            str(account.doubled),
        )
    if stage.outbound is not None:
        out, arrival = stage.outbound.account, stage.outbound.latency.figures
        table.add_row(
            "out",
            "",
            f"{stage.outbound.posts} posts",
            "",
            "",
            f"{arrival.p99:.2f} s",
            "",
            str(out.settled),
            str(out.lost),
            str(out.doubled),
        )


def _checks(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("threshold", "measured", "allowed", ""):
        table.add_column(column, justify="left" if column in {"threshold", ""} else "right")
    for check in report.checks:
        mark = "[green]held[/green]" if check.passed else "[red]exceeded[/red]"
        table.add_row(check.name, f"{check.measured:.4g}", f"{check.limit:.4g}", mark)
    return table
