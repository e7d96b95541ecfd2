"""Environment files are read by shells and by us alike."""

import stat
import subprocess
from pathlib import Path

import pytest

from deploy.local.environment_file import parse, render, settle

AWKWARD = {
    "PLAIN": "http://loom.localhost:8080",
    "SPACED": "two words",
    "QUOTED": 'it\'s "so"',
    "DOLLAR": "$HOME `id` \\n",
    "HASH": "a#b #c",
    "EMPTY": "",
}


def test_what_is_written_is_read_back() -> None:
    """Every value survives, whatever signs it holds."""
    assert parse(render(AWKWARD, "A heading.\nOf two lines.")) == AWKWARD


def test_a_shell_reads_the_same(tmp_path: Path) -> None:
    """Sourcing the file sets the very values that were written."""
    file = tmp_path / "site.env"
    file.write_text(render(AWKWARD, "heading"))
    script = "set -a; . ./site.env; for name in " + " ".join(AWKWARD) + '; do printenv "$name"; done'
    output = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert output.splitlines() == list(AWKWARD.values())


def test_what_people_changed_is_kept(tmp_path: Path) -> None:
    """A second start keeps the secret and people's own lines, and corrects the addresses."""
    file = tmp_path / "site.env"
    settle(file, {"ORIGIN": "http://a"}, {"SECRET": "first", "LEVEL": "info"}, "heading")
    file.write_text(file.read_text().replace("LEVEL=info", "LEVEL=debug") + "export OWN='x y'\n")
    values = settle(file, {"ORIGIN": "http://b"}, {"SECRET": "second", "LEVEL": "info"}, "heading")
    assert values == {"ORIGIN": "http://b", "SECRET": "first", "LEVEL": "debug", "OWN": "x y"}
    assert parse(file.read_text()) == values


def test_secrets_are_for_the_owner_alone(tmp_path: Path) -> None:
    """Nobody else on the machine can read the file."""
    file = tmp_path / "new" / "site.env"
    settle(file, {}, {"SECRET": "x"}, "heading")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("line", ["# SECRET=x", "", "not an assignment", "1BAD=x"])
def test_other_lines_are_passed_over(line: str) -> None:
    """Comments, blank lines and nonsense set nothing."""
    assert parse(line) == {}
