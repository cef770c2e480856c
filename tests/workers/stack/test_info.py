import json
import os
import signal
import subprocess
import sys

import pytest

from workers.stack.info import StackInfo, running_stack
from workers.stack.lock import StackIsUp, StackLock, is_locked

HOLDER = """
import sys, time
from pathlib import Path
from workers.stack.lock import StackLock
StackLock(Path(sys.argv[1])).take()
print('taken', flush=True)
time.sleep(600)
"""


@pytest.fixture
def lock(tmp_path):
    taken = StackLock(tmp_path)
    taken.take()
    yield taken
    taken.release()


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the lock of the same data folder."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "taken\n"
        yield holder
        holder.kill()


def told(tmp_path) -> StackInfo:
    return StackInfo(
        pid=os.getpid(),
        data_dir=tmp_path,
        started_at="2026-11-21T09:00:00+00:00",
        sandbox=True,
        speed=10.0,
        urls={"console": "http://127.0.0.1:8080"},
        ports={"console": 8080},
        pids={"console": 4711},
    )


def test_a_running_stack_is_read_as_it_was_told(tmp_path, lock):
    told(tmp_path).write()
    assert running_stack(tmp_path) == told(tmp_path)


def test_only_its_owner_may_read_it_and_nothing_else_is_left_beside_it(tmp_path, lock):
    told(tmp_path).write()
    told(tmp_path).write()
    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"stack.json", "stack.lock"}
    assert json.loads((tmp_path / "stack.json").read_text())["pids"] == {"console": 4711}


def test_a_stack_that_died_and_left_its_file_is_not_running(tmp_path, lock):
    told(tmp_path).write()
    lock.release()
    assert running_stack(tmp_path) is None


def test_a_stack_that_is_still_starting_is_not_running_yet(tmp_path, lock):
    assert running_stack(tmp_path) is None


def test_where_nothing_ever_ran_nothing_runs(tmp_path):
    assert running_stack(tmp_path / "absent") is None


def test_a_second_stack_on_the_same_folder_is_refused_by_the_first_ones_process_id(tmp_path, other_process):
    with pytest.raises(StackIsUp, match=str(other_process.pid)) as refusal:
        StackLock(tmp_path).take()
    assert refusal.value.pid == other_process.pid
    assert "DIALER_DATA_DIR" in refusal.value.remedy


def test_the_lock_ends_with_a_process_that_was_killed(tmp_path, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert not is_locked(tmp_path)
    second = StackLock(tmp_path)
    second.take()
    second.release()


def test_looking_whether_a_stack_runs_takes_nothing_away(tmp_path, lock):
    assert is_locked(tmp_path)
    lock.release()
    assert not is_locked(tmp_path)
    lock.take()
