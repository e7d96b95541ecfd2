"""The report as one HTML page: no script, nothing fetched, readable in light and dark and on a phone."""

import time
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from services.load_generator import figures
from services.load_generator.ledger import Account
from services.load_generator.plots import svg
from services.load_generator.results import Report, Stage

ALLOWED_P99 = 5.0
_CSS = """
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;max-width:86rem;margin:0 auto;padding:1.2rem}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .6rem}
.verdict{display:inline-block;padding:.15rem .7rem;border-radius:1rem;color:#fff;font-weight:600}
.passed{background:#15803d}.failed{background:#b91c1c}.invalid{background:#b45309}.interrupted{background:#475569}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1rem}
figure{margin:0;border:1px solid var(--line);border-radius:.5rem;padding:.6rem}
figcaption{font-weight:600;margin-bottom:.3rem}svg{width:100%;height:auto}
.scroll{overflow-x:auto}table{border-collapse:collapse}
td,th{padding:.2rem .8rem .2rem 0;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
p{overflow-wrap:anywhere}
summary{cursor:pointer;font-weight:600;margin:1rem 0}.knee{max-width:52rem;margin-bottom:1rem}
@media(max-width:40rem){figure{overflow-x:auto}svg{min-width:32rem}}
.bad{color:#dc2626;font-weight:600}.dim{opacity:.7}
"""


