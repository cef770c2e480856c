import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, FlowerSettings, WorkerSettings
from workers.stack.info import StackInfo
from workers.stack.programs import Modules, ProgramPlan
from workers.stack.redis_server import RedisServer

PASSWORD = "a-good-password"
SERVER = RedisServer(path=Path("redis-server"), version=(7, 0), origin="on the PATH")
LOOK = "import campaigns, workers; print(campaigns.__file__, workers.__file__)"
ASK = f"""
import os, subprocess, sys
from workers.stack.programs import _python_environment
subprocess.run([sys.executable, "-c", {LOOK!r}], env=dict(os.environ) | _python_environment(), check=True)
"""


@pytest.fixture
def plan(tmp_path):
    """Makes the plan of a stack."""

    def make(*, sandbox=True, workers=1, **changes) -> ProgramPlan:
        return ProgramPlan(
            settings=Settings(
                data_dir=tmp_path,
                console=ConsoleSettings(password=PASSWORD, host=changes.pop("host", "127.0.0.1")),
                flower=FlowerSettings(),
                worker=WorkerSettings(threads=7, events=changes.pop("events", True)),
            ),
            info=StackInfo(
                pid=1,
                data_dir=tmp_path,
                started_at="",
                sandbox=sandbox,
                speed=12.5,
                urls={name: f"http://127.0.0.1/{name}" for name in ("console", "sandbox", "flower")}
                | {"redis": "redis://127.0.0.1:1/0"},
                ports={"console": 8081, "flower": 5556, "sandbox": 8901, "redis": 6391},
            ),
            redis=changes.pop("redis", SERVER),
            redis_secrets=tmp_path / "password.conf",
            workers=workers,
            environment={"DIALER_REDIS__URL": "redis://127.0.0.1:1/0", "DIALER_CONSOLE__PASSWORD": PASSWORD},
        )

    return make


def by_name(plan: ProgramPlan):
    return {program.name: program for stage in plan.stages for program in stage}


def names(plan: ProgramPlan):
    return [[program.name for program in stage] for stage in plan.stages]


def test_redis_comes_first_then_what_calls_arrive_at_then_what_places_them(plan):
    assert names(plan(workers=2)) == [["redis"], ["sandbox", "console"], ["worker1", "worker2", "beat", "flower"]]


def test_only_what_is_needed_is_started(plan):
    assert names(plan(sandbox=False, redis=None, workers=0)) == [["console"], ["beat", "flower"]]


def test_redis_reads_its_password_from_a_file_first(plan, tmp_path):
    assert by_name(plan())["redis"].argv[:2] == ("redis-server", str(tmp_path / "password.conf"))


def test_the_worker_runs_threads_as_many_as_the_settings_say(plan):
    argv = " ".join(by_name(plan())["worker1"].argv)
    assert "-A workers.app worker --pool threads --concurrency 7" in argv
    assert "-n worker1@%h" in argv
    assert argv.endswith("-E")
    assert not " ".join(by_name(plan(events=False))["worker1"].argv).endswith("-E")


def test_beat_keeps_nothing_on_disk_and_answers_a_ping(plan):
    argv = by_name(plan())["beat"].argv
    assert {"--pidfile=", "--enable-remote-control", "--hostname=beat@%h"} <= set(argv)
    assert "-s" not in argv


def test_the_console_is_the_one_with_bounds_and_without_an_access_log(plan):
    assert by_name(plan())["console"].argv[1:] == ("-m", "console.web")


def test_the_sandbox_is_told_where_and_how_fast(plan):
    argv = by_name(plan())["sandbox"].argv
    place = ("--host", "127.0.0.1", "--port", "8901", "--speed", "12.5")
    assert argv[1:] == ("-m", "dialer.sandbox", *place, "--log-format", "json", "--knows-all")


def test_no_secret_is_in_any_command_line(plan):
    for program in by_name(plan()).values():
        assert PASSWORD not in " ".join(program.argv)
        assert PASSWORD not in repr(program)
    assert PASSWORD not in repr(plan())


def test_a_worker_may_finish_the_calls_in_flight(plan):
    assert by_name(plan())["worker1"].stop_seconds == 20


def test_folders_beside_the_user_that_are_named_like_our_packages_hide_nothing(tmp_path):
    for namesake in ("campaigns", "workers"):
        (tmp_path / namesake).mkdir()
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # -P: like the installed command, which does not look into the current folder either
    asked = subprocess.run(
        [sys.executable, "-P", "-c", ASK], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == [find_spec(name).origin for name in ("campaigns", "workers")]


def test_what_is_run_in_earnest_exists():
    modules = Modules()
    assert find_spec(modules.celery)
    assert find_spec(f"{modules.sandbox}.__main__")


def test_no_thread_of_a_child_keeps_memory_for_itself(plan, monkeypatch):
    assert {one.env["MALLOC_ARENA_MAX"] for one in by_name(plan()).values()} == {"2"}
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert {one.env["MALLOC_ARENA_MAX"] for one in by_name(plan()).values()} == {"4"}, "somebody knows better"
