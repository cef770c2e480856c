"""The table of docs/metrics.md, from what a console serves that has nothing in its ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from console.server.state import AppState
from console.web.metrics import families
from scripts.markdown_table import table
from workers.clock import now_utc
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings

NOT_USED = SecretStr("nobody logs in here")
HEAD = ("metric", "type", "labels", "is")
Line = tuple[str, str, str, str]


def described() -> list[Line]:
    """Name, type, labels and description of every metric but those that prometheus_client has for any process."""
    with tempfile.TemporaryDirectory(prefix="dialer-docs-") as folder:
        state = AppState(Settings(data_dir=Path(folder), console=ConsoleSettings(password=NOT_USED)), now_utc)
        try:
            lines = [_line(metric, ()) for metric in families(state, ())]
            lines += [line for registry in state.shared_metrics.registries for line in _counted(registry)]
        finally:
            state.close()
    return sorted(line for line in lines if line[0].startswith("`dialer_"))


def _counted(registry: CollectorRegistry) -> Iterator[Line]:
    for collector in registry._collector_to_names:
        metrics = [collector] if hasattr(collector, "_labelnames") else collector.collect()
        yield from (_line(metric, ("process",)) for metric in metrics)


def _line(metric: Any, more: tuple[str, ...]) -> Line:
    kind = getattr(metric, "_type", None) or metric.type
    name = (getattr(metric, "_name", None) or metric.name) + ("_total" if kind == "counter" else "")
    labels = ", ".join(f"`{label}`" for label in (*metric._labelnames, *more))
    return f"`{name}`", kind, labels, getattr(metric, "_documentation", None) or metric.documentation


PARTS: Mapping[str, Callable[[], str]] = {"metrics": lambda: table(HEAD, described())}
