import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from tests.workers.stack.conftest import always, processes_with, runs, until
from workers.stack import processes
from workers.stack.processes import Child, ChildFailed, pause_after

SLEEPER = "import time; print('ready'); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready'); time.sleep(600)"
TALKER = "import time; print('ready')\nwhile True: print('a' * 999); time.sleep(0.001)"
POLITE = """
import signal, sys, time
def leave(*_): print('finished what was begun'); sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print('ready')
time.sleep(600)
"""
WITH_A_CHILD_OF_ITS_OWN = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, '-u', '-c', {STUBBORN!r}])
time.sleep(600)
"""


def test_a_child_is_asked_to_finish_and_is_waited_for(child):
    polite = child(POLITE)
    polite.stop()
    assert polite.ending == "exit code 0"
    assert "finished what was begun" in polite.program.log.read_text()


def test_a_child_that_does_not_finish_in_time_is_killed(child):
    stubborn = child(STUBBORN, stop_seconds=0.2)
    stubborn.stop()
    assert stubborn.ending == "killed by SIGKILL"


def test_what_a_child_has_started_ends_with_it(child, tmp_path):
    parent = child(WITH_A_CHILD_OF_ITS_OWN)
    assert len(processes_with(str(tmp_path))) == 2
    parent.stop()
    assert until(lambda: not processes_with(str(tmp_path)))


def test_a_child_that_ends_at_its_start_shows_the_last_lines_of_its_log(program):
    failing = Child(program("print('first'); raise SystemExit('the key is missing')"))
    failing.start()
    with pytest.raises(ChildFailed, match="exit code 1") as failure:
        failing.await_health()
    assert "the key is missing" in failure.value.message
    assert "child.log" in failure.value.remedy


def test_only_this_start_is_quoted_from_a_log_that_is_added_to(program):
    for words in ("of yesterday", "of today"):
        failing = Child(program(f"raise SystemExit({words!r})"))
        failing.start()
        with pytest.raises(ChildFailed) as failure:
            failing.await_health()
    assert "of today" in failure.value.message
    assert "of yesterday" not in failure.value.message
    assert "of yesterday" in failing.program.log.read_text()


def test_a_child_that_never_works_is_named_and_not_left_running(program):
    idle = Child(program("import time; time.sleep(600)", start_seconds=0.3))
    idle.start()
    with pytest.raises(ChildFailed, match=r"not up after 0\.3 s and its log is empty"):
        idle.await_health()
    assert not idle.alive


def test_a_program_that_does_not_exist_is_named(program):
    missing = Child(program("", argv=("no-such-program", "--flag")))
    missing.start()
    with pytest.raises(ChildFailed, match="no-such-program: No such file"):
        missing.await_health()


def test_a_child_that_answers_and_then_ends_is_not_taken_for_working(program):
    failing = Child(program("raise SystemExit(3)", healthy=lambda: not failing.alive))
    failing.start()
    with pytest.raises(ChildFailed, match="exit code 3"):
        failing.await_health()


def test_a_log_that_is_a_device_stays_everybodys(program):
    writing = program("print('ready')")
    log = writing.log
    log.parent.mkdir()
    device = log.with_name("null")
    if os.geteuid() == 0:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.chmod(0o666)
        if not os.access(device, os.W_OK):
            pytest.skip("no device may be opened on this file system")
    else:
        device.symlink_to(os.devnull)  # whose mode we cannot change
    log.symlink_to(device)
    one = Child(writing)
    one.start()
    one.stop()
    assert stat.S_IMODE(device.stat().st_mode) == 0o666


def test_a_log_that_has_grown_too_large_is_put_aside_at_the_next_start(child, program):
    log = program("").log
    log.parent.mkdir()
    with log.open("wb") as file:
        file.truncate(processes.LOG_LIMIT + 1)
    child(SLEEPER)
    assert log.with_name("child.log.1").stat().st_size == processes.LOG_LIMIT + 1
    assert log.read_text() == "ready\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_is_put_aside_while_its_program_writes_on(child, monkeypatch):
    monkeypatch.setattr(processes, "LOG_LIMIT", 100_000)
    talker = child(TALKER)
    log = talker.program.log
    for _time in range(3):
        assert until(lambda: log.stat().st_size > processes.LOG_LIMIT)
        talker.rotate_log()
        aside = log.with_name("child.log.1")
        assert (aside.stat().st_size > processes.LOG_LIMIT, aside.stat().st_mode & 0o777) == (True, 0o600)
    assert talker.alive
    assert until(lambda: log.read_bytes()[:1] in b"a\n"), (
        "what it writes next begins the file, without a hole before it"
    )
    assert sorted(file.name for file in log.parent.iterdir()) == ["child.log", "child.log.1"]


def test_a_log_for_which_there_is_no_room_is_emptied_all_the_same(child, monkeypatch):
    monkeypatch.setattr(processes, "LOG_LIMIT", 100)
    talker = child(TALKER)
    assert until(lambda: talker.program.log.stat().st_size > 1000)
    talker.program.log.with_name("child.log.part").mkdir()
    with pytest.raises(IsADirectoryError):
        talker.rotate_log()
    assert not talker.program.log.with_name("child.log.1").exists()
    assert talker.program.log.stat().st_size < 200_000


def test_a_child_that_died_is_started_again_after_a_pause(child):
    fragile = child(SLEEPER)
    first = fragile.pid
    fragile.kill()
    now = time.monotonic()
    assert fragile.restart_if_dead(now) == "died"
    assert fragile.restart_if_dead(now + 0.1) is None
    assert not fragile.alive
    assert fragile.restart_if_dead(now + 0.6) == "restarted"
    assert fragile.alive
    assert fragile.pid != first
    assert fragile.restart_if_dead(now + 0.7) is None


def test_deaths_close_together_make_the_pause_grow_and_a_long_life_makes_it_short_again(child):
    fragile = child(SLEEPER)
    now = time.monotonic()
    for pause in (0.5, 1.0, 2.0):
        fragile.kill()
        assert fragile.restart_if_dead(now) == "died"
        assert fragile.restart_if_dead(now + pause - 0.01) is None
        assert fragile.restart_if_dead(now + pause) == "restarted"
    fragile.kill()
    assert fragile.restart_if_dead(now + 3600) == "died"
    assert fragile.restart_if_dead(now + 3600.5) == "restarted"


def test_the_pause_has_a_longest():
    assert [pause_after(deaths) for deaths in (1, 2, 3, 100)] == [0.5, 1.0, 2.0, 30.0]


def test_a_child_that_is_not_to_be_restarted_stays_down(child):
    once = child(SLEEPER, restarts=False)
    once.kill()
    assert once.restart_if_dead(time.monotonic()) is None
    assert not once.alive


def test_a_child_outlives_the_thread_that_started_it(program):
    sleeper = Child(program(SLEEPER))
    thread = threading.Thread(target=sleeper.start)
    thread.start()
    thread.join()
    sleeper.await_health()
    time.sleep(0.2)  # the kernel would have killed it at the thread's end, that is, before it said `ready`
    assert sleeper.alive
    sleeper.kill()


def test_ctrl_c_in_the_terminal_reaches_us_alone(child):
    apart = child(SLEEPER)
    assert os.getsid(apart.pid) == apart.pid != os.getsid(0)


@pytest.mark.parametrize("manner", ["become", "watch"])
def test_children_die_with_a_parent_that_was_killed(tmp_path, manner):
    if manner == "become" and sys.platform != "linux":
        pytest.skip("only Linux offers it")
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path), STUBBORN, manner], stdout=subprocess.PIPE, text=True
    )
    with supervisor:
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(runs, pids))
        supervisor.send_signal(signal.SIGKILL)
    assert until(lambda: not any(map(runs, pids)))
    assert until(lambda: not processes_with(str(tmp_path)))


SUPERVISOR = """
import os, sys, time
from pathlib import Path
from workers.stack.processes import Child, Program

