"""The Celery app as its README's commands start it: threads, ids only, nothing that waits in the broker."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

SHOW = """
import json
from celery.bin.worker import worker
from workers.app import app
import workers.tasks
with worker.make_context("worker", [], obj=type("Given", (), {"app": app, "quiet": True})()) as started:
    pool = started.params["pool"].__module__
names = ("worker_concurrency", "accept_content", "task_serializer", "task_acks_late", "task_ignore_result",
         "result_backend", "worker_prefetch_multiplier", "beat_schedule", "task_routes")
tasks = [name for name in app.tasks if not name.startswith("celery.")]
seconds = lambda tick: tick.run_every.total_seconds()
print(json.dumps({"pool": pool, "tasks": tasks, **{name: app.conf[name] for name in names}}, default=seconds))
"""


IMPORTED = """
import sys
sys.argv = ["celery", sys.argv[1]]
from workers.app import app
app.loader.import_default_modules()
with open("modules", "w") as file:
    file.write(" ".join(sys.modules))
"""
OF_TASKS = ("workers.tasks", "workers.wiring", "campaigns.runtime", "campaigns.ledger", "sqlalchemy", "httpx")


@pytest.mark.parametrize(
    ("program", "control", "imported"),
    [
        ("beat", "false", ()),
        ("flower", "false", ()),
        ("flower", "true", OF_TASKS),  # it has a form that sends a task
        ("worker", "false", OF_TASKS),
    ],
)
def test_a_program_imports_what_tasks_do_only_where_it_runs_or_lists_them(program, control, imported, tmp_path):
    environ = {"DIALER_FLOWER__CONTROL": control, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", IMPORTED, program]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules = (tmp_path / "modules").read_text().split()
    assert "workers.app" in modules
    assert tuple(name for name in OF_TASKS if name in modules) == imported


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a plain `celery -A workers.app worker` would run with, under settings of its own."""
    environ = {"DIALER_WORKER__THREADS": "5", "DIALER_WORKER__TICK_SECONDS": "2", "PATH": "/usr/bin:/bin"}
    folder = tmp_path_factory.mktemp("app")
    said = subprocess.run([sys.executable, "-c", SHOW], cwd=folder, env=environ, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_a_plain_worker_runs_the_threads_of_the_settings(shown):
    assert "thread" in shown["pool"]
    assert shown["worker_concurrency"] == 5


def test_tasks_are_json_and_keep_no_result(shown):
    assert (shown["accept_content"], shown["task_serializer"]) == (["json"], "json")
    assert (shown["task_ignore_result"], shown["result_backend"]) == (True, None)


def test_a_task_is_acknowledged_when_it_is_done_and_none_is_fetched_ahead(shown):
    assert (shown["task_acks_late"], shown["worker_prefetch_multiplier"]) == (True, 1)


def test_every_tick_is_a_task_that_no_clock_makes_void(shown):
    ticks = shown["beat_schedule"].values()
    assert {tick["task"] for tick in ticks} == {
        f"workers.tasks.{name}" for name in ("release", "look", "sweep", "launch", "retain")
    }
    assert {tick["schedule"] for tick in ticks} == {2.0, 300.0}
    assert not any("expires" in tick.get("options", {}) for tick in ticks)


def test_every_task_has_its_queue(shown):
    assert set(shown["task_routes"]) == set(shown["tasks"])
