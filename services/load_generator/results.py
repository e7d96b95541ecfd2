"""What a run found, as data: the JSON report, and what the page and the comparison are made of."""

from pathlib import Path

import msgspec
from msgspec import Struct

from services.load_generator.histogram import Summary
from services.load_generator.ledger import Account

VERSION = 1


class Latency(Struct, frozen=True, kw_only=True):
    """A distribution: its figures in seconds, and the raw counts by bucket (`histogram`)."""

    figures: Summary
    counts: dict[int, int] = {}


class Moment(Struct, frozen=True, kw_only=True):
    """One second of a run. `second` counts from the start; rates are per second, latencies seconds.

    `open` is what was acknowledged and not yet seen to have an effect, `queued` what lies in the broker's
    queues (messages of 1 to 64 items), `cpu` cores used by component, `memory` bytes. `p50` to `p99` are of
    the time to the answer, `effect_*` of that to the effects seen in this second.
    """

    second: float
    due: float
    sent: float
    answered: float
    effects: float
    arrivals: float
    p50: float
    p99: float
    open: int
    queued: int | None
    cpu: dict[str, float]
    memory: dict[str, int]
    p90: float = 0.0
    effect_p50: float = 0.0
    effect_p90: float = 0.0
    effect_p99: float = 0.0


class Generators(Struct, frozen=True, kw_only=True):
    """What the run cost those who made it, and whether they kept up.

    `late_*` are seconds by which requests were turned to after their time, `starved` how often a signature
    was not ready, `busiest` the largest share of a core that one process used.
    """

    processes: int
    late_p99: float
    late_max: float
    starved: int
    busiest: float
    servers_busy: float


class Outbound(Struct, frozen=True, kw_only=True):
    """What the target sent: `states` are its own words for deliveries, where its database was read."""

    account: Account
    latency: Latency
    posts: int
    followers: int
    signatures: dict[str, int]
    answers: dict[int, int]
    states: dict[str, int]


class Stage(Struct, frozen=True, kw_only=True):
    """One uninterrupted load. Rates are requests per second over the time in which they were due."""

    name: str
    seconds: float
    offered: float
    sent: int
    achieved: float
    accepted: int
    errors: int
    answers: dict[str, dict[int, int]]
    accept: Latency
    effect: Latency
    account: Account
    outbound: Outbound | None
    drain: float
    peak_open: int
    peak_queued: int | None
    cpu_per_item: dict[str, float]
    generators: Generators
    moments: list[Moment]
    findings: list[str] = []
    held: bool = True


class Check(Struct, frozen=True, kw_only=True):
    """One threshold, and what was measured."""

    name: str
    limit: float
    measured: float
    passed: bool


class Machine(Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    system: str
    python: str
    cores: int
    memory: int
    load_before: float


class Report(Struct, frozen=True, kw_only=True):
    """One run. `verdict` is passed, failed, invalid (the generator could not keep up) or interrupted."""

    version: int = VERSION
    name: str
    title: str
    target: str
    started: float
    seconds: float
    seed: int
    machine: Machine
    observers: list[str]
    stages: list[Stage]
    checks: list[Check]
    invalid: list[str]
    verdict: str
    knee: float | None = None
    knee_reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether a pipeline may go on."""
        return self.verdict == "passed"


class NotAReport(Exception):
    """The file is none of ours."""


def read(file: Path) -> Report:
    """Return a report from its JSON file, or from the folder of its run; raises NotAReport."""
    file = file / "report.json" if file.is_dir() else file
    try:
        return msgspec.json.decode(file.read_bytes(), type=Report)
    except OSError as error:
        raise NotAReport(f"{file}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise NotAReport(f"{file} is not a report: {error}") from error


def write(report: Report, folder: Path) -> Path:
    """Write the report as JSON into a folder and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "report.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return file


def newest(folder: Path) -> Path | None:
    """Return the folder of the newest run below a folder."""
    runs = sorted(folder.glob("*/report.json"), key=lambda file: file.stat().st_mtime)
    return runs[-1].parent if runs else None
