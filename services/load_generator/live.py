"""What a person sees while a run lasts: a table that changes, or lines where there is no terminal."""

from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.load_generator.results import Moment

_SLOW_LINES = 5
_BAR = 40


class Progress:
    """Shows moments as they come.

    Args:
        console: Where to; nothing is shown on a quiet one.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        )
        self._title, self._total, self._lines = "", 0.0, 0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print one line that stays."""
        self._console.print(text, highlight=False)

    def stage(self, title: str, total: float) -> None:
        """A stage begins."""
        self._title, self._total, self._lines = title, total, 0

    def show(self, moment: Moment, doing: str) -> None:
        """Show one second."""
        if self._live is not None:
            self._live.update(Group(Text(f"{self._title}: {doing}"), self._bar(moment), _table(moment)))
            return
        if self._lines % _SLOW_LINES == 0:
            self.say(f"{self._title}: {doing}, {_line(moment)}")
        self._lines += 1

    def _bar(self, moment: Moment) -> Text:
        share = min(1.0, max(0.0, moment.second / self._total)) if self._total else 1.0
        full = round(share * _BAR)
        return Text("━" * full + "╺" * (_BAR - full) + f" {moment.second:.0f} of {self._total:.0f} s")


def _line(moment: Moment) -> str:
    return (
        f"{moment.second:.0f} s: due {moment.due:.0f}/s, sent {moment.sent:.0f}/s, "
        f"p99 {moment.p99 * 1000:.0f} ms, effects {moment.effects:.0f}/s, "
        f"arrivals {moment.arrivals:.0f}/s, open {moment.open}"
    )


def _table(moment: Moment) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    columns = {
        "due/s": f"{moment.due:.0f}",
        "sent/s": f"{moment.sent:.0f}",
        "p50": f"{moment.p50 * 1000:.0f} ms",
        "p99": f"{moment.p99 * 1000:.0f} ms",
        "effects/s": f"{moment.effects:.0f}",
        "arrivals/s": f"{moment.arrivals:.0f}",
        "open": str(moment.open),
        "queued": "-" if moment.queued is None else str(moment.queued),
        "cores used": f"{sum(moment.cpu.values()):.2f}",
    }
    for name in columns:
        table.add_column(name, justify="right")
    table.add_row(*columns.values())
    return table
