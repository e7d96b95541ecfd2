"""The rules of the house hold for what lands: form, lint, types, and who may import whom."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent

CHECKS = {
    "form": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-cache"],
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("check", CHECKS)
def test_the_tree_keeps_the_rules(check: str) -> None:
    """The checker finds nothing to complain of in the whole tree."""
    program, *arguments = CHECKS[check]
    done = subprocess.run(
        [PROGRAMS / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=390
    )
    assert done.returncode == 0, f"{program}:\n{done.stdout[-5000:]}{done.stderr[-2000:]}"
