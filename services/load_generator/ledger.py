"""The audit ledger: what was acknowledged or planned, and whether it had the effect it was owed, once.

It knows nothing of the network or of a database: it is told what was asked, what was answered and which
effects were seen, and draws the account.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from msgspec import Struct

from services.load_generator.histogram import Histogram
from services.load_generator.ledger_line import Line, Owed, overtaken

EXAMPLES = 10
"""Ids that the account names of each sort."""


class Effect(Struct, frozen=True, kw_only=True):
    """An effect that was seen: `at` on the monotonic clock, `outcome` in the word of who saw it.

    `refused` says why nothing came of it.
    """

    key: str
    at: float
    outcome: str = ""
    refused: str = ""


class Account(Struct, frozen=True, kw_only=True):
    """What the ledger says in the end; `examples` are ids by the names of the other fields.

    `planned` were asked for, `owed` of them were acknowledged and have to have an effect. `refused` had
    none for a reason that was told, `waiting` will be tried again, `unseen` are of a sort that nobody
    observes. `forged` had an effect and must not, `unasked` had one though they were never acknowledged:
    that is right where an answer got lost.
    """

    planned: int = 0
    owed: int = 0
    settled: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0
    out_of_order: int = 0
    refused: int = 0
    waiting: int = 0
    unseen: int = 0
    forged: int = 0
    unasked: int = 0
    outcomes: dict[str, int] = {}
    reasons: dict[str, int] = {}
    examples: dict[str, list[str]] = {}

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled, reordered or forged."""
        return not (self.lost or self.doubled or self.out_of_order or self.forged)


class Ledger:
    """Takes the entries of one run.

    Args:
        late_after: Seconds from the scheduled time after which an effect is late.
    """

    def __init__(self, *, late_after: float) -> None:
        self._late_after = late_after
        self._items: dict[str, Line] = {}
        self._open: dict[str, None] = {}
        self._strays: dict[str, int] = defaultdict(int)
        self._unseen = 0
        self.latency = Histogram()
        self._lately = Histogram()
        self.settled = 0
        self.outcomes: Counter[str] = Counter()

    def plan(
        self,
        key: str,
        *,
        since: float,
        owed: Owed = "once",
        group: str = "",
        order: float = 0,
        timed: bool = True,
        awaited: bool = True,
    ) -> None:
        """Note what was asked for; a second time changes nothing.

        Args:
            key: The id that effects will carry.
            since: When it was scheduled: latency counts from here.
            owed: What has to come of it once it is acknowledged.
            group: Effects of one group have to come in the order of `order`.
            order: The place in the group.
            timed: Whether its latency says something about the target.
            awaited: Whether the run waits for it in the end.
        """
        if key not in self._items:
            item = self._items[key] = Line(owed, group, order, since)
            item.timed, item.awaited = timed, awaited
            for _ in range(self._strays.pop(key, 0)):
                self.seen(Effect(key=key, at=since))

    def begin(self, at: float) -> None:
        """Set the time from which the `since` of all that is planned so far counts."""
        for item in self._items.values():
            item.since += at

    def acknowledge(self, key: str) -> None:
        """Note that the other side has taken responsibility."""
        item = self._items.get(key)
        if item is None:
            return
        item.acknowledged = True
        if item.owed == "once" and item.awaited and not item.effects and not item.refused:
            self._open[key] = None

    def leave_out(self, key: str) -> None:
        """Note that nobody can see what comes of this one."""
        if self._items.pop(key, None) is not None:
            self._open.pop(key, None)
            self._unseen += 1

    def wait(self, key: str, *, patiently: bool = False) -> None:
        """Note that this one will be tried again: it is not lost, and open only for the patient."""
        item = self._items.get(key)
        if item is not None and not item.effects:
            item.waiting = True
            if not patiently:
                self._open.pop(key, None)

    def wait_for_all(self) -> None:
        """Note that nobody looked long enough to say of the rest that it is lost."""
        for key in self.unsettled():
            self.wait(key)

    def release(self, key: str) -> None:
        """Note that nothing need come of this one any more."""
        item = self._items.get(key)
        if item is not None:
            item.owed = "any"
            self._open.pop(key, None)

    def knows(self, key: str) -> bool:
        """Tell whether this was planned."""
        return key in self._items

    def seen(self, effect: Effect) -> None:
        """Note an effect; what was never planned is remembered in case it still is."""
        item = self._items.get(effect.key)
        if item is None:
            self._strays[effect.key] += 1
            return
        self._open.pop(effect.key, None)
        if effect.refused:
            item.refused = effect.refused
            return
        item.effects += 1
        if item.effects == 1:
            if effect.outcome:
                self.outcomes[effect.outcome] += 1
            item.first = effect.at
            self.settled += 1
            if item.timed:
                seconds = max(0.0, effect.at - item.since)
                self.latency.record(seconds)
                self._lately.record(seconds)

    def recent(self) -> Histogram:
        """Return the latencies of what was seen since the last call."""
        lately, self._lately = self._lately, Histogram()
        return lately

    def seen_all(self, effects: Iterable[Effect]) -> None:
        """Note several effects."""
        for effect in effects:
            self.seen(effect)

    def undo_effect(self, key: str) -> None:
        """Take an effect back: a closer look did not find it."""
        item = self._items.get(key)
        if item is not None:
            item.effects = 0

    def unsettled(self) -> list[str]:
        """Return what was acknowledged and had no effect, whether it is waited for or not."""
        return [
            key
            for key, item in self._items.items()
            if item.owed == "once" and item.acknowledged and not item.effects and not item.refused
        ]

    def pending(self, limit: int | None = None) -> list[str]:
        """Return what was acknowledged and had no effect yet, the oldest first."""
        keys = iter(self._open)
        return list(keys) if limit is None else [key for key, _ in zip(keys, range(limit), strict=False)]

    @property
    def open(self) -> int:
        """How much was acknowledged and had no effect yet."""
        return len(self._open)

    def settled_keys(self) -> list[str]:
        """Return what had its effect: a second one may have come since."""
        return [key for key, item in self._items.items() if item.owed == "once" and item.effects]

    def hostile_keys(self) -> list[str]:
        """Return what must not have an effect."""
        return [key for key, item in self._items.items() if item.owed == "none"]

    def account(self) -> Account:
        """Draw the account."""
        sorts: dict[str, list[str]] = defaultdict(list)
        for key, item in self._items.items():
            for sort in item.sorts(self._late_after):
                sorts[sort].append(key)
        sorts["out_of_order"] = self._out_of_order()
        told = ("lost", "doubled", "late", "out_of_order", "refused", "waiting", "forged", "unasked")
        return Account(
            planned=len(self._items) + self._unseen,
            owed=len(sorts["owed"]),
            settled=len(sorts["settled"]),
            unseen=self._unseen,
            outcomes=dict(self.outcomes),
            reasons=dict(Counter(item.refused for item in self._items.values() if item.refused)),
            examples={sort: sorts[sort][:EXAMPLES] for sort in told if sorts[sort]},
            **{sort: len(sorts[sort]) for sort in told},
        )

    def _out_of_order(self) -> list[str]:
        groups: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
        for key, item in self._items.items():
            if item.group and item.effects:
                groups[item.group].append((item.order, item.first, key))
        return [key for members in groups.values() if len(members) > 1 for key in overtaken(members)]
