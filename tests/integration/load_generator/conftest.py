"""Folders for runs with keys in them: sixteen new ones for each test would cost more than the test."""

import shutil
from pathlib import Path

import pytest

from services.load_generator.keys import load_ring
from services.load_generator.world import KEYS


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the keys of simulated actors."""
    file = tmp_path_factory.mktemp("ring") / "keys"
    load_ring(file, KEYS)
    return file


@pytest.fixture
def folder(tmp_path: Path, ring: Path) -> Path:
    """Return a run's folder that holds the keys of its actors, and those of a fake target."""
    for name in ("keys", "target-keys"):
        shutil.copy(ring, tmp_path / name)
    return tmp_path
