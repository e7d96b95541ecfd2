"""Checks what can be checked of deploy/ without a cluster or a container engine.

A checker that is not installed is named and passed over; one that finds fault ends the run with exit 1.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KUBERNETES = "1.32"
COMPOSE_ENVIRONMENT = {
    "HEDDLE_ORIGIN": "https://social.example",
    "HEDDLE_SECRET_KEY": "0" * 64,
    "HEDDLE_DB_PASSWORD": "example",
    "HEDDLE_BROKER_PASSWORD": "example",
}


class Fault(Exception):
    """A checker found fault; the text is what it said."""


def program(name: str) -> str | None:
    """Return the path of a program, those of our own environment first."""
    own = Path(sys.executable).parent / name
    return str(own) if own.exists() else shutil.which(name)


def run(*command: str, environment: dict[str, str] | None = None) -> str:
    """Run a checker from the project's root and return what it printed; raises Fault."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise Fault(f"{' '.join(command)}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout + done.stderr


def kustomizations() -> Iterator[Path]:
    """Yield every folder that kustomize can build by itself."""
    for file in sorted((ROOT / "deploy/kubernetes").rglob("kustomization.yaml")):
        if "kind: Kustomization" in file.read_text():
            yield file.parent


def check_kubernetes() -> str | None:
    """Build each kustomization and hold the result against the schemas; None where kubectl is missing."""
    kubectl, validator = program("kubectl"), program("kubernetes-validate")
    if kubectl is None or validator is None:
        return None
    folders = list(kustomizations())
    for folder in folders:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as built:
            built.write(run(kubectl, "kustomize", str(folder)))
            built.flush()
            said = run(validator, "--strict", "-k", KUBERNETES, built.name)
        if re.search(r"^(WARN|ERROR)", said, re.MULTILINE):
            raise Fault(said)
    return f"{len(folders)} kustomization(s) valid for Kubernetes {KUBERNETES}"


def check_dockerfile() -> str | None:
    """Lint the Dockerfile."""
    hadolint = program("hadolint")
    if hadolint is None:
        return None
    run(hadolint, "deploy/Dockerfile")
    return "no fault found"


def check_compose() -> str | None:
    """Let Compose read its file."""
    compose = program("docker-compose")
    if compose is None:
        return None
    run(compose, "-f", "docker-compose.yml", "config", "-q", environment=COMPOSE_ENVIRONMENT)
    return "read without complaint"


CHECKS: dict[str, Callable[[], str | None]] = {
    "Kubernetes manifests": check_kubernetes,
    "Dockerfile": check_dockerfile,
    "docker-compose.yml": check_compose,
}


def main() -> int:
    """Run every check, say what came of it, and return the exit code."""
    failed = False
    for name, check in CHECKS.items():
        try:
            said = check()
        except Fault as fault:
            failed = True
            said = f"FAILED\n{fault}"
        print(f"{name}: {said or 'not checked, its checker is not installed'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
