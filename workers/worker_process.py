"""What a worker does when it begins and when it ends, beside its tasks."""

from __future__ import annotations

import gc
from typing import Any

from celery.signals import worker_process_shutdown, worker_ready, worker_shutdown, worker_shutting_down

from workers import tracing, wiring
from workers.app import process, settings
from workers.shared_metrics import SharedMetrics

_shared: list[SharedMetrics] = []
_end_traces = tracing.begin(settings, process) if process else None


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _start_no_more_calls(**_signal: Any) -> None:
    wiring.start_no_more_calls()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _share_metrics(**_signal: Any) -> None:
    gc.freeze()  # what was imported stays: a collection that falls into a transaction looks at the rest alone
    _shared.append(SharedMetrics(settings, "worker").start())


@worker_shutdown.connect  # type: ignore[untyped-decorator]
@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _close(**_signal: Any) -> None:
    wiring.close()
    while _shared:
        _shared.pop().close()
    if _end_traces is not None:
        _end_traces()
