"""The whole stack with real Redis, Celery, Flower and uvicorn; only our own apps in it are small ones."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import redis
from celery import Celery
from kombu.exceptions import OperationalError

from dialer.deadline import utc_now
from dialer.errors import DialerError
from tests.support import loopback
from tests.support.processes import family, own_memory
from tests.workers.stack.conftest import processes_with, runs, until
from workers.first_admin import add_first_admin
from workers.ledger import open_ledger
from workers.secrets import redis_password
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, FlowerSettings, RedisSettings, SandboxSettings
from workers.stack.lock import is_locked
from workers.stack.programs import Modules, stopping_order
from workers.stack.stack import ChildFailed, Stack, StackIsUp, running_stack, usual_workers

pytestmark = pytest.mark.stack

PASSWORD = "a-good-password"
TINY = Modules(
    celery="tests.workers.stack.tiny_celery",
    console="tests.workers.stack.tiny_console",
    sandbox="tests.workers.stack.tiny_sandbox",
)
ROOT = Path(__file__).parents[3]


def settings_for(data_dir: Path) -> Settings:
    return Settings(
        data_dir=data_dir,
        accounts={},
        redis=RedisSettings(url=None),
        console=ConsoleSettings(port=0, password=PASSWORD),
        flower=FlowerSettings(port=0),
        sandbox=SandboxSettings(port=0),
    )


@pytest.fixture(autouse=True)
def _small_apps_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="module")
def happenings():
    return []


@pytest.fixture(scope="module")
def stack(tmp_path_factory, happenings):
    """One stack for the tests of this file, watched as `dialer up` does."""
    folder = tmp_path_factory.mktemp("stack")
    data_dir = folder / "data"
    stop = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with Stack(
            settings_for(data_dir), sandbox=True, speed=20, workers=2, events=happenings.append, modules=TINY
        ) as running:
            watcher = threading.Thread(target=running.watch, args=(stop.wait,))
            watcher.start()
            yield running
            pids = running.info.pids
            stop.set()
            watcher.join()
    assert not any(map(runs, pids.values()))
    assert not processes_with(str(folder))
    assert running_stack(data_dir) is None
    assert not is_locked(data_dir)
    assert not (data_dir / "stack.json").exists()


def secrets(stack: Stack) -> tuple[str, ...]:
    return PASSWORD, redis_password(settings_for(stack.info.data_dir))


def names(happenings, what):
    return [happening.name for happening in happenings if happening.what == what]


def test_everything_is_up_redis_first_and_workers_after_the_console(stack, happenings):
    up = names(happenings, "up")
    assert up[0] == "redis"
    assert set(up[1:3]) == {"sandbox", "console"}
    assert set(up[3:7]) == {"worker1", "worker2", "beat", "flower"}
    assert all(map(runs, stack.info.pids.values()))


def test_other_processes_are_told_where_everything_is(stack):
    seen = running_stack(stack.info.data_dir)
    assert seen == stack.info
    assert seen.pid == os.getpid()
    assert (seen.sandbox, seen.speed) == (True, 20)
    assert set(seen.pids) == {"redis", "sandbox", "console", "worker1", "worker2", "beat", "flower"}
    assert loopback.get(f"{seen.urls['console']}/healthz").status_code == 200
    assert loopback.get(f"{seen.urls['sandbox']}/").text == "20.0"


def test_what_is_told_holds_no_secret_and_is_for_its_owner(stack):
    file = stack.info.data_dir / "stack.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not [secret for secret in secrets(stack) if secret in file.read_text()]
    assert stack.info.data_dir.stat().st_mode & 0o777 == 0o700


def test_no_secret_is_in_a_command_line_or_a_log(stack):
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in stack.info.pids.values()]
    logs = [log.read_text() for log in (stack.info.data_dir / "logs").iterdir()]
    assert not [text for text in lines + logs for secret in secrets(stack) if secret in text]


def test_programs_that_read_no_settings_are_given_no_secret(stack):
    for name in ("redis", "sandbox"):
        environ = Path(f"/proc/{stack.info.pids[name]}/environ").read_bytes().decode()
        assert not [secret for secret in secrets(stack) if secret in environ]


@pytest.mark.parametrize(
    "command",
    [
        ("PING",),
        ("KEYS", "*"),
        ("CONFIG", "GET", "*"),
        ("EVAL", "return 1", "0"),
        ("HSET", "bucket", "tokens", "9"),
        ("DEL", "bucket"),
        ("MONITOR",),
        ("SHUTDOWN",),
    ],
    ids=lambda command: command[0],
)
def test_redis_does_nothing_for_a_neighbour_who_has_no_password(stack, command):
    """Another user of the machine reaches the port, and that is all."""
    with (
        redis.Redis.from_url(stack.info.urls["redis"], protocol=2) as neighbour,
        pytest.raises(redis.AuthenticationError, match=r"[Aa]uthentication"),
    ):
        neighbour.execute_command(*command)


def test_a_neighbour_can_tell_the_workers_nothing(stack):
    with Celery("stranger", broker=stack.info.urls["redis"], set_as_current=False) as app:
        for order in (("shutdown", {}), ("cancel_consumer", {"queue": "celery"})):
            with pytest.raises(OperationalError, match=r"[Aa]uthentication"):
                app.control.broadcast(order[0], arguments=order[1])


def test_the_password_of_redis_is_for_its_owner_and_another_for_each_installation(stack, tmp_path):
    data = stack.info.data_dir
    for file in (data / "redis-password", data / "redis" / "password.conf"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(redis_password(settings_for(data))) >= 24
    assert redis_password(settings_for(tmp_path)) != redis_password(settings_for(data))


def test_flower_stands_behind_the_password(stack):
    """Of the first admin, whom the console makes: here it is a small one."""
    settings = settings_for(stack.info.data_dir)
    ledger = open_ledger(settings)
    add_first_admin(settings, ledger, utc_now())
    ledger.close()
    url = f"{stack.info.urls['flower']}/metrics"
    assert loopback.get(url).status_code == 401
    assert loopback.get(url, auth=("operator", PASSWORD)).status_code == 200


def test_a_second_stack_on_the_same_data_is_refused_and_the_first_goes_on(stack):
    with pytest.raises(StackIsUp, match=str(os.getpid())):
        Stack(settings_for(stack.info.data_dir), sandbox=True, modules=TINY).__enter__()
    assert running_stack(stack.info.data_dir) == stack.info


def test_beats_ticks_reach_a_worker(stack):
    logs = list((stack.info.data_dir / "logs").glob("worker*.log"))
    assert until(lambda: any("Task tiny.note" in log.read_text() for log in logs))


def test_a_killed_worker_is_started_again_and_works(stack, happenings):
    killed = stack.info.pids["worker1"]
    stack.kill_worker()
    assert not runs(killed)
    assert until(lambda: "worker1" in names(happenings, "restarted"))
    assert "worker1" in names(happenings, "died")
    assert running_stack(stack.info.data_dir).pids["worker1"] != killed
    with Celery("asking", broker=stack.environment["DIALER_REDIS__URL"], set_as_current=False) as app:
        assert until(lambda: bool(app.control.inspect(timeout=0.5).ping()))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing forks them")
def test_programs_that_ended_with_what_forked_them_are_all_started_again(stack):
    before = {name: pid for name, pid in stack.info.pids.items() if name != "redis"}
    os.kill(parent_of(before["worker1"]), signal.SIGKILL)
    assert until(lambda: not {*before.values()} & {*stack.info.pids.values()})
    assert {*stack.info.pids} == {*before, "redis"}
    for address in ("console", "sandbox"):
        assert until(lambda address=address: answers(stack.info.urls[address]))
    with Celery("asking", broker=stack.environment["DIALER_REDIS__URL"], set_as_current=False) as app:
        assert until(lambda: len(app.control.inspect(timeout=0.5).ping() or ()) == 3), "both workers and beat"


def answers(url):
    try:
        return loopback.get(f"{url}/healthz").status_code == 200
    except OSError:
        return False


def test_a_stack_that_cannot_start_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    broken = Modules(celery=TINY.celery, console="no_such_module", sandbox=TINY.sandbox)
    with pytest.raises(ChildFailed, match="no_such_module") as failure:
        Stack(settings_for(tmp_path), sandbox=True, modules=broken).__enter__()
    assert failure.value.message.startswith("console ended at its start")
    assert not processes_with(str(tmp_path))
    assert running_stack(tmp_path) is None
    assert not is_locked(tmp_path)


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DialerError, match="file/data") as failure:
        Stack(settings_for(tmp_path / "file" / "data"), sandbox=True, modules=TINY).__enter__()
    assert "DIALER_DATA_DIR" in failure.value.remedy


def test_nothing_of_a_stack_outlives_its_supervisors_kill(tmp_path):
    """Without a sandbox, with two workers, from a folder that has namesakes of our packages."""
    for namesake in ("campaigns", "workers", "console", "dialer"):
        (tmp_path / namesake).mkdir()
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path / "data")], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with supervisor:
        pids = json.loads(supervisor.stdout.readline())
        assert set(pids) == {"redis", "console", "worker1", "worker2", "beat", "flower"}
        assert running_stack(tmp_path / "data").pids == pids
        supervisor.send_signal(signal.SIGKILL)
    assert until(lambda: not any(map(runs, pids.values())))
    assert running_stack(tmp_path / "data") is None


SUPERVISOR = """
import json, sys, time
from pathlib import Path
from tests.workers.stack.test_stack import TINY, settings_for
from workers.stack.stack import Stack

