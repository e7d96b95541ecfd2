"""The embedded Postgres: on loopback, with a generated password, its data below a folder of ours."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.local.fetch import POSTGRES
from deploy.local.paths import Home, SetupError
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Program
from deploy.local.say import say

SUPERUSER = "postgres"
OUTSIDE = "postgres-elsewhere"
"""Names the file that remembers the folder in use where root's own cannot be reached by others."""

_INITDB_OPTIONS = (
    *("--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8"),
    *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
)
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d %a ",
}
# A test's data need not outlive the machine; it still outlives a killed server.
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, kw_only=True)
class EmbeddedPostgres:
    """How to run the server."""

    home: Home
    port: int
    password: str
    durable: bool = True

    @property
    def admin_url(self) -> str:
        """The superuser's way in."""
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/postgres"

    def prepare(self) -> None:
        """Create the data folder, on the first start."""
        data = self._folder() / "data"
        if not (data / "PG_VERSION").exists():
            say("creating the Postgres data folder")
            shutil.rmtree(data, ignore_errors=True)
            self._initdb(data)
        self._refuse_foreign(data)

    def programs(self) -> list[Program]:
        """What to start."""
        settings = {**_SETTINGS, **({} if self.durable else _HASTY), "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [
            Program(
                name="postgres",
                argv=[str(self._install() / "bin/postgres"), "-D", str(self._folder() / "data"), *options],
                environment=_environment(),
                log=self.home.log / "postgres.log",
                cwd=self._folder(),
                user=_other_user(),
                stop_signal=signal.SIGINT,  # ends sessions instead of waiting for them
                grace=30.0,
            )
        ]

    def _initdb(self, data: Path) -> None:
        password = data.with_name("password")
        password.touch(mode=0o600)
        password.write_text(self.password)
        user = _other_user()
        if user is not None:
            os.chown(password, user, user)
        command = [str(self._install() / "bin/initdb"), "-D", str(data), "--pwfile", str(password)]
        answer = subprocess.run(
            [*command, *_INITDB_OPTIONS, *([] if self.durable else ["--no-sync"])],
            env=_environment(),
            cwd=data.parent,
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        password.unlink()
        if answer.returncode:
            raise SetupError(f"initdb failed: {(answer.stderr or answer.stdout).strip().splitlines()[-1]}")

    def _folder(self) -> Path:
        """Where the data lies, in reach of the user that Postgres runs as."""
        inside = self.home.data / "postgres"
        user = _other_user()
        if user is None:
            inside.mkdir(parents=True, exist_ok=True, mode=0o700)
            return inside
        return _for_other_user(inside, self.home.data / OUTSIDE, user)

    def _install(self) -> Path:
        """The programs, copied next to the data where another user cannot reach ours."""
        copied = self._folder() / "programs"
        if copied.exists():
            return copied / "install"
        user = _other_user()
        if user is None or _reaches(user, POSTGRES / "install/bin/postgres"):
            return POSTGRES / "install"
        shutil.copytree(POSTGRES, copied, symlinks=True)
        for path in (copied, *copied.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
        return copied / "install"

    def _refuse_foreign(self, data: Path) -> None:
        wanted = os.geteuid() if _other_user() is None else _other_user()
        owner = data.stat().st_uid
        if owner != wanted:
            raise SetupError(
                f"The database under .local belongs to another user (id {owner}). "
                "Start as the user that made it, or start afresh after `make clean`."
            )


def forget(home: Home) -> None:
    """Remove the folder that lies outside of `.local`, where there is one."""
    note = home.data / OUTSIDE
    if note.exists():
        shutil.rmtree(note.read_text().strip(), ignore_errors=True)
        note.unlink()


def _other_user() -> int | None:
    """Postgres refuses to run as root: the user it runs as then."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _for_other_user(inside: Path, note: Path, user: int) -> Path:
    if note.exists() and (outside := Path(note.read_text().strip())).is_dir():
        return outside
    inside.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chown(inside, user, user)
    if _reaches(user, inside):
        return inside
    inside.rmdir()
    outside = Path(tempfile.mkdtemp(prefix="heddle-postgres-", dir="/var/tmp"))
    os.chown(outside, user, user)
    note.write_text(str(outside))
    return outside


def _reaches(user: int, path: Path) -> bool:
    answer = subprocess.run(
        ["/usr/bin/test", "-x", str(path)], user=user, group=user, extra_groups=[], cwd="/", check=False
    )
    return answer.returncode == 0


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