def write_page(report: Report, folder: Path) -> Path:
    """Write the page, and the picture of a knee, into the run's folder; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "report.html"
    file.write_text(render(report))
    if report.knee_reason:
        (folder / "knee.svg").write_text(svg(figures.knee(report, ALLOWED_P99), standalone=True))
    return file


def render(report: Report) -> str:
    """Return the page."""
    machine = report.machine
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(report.started))
    facts = [
        f"{report.seconds:.0f} s against {report.target}",
        when,
        f"seed {report.seed}",
        f"{machine.cores} cores, {machine.memory / (1 << 30):.0f} GiB, {machine.system}",
        f"load before {machine.load_before:.1f}",
        f"effects seen in {', '.join(report.observers)}",
    ]
    body = [
        f"<h1>{escape(report.title)}</h1>",
        f'<p><span class="verdict {report.verdict}">{report.verdict}</span> {escape(report.name)}</p>',
        f'<p class="dim">{escape(" · ".join(facts))}</p>',
        *(f'<p class="bad">Invalid: {escape(reason)}.</p>' for reason in report.invalid),
        _checks(report),
        *_knee(report),
        *_stages(report),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Load test: {escape(report.name)}</title><style>{_CSS}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _checks(report: Report) -> str:
    rows = [
        (check.name, f"{check.measured:.4g}", f"{check.limit:.4g}", "held" if check.passed else "exceeded")
        for check in report.checks
    ]
    return "<h2>Thresholds</h2>" + _table(("", "measured", "allowed", ""), rows)


def _knee(report: Report) -> Iterable[str]:
    if report.knee_reason:
        best = "no rate held" if report.knee is None else f"{report.knee:.0f} requests/s held"
        yield f"<h2>The knee: {best}</h2><p>What ended the search: {escape(report.knee_reason)}.</p>"
        yield f'<figure class="knee">{svg(figures.knee(report, ALLOWED_P99))}</figure>'
        rows = [
            (
                stage.name,
                f"{stage.achieved:.0f}/s",
                f"{stage.accept.figures.p99:.3f} s",
                f"{stage.effect.figures.p99:.3f} s",
                f"{stage.drain:.1f} s",
                str(stage.account.lost),
                "held" if stage.held else "did not hold",
            )
            for stage in report.stages
        ]
        yield _table(("rate", "sent", "p99 answer", "p99 effect", "drain", "lost", ""), rows)


def _stages(report: Report) -> Iterable[str]:
    if len(report.stages) == 1:
        yield "<h2>What happened</h2>"
        yield from _stage(report.stages[0])
        return
    for stage in report.stages:
        yield f"<details><summary>{escape(stage.name)}</summary>"
        yield from _stage(stage)
        yield "</details>"


def _stage(stage: Stage) -> Iterable[str]:
    made = stage.generators
    yield _table(
        ("", "count", "median", "p90", "p99", "p99.9", "max"),
        [_latency_row(name, stage) for name in ("answer", "effect", "delivery")],
    )
    yield (
        f"<p>Offered {stage.offered:.1f}/s, sent {stage.achieved:.1f}/s, {stage.accepted} taken in, "
        f"{stage.errors} errors. Drained in {stage.drain:.1f} s; at most {stage.peak_open} were open. "
        f"The generator: p99 {made.late_p99 * 1000:.1f} ms late, {made.starved} waits for a signature, "
        f"{made.busiest:.0%} of a core at the busiest; the simulated servers {made.servers_busy:.0%}.</p>"
    )
    yield "<h3>Audit</h3>"
    accounts = {"came in": stage.account} | ({"went out": stage.outbound.account} if stage.outbound else {})
    yield _table(
        (
            "",
            "planned",
            "owed",
            "settled",
            "lost",
            "doubled",
            "late",
            "out of order",
            "refused",
            "waiting",
            "forged",
        ),
        [_account_row(name, account) for name, account in accounts.items()],
    )
    yield from _details(stage)
    plots = [(plot.title, svg(plot)) for plot in figures.of_stage(stage) if plot.lines]
    drawn = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{picture}</figure>" for title, picture in plots
    )
    yield f'<div class="plots">{drawn}</div>'


def _latency_row(name: str, stage: Stage) -> tuple[str, ...]:
    sources = {"answer": stage.accept, "effect": stage.effect}
    found = sources.get(name) or (stage.outbound.latency if stage.outbound else None)
    if found is None or not found.figures.count:
        return (f"to the {name}", "-", "", "", "", "", "")
    figures_ = found.figures
    values = (figures_.p50, figures_.p90, figures_.p99, figures_.p999, figures_.maximum)
    return (f"to the {name}", str(figures_.count), *(f"{value:.3f} s" for value in values))


def _account_row(name: str, account: Account) -> tuple[str, ...]:
    counts = (
        account.planned,
        account.owed,
        account.settled,
        account.lost,
        account.doubled,
        account.late,
        account.out_of_order,
        account.refused,
        account.waiting,
        account.forged,
    )
    return (name, *map(str, counts))


def _details(stage: Stage) -> Iterable[str]:
    told: dict[str, str] = {
        "Answers": _words({kind: _words(counts) for kind, counts in stage.answers.items()}),
        "Outcomes": _words(stage.account.outcomes),
        "Refused because": _words(stage.account.reasons),
        "CPU per item": _words({name: f"{cpu * 1e6:.0f} µs" for name, cpu in stage.cpu_per_item.items()}),
    }
    if stage.outbound is not None:
        told["Deliveries, in the target's words"] = _words(stage.outbound.states)
        told["Signatures checked"] = _words(stage.outbound.signatures)
        told["Answers of the simulated servers"] = _words(stage.outbound.answers)
    for account in [stage.account, *([stage.outbound.account] if stage.outbound else [])]:
        told |= {
            f"{sort.replace('_', ' ').capitalize()}, for example": ", ".join(keys[:3])
            for sort, keys in account.examples.items()
        }
    yield from (f"<p><b>{escape(name)}:</b> {escape(text)}</p>" for name, text in told.items() if text)
    yield from (f'<p class="bad">{escape(finding)}</p>' for finding in stage.findings)


def _words(counts: "dict[str, int] | dict[int, int] | dict[str, str]") -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        marked = (
            f'<{tag} class="{"n" if place else ""}{" bad" if cell in {"exceeded", "did not hold"} else ""}">'
            f"{escape(cell)}</{tag}>"
            for place, cell in enumerate(cells)
        )
        return f"<tr>{''.join(marked)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f'<div class="scroll"><table>{row(headings, "th")}{body}</table></div>'
