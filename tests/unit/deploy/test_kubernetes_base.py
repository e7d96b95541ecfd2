"""Every pod of the base is hardened, probed and findable; nothing is left to whoever writes the next one."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

BASE = Path(__file__).parents[3] / "deploy/kubernetes/base"
SERVICES = {
    "inbox-receiver",
    "signature-verifier",
    "timeline-builder",
    "fanout-deliverer",
    "platform-gateway",
    "operator-console",
}

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl to build the base")


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    """What `kubectl kustomize` makes of the base."""
    built = subprocess.run(
        ["kubectl", "kustomize", str(BASE)], capture_output=True, text=True, check=True, timeout=60
    )
    return list(yaml.safe_load_all(built.stdout))


def pods(manifests: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield kind, name and pod template of everything that makes pods."""
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "Job", "StatefulSet", "DaemonSet"}:
            yield manifest["kind"], manifest["metadata"]["name"], manifest["spec"]["template"]


def test_every_service_is_deployed(manifests: list[dict[str, Any]]) -> None:
    """Each of the services has a Deployment, and there is none besides."""
    assert {name for kind, name, _ in pods(manifests) if kind == "Deployment"} == SERVICES


def test_every_pod_is_hardened(manifests: list[dict[str, Any]]) -> None:
    """No pod runs as root, writes its root file system, keeps a capability or holds a token."""
    for _, name, template in pods(manifests):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name


def test_every_pod_has_requests_and_a_memory_limit(manifests: list[dict[str, Any]]) -> None:
    """Each container says what it needs and where its memory ends."""
    for _, name, template in pods(manifests):
        for container in template["spec"]["containers"]:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


def test_liveness_never_hangs_on_what_a_restart_cannot_mend(manifests: list[dict[str, Any]]) -> None:
    """Liveness and start-up ask /livez, readiness asks /readyz."""
    for kind, name, template in pods(manifests):
        if kind != "Deployment":
            continue
        (container,) = template["spec"]["containers"]
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "ops"}, name
        assert container["startupProbe"]["httpGet"] == {"path": "/livez", "port": "ops"}, name
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "ops"}, name


def test_the_grace_period_outlasts_the_drain(manifests: list[dict[str, Any]]) -> None:
    """A pod has more time to end than its preStop pause (5 s) and its drain (25 s) take together."""
    for kind, name, template in pods(manifests):
        if kind == "Deployment":
            assert template["spec"]["terminationGracePeriodSeconds"] > 5 + 25, name


def test_network_is_closed_by_default(manifests: list[dict[str, Any]]) -> None:
    """A policy without rules covers every pod of Heddle, in both directions."""
    policies = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "NetworkPolicy"}
    deny = policies["default-deny"]
    assert set(deny["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in deny
    assert "egress" not in deny
    label = deny["podSelector"]["matchLabels"]
    for _, name, template in pods(manifests):
        assert label.items() <= template["metadata"]["labels"].items(), name


def test_only_those_that_must_reach_the_internet_do(manifests: list[dict[str, Any]]) -> None:
    """The way out excludes private ranges and is open to verifier, deliverer and gateway alone."""
    policies = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "NetworkPolicy"}
    way_out = policies["internet-egress"]
    (expression,) = way_out["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == {"signature-verifier", "fanout-deliverer", "platform-gateway"}
    excluded = {block for to in way_out["egress"][0]["to"] for block in to["ipBlock"].get("except", [])}
    assert {"10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= excluded