with Stack(settings_for(Path(sys.argv[1])), sandbox=False, workers=2, modules=TINY) as stack:
    print(json.dumps(stack.info.pids), flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells what processes share")
def test_the_programs_of_a_stack_share_what_they_import(tmp_path):
    """Ours, no small ones: each by itself would take some 80 MB, and 110 a worker."""
    with Stack(settings_for(tmp_path), sandbox=True, workers=2) as stack:
        programs = set(stack.info.pids.values()) - {stack.info.pids["redis"]}
        forked = family(parent_of(stack.info.pids["worker1"]))
        assert set(forked[1:]) == programs
        assert sum(map(own_memory, forked)) < 400 * 2**20


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_configured_redis_is_used_and_none_is_started(tmp_path, redis_url):
    settings = settings_for(tmp_path).model_copy(update={"redis": RedisSettings(url=redis_url)})
    with Stack(settings, sandbox=False, workers=0, modules=TINY) as stack:
        assert "redis" not in stack.info.pids
        assert stack.environment["DIALER_REDIS__URL"] == redis_url
        assert stack.info.urls["redis"] == redis_url


def test_a_configured_redis_that_is_away_stops_the_start_before_anything_runs(tmp_path):
    settings = settings_for(tmp_path).model_copy(update={"redis": RedisSettings(url="redis://127.0.0.1:1/0")})
    with pytest.raises(DialerError, match="does not answer"):
        Stack(settings, sandbox=False, modules=TINY).__enter__()
    assert not is_locked(tmp_path)


def test_two_workers_are_the_rule_where_there_are_two_cores(monkeypatch):
    for cores, workers in (({0}, 1), ({0, 1}, 2), (set(range(64)), 2)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, cores=cores: cores, raising=False)
        assert usual_workers() == workers


def test_new_work_stops_first_and_redis_last():
    everything = ["redis", "sandbox", "console", "worker1", "worker2", "beat", "flower"]
    assert stopping_order(everything) == [
        ["beat"],
        ["worker1", "worker2"],
        ["flower", "console", "sandbox"],
        ["redis"],
    ]
    assert stopping_order(["redis"]) == [["redis"]]