folder, code, manner = sys.argv[1:]
children = []
for name in ("one", "two"):
    log = Path(folder) / f"{name}.log"
    program = Program(
        name=name,
        argv=(sys.executable, "-u", "-c", code),
        env=dict(os.environ) | {"DIALER_DATA_DIR": folder},
        log=log,
        healthy=lambda log=log: "ready" in log.read_text(),
    )
    children.append(Child(program, manner))
    children[-1].start()
    children[-1].await_health()
print(*(child.pid for child in children), flush=True)
time.sleep(600)
"""


def test_a_child_beside_its_watcher_is_asked_to_finish_too(program):
    polite = Child(program(POLITE), "watch")
    polite.start()
    polite.await_health()
    polite.stop()
    assert polite.ending == "exit code 0"
    assert "finished what was begun" in polite.program.log.read_text()


def test_a_launcher_whose_parent_is_already_gone_starts_nothing(tmp_path):
    launcher = [sys.executable, "-I", "-S", str(processes.LAUNCHER), "-1", "become", "touch", str(tmp_path / "started")]
    if sys.platform == "linux":
        assert subprocess.run(launcher, check=False).returncode == 127
        assert not (tmp_path / "started").exists()


def test_the_environment_of_a_program_is_in_no_repr(program):
    assert "hunter2" not in repr(program("", env={"DIALER_CONSOLE__PASSWORD": "hunter2"}, healthy=always))
