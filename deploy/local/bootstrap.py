"""Builds `.venv` from the lock and fetches the servers, side by side.

Runs under the machine's own Python with its standard library alone: `python3 -m deploy.local.bootstrap`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from deploy.local.docker import docker_answers
from deploy.local.fetch import fetch_browser, fetch_postgres, fetch_rabbitmq, system_browser
from deploy.local.paths import ROOT, VENV, SetupError
from deploy.local.pip import run_pip
from deploy.local.say import say

_LAUNCHER = """#!{python}
import sys

from services.operator_console.cli import main

sys.exit(main())
"""


def main(arguments: Sequence[str]) -> int:
    """Set up what is asked for; a second call finds it done and returns at once."""
    parser = argparse.ArgumentParser(prog="python3 -m deploy.local.bootstrap", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="what tests and checks need, too")
    parser.add_argument("--servers", action="store_true", help="an embedded broker and database, if needed")
    parser.add_argument("--embedded", action="store_true", help="the embedded ones even where Docker answers")
    parser.add_argument("--browser", action="store_true", help="a browser for the tests, where there is none")
    asked = parser.parse_args(arguments)
    try:
        _set_up(_jobs(asked))
    except (SetupError, OSError) as problem:
        print(f"heddle: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _jobs(asked: argparse.Namespace) -> list[Callable[[], None]]:
    jobs: list[Callable[[], None]] = [lambda: build_venv(dev=asked.dev)]
    docker = asked.servers and not asked.embedded and docker_answers()
    if asked.embedded or (asked.servers and not docker):
        if asked.embedded or not os.environ.get("HEDDLE_BROKER_URL"):
            jobs.append(fetch_rabbitmq)
        if asked.embedded or not os.environ.get("HEDDLE_DATABASE_URL"):
            jobs.append(lambda: fetch_postgres(run_pip))
    if asked.browser and not os.environ.get("HEDDLE_TEST_CHROMIUM") and not system_browser():
        jobs.append(_browser_if_any)
    return jobs


def _set_up(jobs: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures: list[Future[None]] = [pool.submit(job) for job in jobs]
    for future in futures:
        future.result()


def _browser_if_any() -> None:
    try:
        fetch_browser()
    except SetupError as problem:
        say(f"no browser, so the browser tests will be skipped: {problem}")


def build_venv(*, dev: bool) -> None:
    """Install the locked packages and the project itself into `.venv`.

    Raises:
        SetupError: pip is not to be had, or it could not install.
    """
    lock = ROOT / f"deploy/requirements{'-dev' if dev else ''}.lock"
    if _is_built(lock):
        return
    say(f"installing the packages of {lock.relative_to(ROOT)} into .venv")
    if not _works(VENV / "bin/python") or _was_moved():
        _python("-m", "venv", "--clear", "--without-pip", str(VENV))
    run_pip(["install", "--require-hashes", "--no-deps", "-r", str(lock)])
    _install_project()
    _stamp(lock).write_text(_fingerprint(lock))
    say("the packages are in place")


def _install_project() -> None:
    """An editable install, without the build tools that pip would fetch for one.

    The project on the import path, `heddle` in `bin`, and the metadata that tell its version.
    """
    (site_packages,) = VENV.glob("lib/python3.*/site-packages")
    (site_packages / "heddle.pth").write_text(f"{ROOT}\n")
    launcher = VENV / "bin/heddle"
    launcher.write_text(_LAUNCHER.format(python=VENV / "bin/python"))
    launcher.chmod(0o755)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for stale in site_packages.glob("heddle-*.dist-info"):
        shutil.rmtree(stale)
    info = site_packages / f"heddle-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: heddle\nVersion: {version}\n")
    (info / "INSTALLER").write_text("deploy.local.bootstrap\n")
    (info / "RECORD").write_text(f"heddle.pth,,\n../../../bin/heddle,,\n{info.name}/METADATA,,\n")


def _is_built(lock: Path) -> bool:
    # A venv made for development holds everything that running needs, too.
    development = lock.with_name("requirements-dev.lock")
    stamps = [(stamped, _stamp(stamped)) for stamped in (lock, development)]
    return any(stamp.exists() and stamp.read_text() == _fingerprint(of) for of, stamp in stamps)


def _stamp(lock: Path) -> Path:
    return VENV / f".{lock.stem}.installed"


def _fingerprint(lock: Path) -> str:
    """What an installation hangs on: the lock, the project, the place, the Python, and this file."""
    digest = hashlib.sha256(lock.read_bytes())
    digest.update((ROOT / "pyproject.toml").read_bytes())
    digest.update(Path(__file__).read_bytes())
    digest.update(f"{VENV}\n{sys.version}".encode())
    return digest.hexdigest()


def _was_moved() -> bool:
    """Its programs name the folder that they were installed in."""
    launcher = VENV / "bin/heddle"
    return launcher.exists() and not launcher.read_text().startswith(f"#!{VENV}/")


def _works(python: Path) -> bool:
    """Whether there is a venv that fits the Python it points to, which an upgrade may have replaced."""
    fits = "import os, sys, sysconfig; sys.exit(not os.path.isdir(sysconfig.get_path('purelib')))"
    return python.exists() and subprocess.run([python, "-c", fits], check=False).returncode == 0


def _python(*arguments: str) -> None:
    answer = subprocess.run([sys.executable, *arguments], text=True, capture_output=True, check=False)
    if answer.returncode:
        raise SetupError(f"python {arguments[1]} failed: {(answer.stderr or answer.stdout).strip()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
