"""The Celery app: `celery -A workers.app worker|beat|flower`. The broker holds ids only, so it may be emptied."""

from __future__ import annotations

import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging
from kombu import Queue  # type: ignore[attr-defined]  # exported lazily

from dialer.errors import DialerError
from workers import broker, logs
from workers.beat import Tick
from workers.queues import CALLS, LISTS, TICKS, WEBHOOKS
from workers.settings import Settings, load
from workers.shared_metrics import SharedMetrics

MAX_TASK_SECONDS = 600
RETENTION_EVERY = 300.0  # seconds, at which it is looked whether the night's run is done


def _process() -> str:
    """Which of Celery's programs this is, a worker by the name of its node; blank where it is none."""
    if "celery" not in sys.argv[0]:
        return ""
    if "-n" in sys.argv[1:-1]:
        return sys.argv[sys.argv.index("-n") + 1].partition("@")[0]
    return next((name for name in ("worker", "beat", "flower") if name in sys.argv[1:]), "")


def _settings(process: str) -> Settings:
    try:
        return load()
    except DialerError as exc:
        if process:
            logs.cannot_start(exc, process)
        sys.exit(f"{exc.message}\n{exc.remedy}")


broker.install()
process = _process()
settings = _settings(process)
if process:
    logs.set_up(settings, process)
_shared: list[SharedMetrics] = []
# Beat and Flower send tasks by their names, and need nothing of what tasks do, but for Flower's form that sends one.
_runs_tasks = process not in ("beat", "flower") or (process == "flower" and settings.flower.control)
app = Celery("dialer", include=["workers.tasks", "workers.worker_process"] if _runs_tasks else [])
_broker = settings.redis_address.celery()
app.conf.update(
    _broker,
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,  # the ledger's compare-and-set makes a second delivery of a task harmless
    task_reject_on_worker_lost=True,
    worker_pool="threads",
    worker_concurrency=settings.worker.threads,
    worker_prefetch_multiplier=1,
    worker_send_task_events=settings.worker.events,
    task_send_sent_event=False,  # the broker is nearly empty: a task is shown when a worker has it
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=20.0,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,  # a Redis that refuses writes (full, read-only) ends no worker
    broker_transport_options={
        "visibility_timeout": MAX_TASK_SECONDS,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        **_broker.get("broker_transport_options", {}),
    },
    task_queues=[Queue(CALLS), Queue(TICKS), Queue(WEBHOOKS), Queue(LISTS)],  # type: ignore[no-untyped-call]
    task_default_queue=CALLS,
    task_routes={
        "workers.tasks.dial": {"queue": CALLS},
        "workers.tasks.release": {"queue": TICKS},
        "workers.tasks.release_now": {"queue": TICKS},
        "workers.tasks.look": {"queue": TICKS},
        "workers.tasks.sweep": {"queue": TICKS},
        "workers.tasks.launch": {"queue": TICKS},
        "workers.tasks.read_list": {"queue": LISTS},
        "workers.tasks.retain": {"queue": LISTS},
        "workers.tasks.rehearse": {"queue": LISTS},
        "workers.tasks.tell": {"queue": WEBHOOKS},
    },
    timezone="UTC",
    beat_schedule={
        name: {
            "task": f"workers.tasks.{name}",
            "schedule": Tick(settings.worker.tick_seconds),
        }
        for name in ("release", "look", "sweep", "launch")
    }
    | {"retain": {"task": "workers.tasks.retain", "schedule": Tick(RETENTION_EVERY)}},
    beat_scheduler="workers.beat:Beat",
    beat_max_loop_interval=max(settings.worker.tick_seconds / 2, 0.1),
)


@setup_logging.connect  # type: ignore[untyped-decorator]
def _logs_are_set_up(**_signal: Any) -> None:
    """Keep Celery from setting them up, too."""


@beat_init.connect  # type: ignore[untyped-decorator]
def _share_metrics_of_beat(**_signal: Any) -> None:
    _shared.append(SharedMetrics(settings, "beat").start())


if "flower" in sys.argv[1:]:
    from workers import flower_guard

    flower_guard.install()
    _shared.append(SharedMetrics(settings, "flower").start())
