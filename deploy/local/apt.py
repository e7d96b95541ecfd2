"""A private apt: Debian packages into a folder, without root and without touching the system's lists.

Standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.local.paths import SetupError

LISTS_STAY_FRESH = 6 * 3600.0
"""Seconds. Older package lists may name files that the mirrors no longer have."""

_HOOKS = (
    "APT::Update::Pre-Invoke",
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
    "DPkg::Pre-Invoke",
    "DPkg::Pre-Install-Pkgs",
    "DPkg::Post-Invoke",
)
_URI_LINE = re.compile(r"^'[^']+' (?P<name>[a-z0-9][a-z0-9+.-]*)_\S+\.deb \d+ ")


def parse_uris(output: str) -> list[str]:
    """Read the package names from what `apt-get --print-uris` prints, in its order."""
    return [match["name"] for line in output.splitlines() if (match := _URI_LINE.match(line))]


def private_config(dump: str, folder: Path) -> str:
    """Turn the machine's apt configuration into one that keeps all its state below `folder`.

    The user's own settings (proxies, mirrors, credentials) stay; hooks are dropped, since they belong to the
    system's own state.
    """
    hooks = "".join(f"#clear {hook};\n" for hook in _HOOKS)
    return f"""{dump}
{hooks}Dir::State "{folder}/state/";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{folder}/cache/";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "{folder}/parts/";
Debug::NoLocking "true";
APT::Sandbox::User "root";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
"""


class PrivateApt:
    """Fetches and unpacks packages with the machine's sources and keys, everything else being its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def available() -> bool:
        """Tell whether this machine has what is needed: Debian, Ubuntu and their kin do."""
        return all(shutil.which(tool) for tool in ("apt-get", "apt-config", "dpkg", "dpkg-deb"))

    def update(self) -> None:
        """Fetch the package lists unless those at hand are fresh.

        A source that fails is no reason to stop: the packages may come from another one.
        """
        stamp = self._folder / "updated"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < LISTS_STAY_FRESH:
            return
        for name in ("state/lists/partial", "cache/archives/partial", "parts"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
        self._config.write_text(private_config(dump, self._folder))
        self._run("update", "-q")
        stamp.touch()

    def closure(self, packages: Iterable[str]) -> list[str]:
        """Name the packages and whatever they depend on that this machine lacks."""
        wanted = list(packages)
        answer = self._run("install", "-y", "--no-install-recommends", "--print-uris", *wanted)
        # What the machine has already is not in apt's answer, yet must be in a folder of ours.
        return sorted({*wanted, *parse_uris(answer.stdout)})

    def fetch(self, packages: Sequence[str], target: Path) -> None:
        """Download and unpack these packages below `target`, a folder.

        Raises:
            SetupError: a package is not to be had.
        """
        downloads = target.with_name(f"{target.name}.debs")
        downloads.mkdir(parents=True, exist_ok=True)
        try:
            answer = self._run("download", "-q", *packages, cwd=downloads)
            if answer.returncode:
                raise SetupError(f"apt could not download {target.name}: {_last_complaint(answer.stderr)}")
            for archive in sorted(downloads.glob("*.deb")):
                subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)
        finally:
            shutil.rmtree(downloads, ignore_errors=True)

    @property
    def _config(self) -> Path:
        return self._folder / "apt.conf"

    def _run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "APT_CONFIG": str(self._config), "LC_ALL": "C"}
        return subprocess.run(
            ["apt-get", *arguments], capture_output=True, text=True, check=False, cwd=cwd, env=environment
        )


def _last_complaint(errors: str) -> str:
    complaints = [line for line in errors.splitlines() if line.startswith("E:")]
    return complaints[-1][2:].strip() if complaints else "no reason given"
