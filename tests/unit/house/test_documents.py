"""What is written for people stays true as far as a program can tell."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"`(?:\.\./)*((?:[a-z0-9_]+/)*[a-z0-9_]+\.(?:py|sql|toml|yaml|css))`")
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


@cache
def tracked() -> list[str]:
    """Return every file of the project."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def pages() -> list[Path]:
    """Return every Markdown page of the project."""
    return [ROOT / name for name in tracked() if name.endswith(".md")]


def folders() -> list[str]:
    """Return every folder with files of the project in it; those with a dot are for tools."""
    return sorted({str(Path(name).parent) for name in tracked() if not name.startswith(".")} - {"."})


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file or folder that is there."""
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("folder", folders())
def test_folder_explains_itself(folder: str) -> None:
    """Each folder has a README.md, and the files that it names are in the project."""
    named = NAMED.findall((ROOT / folder / "README.md").read_text())
    known = tracked()
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in known)] == []


def test_every_decision_is_listed_by_number_once() -> None:
    """Decision pages are numbered without gaps, so that a page is found by its number."""
    numbers = sorted(page.name[:4] for page in (ROOT / "shared/decisions").glob("[0-9]*.md"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
