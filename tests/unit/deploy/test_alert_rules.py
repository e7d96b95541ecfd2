"""Alerts watch what services count, and send whoever is woken to a runbook that is there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from shared.telemetry import metrics

DEPLOY = Path(__file__).parents[3] / "deploy"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/heddle.rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]


def anchors_of(file: Path) -> set[str]:
    """Return what its headings are called in links."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_watches_a_metric_and_names_its_runbook(rule: dict[str, Any]) -> None:
    """Every metric that an alert asks for is one of ours, and its runbook has the chapter that it names."""
    ours = {metric.name: metric for metric in REGISTRY.collect()}
    asked = re.findall(r"heddle_\w+", rule["expr"])
    assert asked
    assert {name.removesuffix("_total") for name in asked} <= set(ours)
    file, _, chapter = rule["annotations"]["runbook"].partition("#")
    assert chapter in anchors_of(DEPLOY.parent / file)
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_what_dies_is_told() -> None:
    """There is an alert for dead letters, by the metric that counts them."""
    (rule,) = [rule for rule in RULES if "heddle_dead_letters_total" in rule["expr"]]
    assert set(re.findall(r"by \(([^)]*)\)", rule["expr"])[0].split(", ")) == set(
        metrics.dead_letters._labelnames  # noqa: SLF001 - the library tells it nowhere else
    )
