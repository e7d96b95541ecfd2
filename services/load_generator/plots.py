"""Line plots as inline SVG: a few shapes and no library, so that a report is one file and draws anywhere."""

import math
from collections.abc import Callable, Sequence
from html import escape

from msgspec import Struct

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 38
_TICKS = 5
COLOURS = ("#2563eb", "#dc2626", "#16a34a", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4b5563")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:currentColor}.grid{stroke:currentColor;stroke-opacity:.15}"
    ".axis{stroke:currentColor;stroke-opacity:.5}.line{fill:none;stroke-width:2;stroke-linejoin:round}"
)

Point = tuple[float, float]


class Line(Struct, frozen=True, kw_only=True):
    """One line of a plot; `dots` marks each point, `dashed` makes it a threshold, not `joined` only dots."""

    name: str
    points: Sequence[Point]
    dots: bool = False
    dashed: bool = False
    joined: bool = True


class Plot(Struct, frozen=True, kw_only=True):
    """A plot; `y` says the unit, `logarithmic` spreads small values out."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    logarithmic: bool = False


class _Scale:
    """Turns values into places on the picture.

    Args:
        low: The smallest value.
        high: The largest one.
        start: Where the smallest one lies.
        end: Where the largest one lies.
        logarithmic: Whether equal ratios are equal distances.
    """

    def __init__(self, low: float, high: float, start: float, end: float, *, logarithmic: bool) -> None:
        self._turn: Callable[[float], float] = math.log10 if logarithmic else float
        self._low, self._high = low, high
        self._start, self._end = start, end
        self._logarithmic = logarithmic

    def place(self, value: float) -> float:
        """Return where a value lies."""
        value = min(max(value, self._low), self._high)
        span = self._turn(self._high) - self._turn(self._low)
        share = (self._turn(value) - self._turn(self._low)) / span if span else 0.0
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        """Return round values for the axis."""
        if self._logarithmic:
            first, last = math.floor(math.log10(self._low)), math.ceil(math.log10(self._high))
            return [10.0**power for power in range(first, last + 1) if self._low <= 10.0**power <= self._high]
        step = _round_step((self._high - self._low) / _TICKS)
        first = math.ceil(self._low / step)
        return [number * step for number in range(first, math.floor(self._high / step + 1e-9) + 1)]


def svg(plot: Plot, *, standalone: bool = False) -> str:
    """Return the picture; `standalone` makes it a file of its own."""
    points = [point for line in plot.lines for point in line.points]
    if not points:
        return ""
    across, up = _scales(plot, points)
    size = f"0 0 {WIDTH} {HEIGHT + _legend_height(plot)}"
    name = escape(plot.title)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img" aria-label="{name}">',
        f"<style>{STYLE}{'svg{color:#334155;background:#fff}' if standalone else ''}</style>",
        *_axes(plot, across, up),
        *(_line(line, COLOURS[place % len(COLOURS)], across, up) for place, line in enumerate(plot.lines)),
        *_legend(plot),
        "</svg>",
    ]
    return "".join(drawn)


def _scales(plot: Plot, points: Sequence[Point]) -> tuple[_Scale, _Scale]:
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top = max(y for _, y in points)
    low = 0.0
    if plot.logarithmic:
        positive = [y for _, y in points if y > 0]
        low = 10 ** math.floor(math.log10(min(positive))) if positive else 0.001
        top = max(top, low * 10)
    across = _Scale(left, max(right, left + 1e-9), _LEFT, WIDTH - _RIGHT, logarithmic=False)
    up = _Scale(low, top * 1.05 or 1.0, HEIGHT - _BOTTOM, _TOP, logarithmic=plot.logarithmic)
    return across, up


def _axes(plot: Plot, across: _Scale, up: _Scale) -> list[str]:
    bottom = HEIGHT - _BOTTOM
    drawn = [
        f'<line class="axis" x1="{_LEFT}" y1="{bottom}" x2="{WIDTH - _RIGHT}" y2="{bottom}"/>',
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(plot.x)}</text>',
        f'<text x="{_LEFT + 4}" y="{_TOP + 10}">{escape(plot.y)}</text>',
    ]
    for value in up.ticks():
        y = up.place(value)
        drawn.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
    for value in across.ticks():
        x = across.place(value)
        drawn.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{number(value)}</text>')
    return drawn


def _line(line: Line, colour: str, across: _Scale, up: _Scale) -> str:
    places = [(across.place(x), up.place(y)) for x, y in line.points]
    dash = ' stroke-dasharray="6 4"' if line.dashed else ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn = f'<polyline class="line" stroke="{colour}"{dash} points="{path}"/>' if line.joined else ""
    if line.dots:
        drawn += "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places)
    return drawn


_COLUMNS = 4


def _legend_height(plot: Plot) -> int:
    return 18 * math.ceil(len(plot.lines) / _COLUMNS)


def _legend(plot: Plot) -> list[str]:
    drawn = []
    for place, line in enumerate(plot.lines):
        x = _LEFT + (place % _COLUMNS) * (WIDTH - _LEFT) / _COLUMNS
        y = HEIGHT + 10 + 18 * (place // _COLUMNS)
        colour = COLOURS[place % len(COLOURS)]
        drawn.append(
            f'<rect x="{x:.0f}" y="{y - 8}" width="12" height="4" fill="{colour}"/>'
            f'<text x="{x + 17:.0f}" y="{y}">{escape(line.name)}</text>'
        )
    return drawn


def _round_step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def number(value: float) -> str:
    """Return a number as short as it can be read."""
    if value and abs(value) < 1:
        return f"{value:.3g}"
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (limit if letter != 'k' else 1e3):.3g}{letter}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"
