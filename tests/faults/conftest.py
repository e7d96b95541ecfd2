"""What every fault test may use, and the summary of what they measured."""

import re
from collections.abc import Iterator

import msgspec
import pytest

from tests.faults.figures import FOLDER, PROPERTY, Figures


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """Yield where a test notes what it measured; kept even where the test fails."""
    name: str = request.node.name
    measured = Figures(test=name)
    yield measured
    written = msgspec.json.encode(measured)
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.json"
    file.write_bytes(msgspec.json.format(written) + b"\n")
    # With several processes only what is attached to the report reaches the one that prints.
    request.node.user_properties.append((PROPERTY, written.decode()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of all tests."""
    measured = [
        msgspec.json.decode(value, type=Figures)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if not measured:
        return
    terminalreporter.section("faults")
    for one in sorted(measured, key=lambda one: one.test):
        for line in one.lines():
            terminalreporter.write_line(line)
    terminalreporter.write_line(f"kept in {FOLDER}")
