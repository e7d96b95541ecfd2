"""The lock files."""

import re
from pathlib import Path

import pytest

from deploy.local.lock import names_no_place

DEPLOY = Path(__file__).parents[3] / "deploy"
LOCKS = sorted(DEPLOY.glob("requirements*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_pinned_with_its_hash(lock: Path) -> None:
    """Nothing gets installed that was not locked, to the byte."""
    packages = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9][a-z0-9-]*==\S+", package), package
        assert "--hash=sha256:" in package, package


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_a_registry(lock: Path) -> None:
    """Where packages come from is each machine's own affair."""
    assert names_no_place(lock.read_text())


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://registry.example/simple",
        "a @ https://registry.example/a.whl",
        "--find-links /srv",
    ],
)
def test_a_registry_in_a_lock_is_seen(line: str) -> None:
    """The check that keeps addresses out finds them."""
    assert not names_no_place(f"a==1 \\\n    --hash=sha256:00\n{line}\n")
