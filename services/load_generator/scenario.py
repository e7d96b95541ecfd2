"""What a load test does, as a small TOML file: who lives in the fediverse, what they send, how fast."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.load_generator.characters import NAMED, Cast, Character, cast
from services.load_generator.kinds import HOSTILE, KINDS, NEEDS_POSTS
from services.load_generator.schedule import Arrivals, area_of, level, scaled

LIMITS: dict[str, str] = {
    "lost": "acknowledged activities and deliveries without an effect",
    "doubled": "effects that happened more than once",
    "late": "effects later than late_after",
    "out_of_order": "changes of one object that arrived in another order than they were made",
    "forged": "hostile activities that had an effect",
    "refused": "honest activities that were acknowledged and then refused",
    "bad_signatures": "deliveries whose signature did not verify",
    "errors": "share of requests answered otherwise than the scenario expects",
    "p50_accept": "seconds to the answer, median",
    "p99_accept": "seconds to the answer, 99th percentile",
    "p99_effect": "seconds from the scheduled time to the effect, 99th percentile",
    "p99_delivery": "seconds from a post to its arrival at a server, 99th percentile",
    "drain": "seconds until everything had its effect after the last request was due",
}
"""What a threshold may be set on: none of these may be exceeded."""

_FOLDER = "scenarios"


class ScenarioError(Exception):
    """The scenario is wrong; the text says what and where."""


class Fediverse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The servers: `shares` gives characters to parts of them, `verify` is the part of signatures checked."""

    hosts: int = 50
    actors_per_host: int = 10
    verify: float = 1.0
    shares: dict[str, float] = {}
    characters: dict[str, Character] = {}


class Traffic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes in: weights by kind of activity.

    `points` are (second, requests per second); `rate` and `seconds` say the same of a level load.
    `duplicates` is the share sent a second time, `new_servers` the share from servers never heard of,
    `personal` the share that goes to somebody's own inbox instead of the shared one.
    """

    mix: dict[str, float] = {}
    arrivals: Arrivals = "poisson"
    rate: float = 0.0
    seconds: float = 0.0
    points: list[tuple[float, float]] = []
    duplicates: float = 0.0
    new_servers: float = 0.0
    personal: float = 0.0
    connections: int = 256

    @property
    def line(self) -> list[tuple[float, float]]:
        """The points of the rate, whichever way it was given."""
        return self.points or level(self.rate, self.seconds)


class Posts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes out: posts of the local account, followed from `followers` of the servers.

    `rate` is posts a second, `deleted` the share of them that is deleted again after a moment.
    """

    rate: float
    seconds: float
    followers: int
    deleted: float = 0.0


