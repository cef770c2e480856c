"""The text of a process's metrics, of which only what has changed is written anew: most series of most accounts stand.

With a hundred accounts a worker has twelve thousand series, and to write them all takes longer than to count them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

Text = Mapping[str, tuple[str, str]]  # by metric: the lines that describe it, and its samples


class MetricsText:
    """The text of some registries' metrics. For one thread at a time.

    `written` counts the samples that were turned into text so far.
    """

    def __init__(self, registries: Sequence[CollectorRegistry]) -> None:
        self._registries = registries
        self._families: dict[str, _Family] = {}
        self.written = 0

    def now(self) -> Text:
        """The text of every metric as it is now."""
        metrics: dict[str, tuple[str, str]] = {}
        for registry in self._registries:
            for metric in registry.collect():
                family = self._families.setdefault(metric.name, _Family())
                self.written += family.renew(metric)
                metrics[metric.name] = (family.described, family.text)
        return metrics


class _Family:
    """One metric with the line of each of its samples, in the order in which its registry has them."""

    def __init__(self) -> None:
        self.described = self.text = ""
        self._samples: Sequence[Sample] = ()
        self._lines: list[str] = []

    def renew(self, metric: Metric) -> int:
        """Write the lines of the samples that have changed since; returns how many have."""
        before, count = self._samples, len(metric.samples)
        changed = [
            place for place, sample in enumerate(metric.samples) if place >= len(before) or sample != before[place]
        ]
        if not changed and count == len(before) and self.described:
            return 0
        del self._lines[count:]
        self._lines.extend([""] * (count - len(self._lines)))
        for place, line in zip(changed, self._written(metric, changed), strict=True):
            self._lines[place] = line
        self._samples, self.text = metric.samples, "".join(self._lines)
        return len(changed)

    def _written(self, metric: Metric, places: Sequence[int]) -> list[str]:
        some = Metric(metric.name, metric.documentation, metric.type)
        some.samples = [metric.samples[place] for place in places]
        help_line, type_line, *lines = [f"{line}\n" for line in generate_latest(_Alone(some)).decode().split("\n")[:-1]]
        self.described = help_line + type_line
        return lines


class _Alone(Collector):
    """One metric, as a registry has many."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric
