"""Runs pip, with the user's own configuration, where Python may have come without it.

Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from deploy.local.fetch import fetch_debian
from deploy.local.paths import RUNTIME, VENV, SetupError

_OPTIONS = ("--disable-pip-version-check", "--no-input", "--quiet")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def run_pip(arguments: Sequence[str]) -> None:
    """Run pip; `install` goes into `.venv`.

    Raises:
        SetupError: with pip's own last word.
    """
    python = str(VENV / "bin/python") if arguments[0] == "install" else sys.executable
    command = [python, "-m", "pip", arguments[0], *_OPTIONS, *arguments[1:]]
    answer = subprocess.run(command, env=_environment(), text=True, stderr=subprocess.PIPE, check=False)
    if answer.returncode:
        complaints = [line for line in answer.stderr.splitlines() if "ERROR" in line] or ["no reason given"]
        raise SetupError(f"pip could not {arguments[0]}: {complaints[-1]}")


def _environment() -> dict[str, str]:
    ours = {"PYTHONPATH": str(_pip()), "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    if not _CERTIFICATES.exists() and not os.environ.get("PIP_CERT") and not os.environ.get("SSL_CERT_FILE"):
        ours["PIP_CERT"] = str(_own_certificates())
    return {**os.environ, **ours}


def _pip() -> Path:
    """Find a pip to run: the one that comes with Python, else Debian's, where that is left out."""
    ensurepip = find_spec("ensurepip")
    bundled = [Path(ensurepip.origin).parent / "_bundled"] if ensurepip and ensurepip.origin else []
    for folder in (*bundled, Path("/usr/share/python-wheels"), RUNTIME / "pip/usr/share/python-wheels"):
        for wheel in sorted(folder.glob("pip-*.whl")):
            return wheel
    fetched = fetch_debian("pip", ["python3-pip-whl"])
    return next(fetched.glob("usr/share/python-wheels/pip-*.whl"))


def _own_certificates() -> Path:
    """Make a bundle of Debian's certificate authorities, for machines that have none."""
    folder = fetch_debian("certificates", ["ca-certificates"])
    bundle = folder / "bundle.crt"
    if not bundle.exists():
        authorities = sorted(folder.glob("usr/share/*/mozilla/*.crt"))
        bundle.write_text("".join(authority.read_text() for authority in authorities))
    return bundle