class Outage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For some time a share of the servers answers 503."""

    start: float
    seconds: float
    share: float = 1.0


class Knee(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search for the highest rate that holds.

    It starts at `start` requests a second and multiplies by `factor` until a stage of `seconds` fails
    (divides, down to `least`, until one holds, where the first one does not), then halves the gap `refine`
    times. No rate is tried later than `within` seconds after the start. A stage holds if nothing is lost or
    doubled, the p99 from schedule to effect stays below `p99_effect` seconds and everything has had its
    effect `drain` seconds after the last request was due: what piles up faster than it is worked off is no
    rate that holds.
    """

    start: float = 100.0
    factor: float = 1.6
    seconds: float = 12.0
    refine: int = 2
    p99_effect: float = 5.0
    drain: float = 2.0
    least: float = 20.0
    most: float = 20_000.0
    within: float = 270.0


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole scenario. `limits` are thresholds for the verdict (`LIMITS`); the rest is said above."""

    title: str
    name: str = ""
    late_after: float = 5.0
    drain: float = 30.0
    fediverse: Fediverse = Fediverse()
    traffic: Traffic = Traffic()
    posts: Posts | None = None
    outage: Outage | None = None
    knee: Knee | None = None
    limits: dict[str, float] = {}

    def cast(self, seed: int) -> Cast:
        """Return the characters of the servers; the same for the same seed."""
        characters = NAMED | self.fediverse.characters
        return Cast(cast(self.fediverse.shares, self.fediverse.hosts, seed), characters)

    @property
    def sends_out(self) -> bool:
        """Whether the target is made to send something, be it answers."""
        return self.posts is not None or self.traffic.mix.get("follow", 0) > 0

    @property
    def needs_posts(self) -> bool:
        """Whether some of the traffic concerns posts of the target."""
        return any(self.traffic.mix.get(kind, 0) > 0 for kind in NEEDS_POSTS)


def stretched(scenario: Scenario, seconds: float) -> Scenario:
    """Return the scenario with another length: traffic, posts and an outage keep their places in it."""
    traffic, posts, outage = scenario.traffic, scenario.posts, scenario.outage
    length = max(traffic.line[-1][0] if traffic.mix else 0.0, posts.seconds if posts else 0.0)
    factor = seconds / length
    if traffic.mix:
        line = scaled(traffic.line, rate=None, seconds=traffic.line[-1][0] * factor)
        traffic = replace(traffic, points=line, rate=0.0, seconds=0.0)
    if posts is not None:
        posts = replace(posts, seconds=posts.seconds * factor)
    if outage is not None:
        outage = replace(outage, start=outage.start * factor, seconds=outage.seconds * factor)
    return replace(scenario, traffic=traffic, posts=posts, outage=outage)


def shipped() -> dict[str, str]:
    """Return the scenarios that come with the generator: name to title."""
    return {scenario.name: scenario.title for scenario in _shipped()}


def _shipped() -> Iterator[Scenario]:
    folder = resources.files("services.load_generator") / _FOLDER
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            yield read(file.read_text(), file.name.removesuffix(".toml"))


def load(name: str) -> Scenario:
    """Return a scenario by the name of a shipped one, or from a file; raises ScenarioError."""
    file = Path(name)
    if file.suffix == ".toml" or file.exists():
        try:
            return read(file.read_text(), file.stem)
        except OSError as error:
            raise ScenarioError(f"{name}: {error.strerror or error}") from error
    known = {scenario.name: scenario for scenario in _shipped()}
    if name not in known:
        raise ScenarioError(f"there is no scenario {name!r}; there are {', '.join(known)}, and files *.toml")
    return known[name]


def read(text: str, name: str) -> Scenario:
    """Return the scenario in a TOML text; raises ScenarioError that names the field."""
    try:
        scenario = msgspec.toml.decode(text, type=Scenario)
    except msgspec.DecodeError as error:
        raise ScenarioError(f"{name}: {error}") from error
    problems = list(_problems(scenario))
    if problems:
        raise ScenarioError(f"{name}: " + "; ".join(problems))
    return replace(scenario, name=scenario.name or name)


def _problems(scenario: Scenario) -> Iterator[str]:
    known = NAMED | scenario.fediverse.characters
    yield from _unknown("fediverse.shares", scenario.fediverse.shares, known)
    yield from _unknown("traffic.mix", scenario.traffic.mix, KINDS)
    yield from _unknown("limits", scenario.limits, LIMITS)
    shares = {"fediverse.shares": sum(scenario.fediverse.shares.values())}
    shares |= {f"traffic.{name}": getattr(scenario.traffic, name) for name in ("duplicates", "new_servers")}
    shares |= {"traffic.personal": scenario.traffic.personal, "fediverse.verify": scenario.fediverse.verify}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            yield f"{name} must lie between 0 and 1, not {share}"
    if scenario.fediverse.hosts < 1 or scenario.fediverse.actors_per_host < 1:
        yield "fediverse needs at least one host and one actor on each"
    yield from _load_problems(scenario)


def _load_problems(scenario: Scenario) -> Iterator[str]:
    traffic = scenario.traffic
    if not traffic.mix and scenario.posts is None:
        yield "there is neither traffic.mix nor posts: nothing would happen"
    if traffic.mix and not any(weight > 0 for weight in traffic.mix.values()):
        yield "traffic.mix has no weight above 0"
    if any(weight < 0 for weight in traffic.mix.values()):
        yield "traffic.mix has a weight below 0"
    if traffic.mix and scenario.knee is None:
        seconds = [second for second, _ in traffic.line]
        if len(seconds) < 2 or seconds[0] != 0 or seconds != sorted(set(seconds)):  # noqa: PLR2004
            yield "traffic.points must be [second, rate] pairs from second 0 on, seconds increasing"
        elif any(rate < 0 for _, rate in traffic.line) or area_of(traffic.line) <= 0:
            yield "traffic needs rate and seconds above 0, or points"
    if scenario.posts and not 0 < scenario.posts.followers <= scenario.fediverse.hosts:
        yield f"posts.followers must lie between 1 and the {scenario.fediverse.hosts} hosts"
    if scenario.knee and (scenario.knee.factor <= 1 or scenario.knee.start <= 0):
        yield "knee needs a start above 0 and a factor above 1"
    if scenario.knee and set(traffic.mix) & HOSTILE:
        yield "a knee is searched with honest traffic: take the hostile kinds out of traffic.mix"


def _unknown(where: str, found: dict[str, float], known: object) -> Iterator[str]:
    names = sorted(known)  # type: ignore[call-overload]  # any container of names
    yield from (
        f"{where}: there is no {name!r}; there are {', '.join(names)}" for name in found if name not in names
    )
