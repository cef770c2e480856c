"""Prometheus and its promtool: Debian's, or those that `scripts/setup dev` unpacked."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
UNPACKED = ROOT / ".venv" / "prometheus" / "usr" / "bin"
ALERTS = ROOT / "deploy" / "alerts.yml"
DASHBOARDS = ROOT / "deploy" / "grafana"
ABSENT = "Prometheus is not here: install Debian's (apt-get install prometheus), or run scripts/setup dev on a Debian"
VARIABLES = {"$__rate_interval": "5m", "$account": ".+", "$campaign": ".+"}


def program(name: str) -> Path | None:
    """`prometheus` or `promtool`, if it is here."""
    installed, unpacked = shutil.which(name), UNPACKED / name
    return Path(installed) if installed else unpacked if unpacked.exists() else None


needed = pytest.mark.skipif(program("promtool") is None, reason=ABSENT)


def panels() -> Iterator[tuple[str, str, str]]:
    """Dashboard, panel and expression of everything that the dashboards show, all accounts and campaigns chosen."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                yield file.stem, panel["title"], chosen(target["expr"])


def panel_of(alert: str) -> list[str]:
    """The expressions of the panel that an alert names."""
    rules = (rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"])
    (shown,) = (rule["annotations"]["dashboard"] for rule in rules if rule["alert"] == alert)
    return [expression for board, title, expression in panels() if f"{board}: {title}" == shown]


def chosen(expression: str) -> str:
    """An expression of a dashboard as Grafana sends it."""
    pattern = "|".join(map(re.escape, VARIABLES))
    return re.sub(pattern, lambda variable: VARIABLES[variable[0]], expression)
