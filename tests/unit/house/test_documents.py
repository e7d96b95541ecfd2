"""What is written for people stays true as far as a program can tell."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def pages() -> list[Path]:
    """Return every Markdown page of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def packages() -> list[str]:
    """Return every service, and every package that the services share."""
    found = [path.parent for part in ("services", "shared") for path in ROOT.glob(f"{part}/*/__init__.py")]
    return sorted(str(folder.relative_to(ROOT)) for folder in found)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file or folder that is there."""
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("folder", ["services", "shared", "deploy", "tests", *packages()])
def test_folder_explains_itself(folder: str) -> None:
    """Each of the main folders has a README.md."""
    assert (ROOT / folder / "README.md").is_file()


def test_every_decision_is_listed_by_number_once() -> None:
    """Decision pages are numbered without gaps, so that a page is found by its number."""
    numbers = sorted(page.name[:4] for page in (ROOT / "shared/decisions").glob("[0-9]*.md"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
