"""The command line: exit codes that a pipeline can trust, and one plain line where something is wrong."""

import asyncio
import os
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from services.load_generator import results
from tests import forked
from tests.unit.load_generator.test_verdict import STAGE, changed, latency, report_with

MODULE = ("services.load_generator",)
CONSOLE = ("services.operator_console.cli", "load")


class Done(Struct, frozen=True):
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, through: tuple[str, ...] = MODULE) -> Done:
    """Run the command without any settings of Heddle."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDDLE_")}
    module, *before = through
    return Done(*asyncio.run(forked.run(module, [*before, *arguments], kept)))


@pytest.mark.parametrize(
    ("through", "arguments", "code", "said"),
    [
        (MODULE, ["run", "nonsense", "--target", "http://127.0.0.1:1"], 2, "there is no scenario 'nonsense'"),
        (
            MODULE,
            ["run", "--target", "http://127.0.0.1:1", "--limit", "lots=1"],
            2,
            "there is no limit 'lots'",
        ),
        (MODULE, ["run", "--target", "http://1.1.1.1"], 1, "HEDDLE_LOAD_TEST_CONSENT"),
        (MODULE, ["report", "/nowhere"], 2, "/nowhere"),
        (MODULE, ["run"], 2, "--target"),
        (CONSOLE, ["report", "/nowhere"], 2, "/nowhere"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_code(
    through: tuple[str, ...], arguments: list[str], code: int, said: str
) -> None:
    """Usage is 2, a target that cannot be loaded is 1; `heddle load` hands both through."""
    done = run(*arguments, through=through)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_kept_reports_are_compared(tmp_path: Path) -> None:
    """A run kept as JSON reads back the same; a slower one makes `compare` fail, the same one does not."""
    slower = changed(effect=latency(3.0))
    for name, stage in (("a", STAGE), ("b", slower)):
        results.write(report_with(stage, name=name), tmp_path / name)
    assert results.read(tmp_path / "a") == report_with(STAGE, name="a")
    same = run("compare", str(tmp_path / "a"), str(tmp_path / "a"))
    worse = run("compare", str(tmp_path / "a"), str(tmp_path / "b" / "report.json"), "--json")
    assert (same.returncode, worse.returncode) == (0, 1)
    changes = msgspec.json.decode(worse.stdout)
    assert [change["figure"] for change in changes if change["worse"]] == ["p99 effect"]


def test_a_failed_run_is_told_again(tmp_path: Path) -> None:
    """`report` ends with the exit code that the run had, and writes its page anew."""
    results.write(report_with(STAGE, verdict="failed"), tmp_path / "one")
    done = run("report", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "Verdict: failed" in done.stdout
    assert (tmp_path / "one" / "report.html").exists()
