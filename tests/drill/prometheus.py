"""A Prometheus that scrapes an installation each second and evaluates the alerts, their durations divided."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support import loopback
from tests.support.prometheus import ABSENT, ALERTS, program

FASTER = 30
DURATION = re.compile(r"\[(\d+)m\]")
OLDEST = re.compile(r"(_oldest_event_seconds\) > )(\d+)")
STARTS_WITHIN = 180.0


class Prometheus:
    """What it says of alerts and expressions."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1"

    def firing(self) -> list[dict[str, str]]:
        """The labels of the alerts that fire now; `alertname` is one of them."""
        return [alert["labels"] for alert in self._ask("alerts")["alerts"] if alert["state"] == "firing"]

    def fires(self, alert: str, **labels: str) -> bool:
        """Whether this alert fires now, with these labels."""
        wanted = {"alertname": alert, **labels}.items()
        return any(wanted <= fires.items() for fires in self.firing())

    def values(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What an expression of a dashboard shows now: labels and value of each line."""
        result = self._ask("query", query=faster(expression))["result"]
        return [(line["metric"], float(line["value"][1])) for line in result]

    def wait_for_process(self, pid: int) -> None:
        """Return when this process has metrics."""
        until = time.monotonic() + STARTS_WITHIN
        while not self.values(f'dialer_clock_set_seconds{{process=~".*-{pid}"}}'):
            if time.monotonic() > until:
                raise SystemExit(f"no metrics of process {pid} in time")
            time.sleep(0.5)

    def is_up(self) -> bool:
        """Whether it answers, and has scraped."""
        try:
            return bool(self.values("dialer_ledger_up"))
        except httpx.HTTPError:
            return False

    def _ask(self, path: str, **query: str) -> Any:
        reply = loopback.get(f"{self._url}/{path}", params=query, timeout=30)
        reply.raise_for_status()
        return reply.json()["data"]


def faster(text: str) -> str:
    """An expression whose ranges and thresholds of time are divided."""
    text = DURATION.sub(lambda range_: f"[{int(range_[1]) * 60 // FASTER}s]", text)
    return OLDEST.sub(lambda bound: f"{bound[1]}{int(bound[2]) // FASTER}", text)


def rules() -> dict[str, Any]:
    """The alerts, so much faster."""
    groups: dict[str, Any] = yaml.safe_load(ALERTS.read_text("utf-8"))
    for rule in (rule for group in groups["groups"] for rule in group["rules"]):
        rule["expr"] = faster(rule["expr"])
        if "for" in rule:
            rule["for"] = f"{int(rule['for'].removesuffix('m')) * 60 // FASTER}s"
    return groups


@contextmanager
def watching(folder: Path, port: int, target: str, token: str) -> Iterator[Prometheus]:
    """Prometheus at this port, which scrapes this console, for as long as the block runs."""
    binary = program("prometheus")
    if binary is None:
        raise SystemExit(ABSENT)
    folder.mkdir()
    (folder / "alerts.yml").write_text(yaml.safe_dump(rules()))
    job = {
        "job_name": "dialer",
        "authorization": {"type": "Bearer", "credentials": token},
        "static_configs": [{"targets": [target.removeprefix("http://")]}],
    }
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": ["alerts.yml"], "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([binary, *options, f"--web.listen-address=127.0.0.1:{port}"], stderr=log)
    prometheus = Prometheus(port)
    try:
        until = time.monotonic() + STARTS_WITHIN
        while not prometheus.is_up():
            if running.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"Prometheus does not scrape: {(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield prometheus
    finally:
        running.terminate()
        running.wait()
