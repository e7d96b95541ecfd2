"""Processes from the fork server begin as Python itself would begin them."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests import fork_server


def test_a_sitecustomize_of_ours_runs_where_the_system_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands first on the path is run although a module of its name was loaded at the start."""
    (tmp_path / "sitecustomize.py").write_text("whose = 'ours'\n")
    monkeypatch.setitem(sys.modules, "sitecustomize", ModuleType("sitecustomize"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    fork_server.take_path(str(tmp_path))
    assert sys.modules["sitecustomize"].whose == "ours"
