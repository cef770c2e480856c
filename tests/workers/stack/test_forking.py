"""Programs that are forked: as if each had been started by itself, and none outlives what has forked it."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.processes import family
from tests.workers.stack.conftest import MakeProgram, runs, says, until
from workers.stack.fork_server import IMPORTED
from workers.stack.forking import ForkServer, can_fork
from workers.stack.processes import Child, started_fork_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere programs are started by themselves")

SECRET = "hunter2-hunter2"
ROOT = Path(__file__).parents[3]
FACTS = """
import gc, json, os, random, signal, ssl, sys, threading, time

print(json.dumps({
    "argv": sys.argv,
    "orig_argv": sys.orig_argv,
    "command": open("/proc/self/cmdline").read().rstrip(chr(0)).split(chr(0)),
    "environ": {name: value for name, value in os.environ.items() if name.startswith("OF_A_")},
    "outside": open("/proc/self/environ").read(),
    "session": os.getsid(0) == os.getpgid(0) == os.getpid(),
    "files": sorted(name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")),
    "threads": len(os.listdir("/proc/self/task")),
    "signals": [signal.getsignal(number) is signal.SIG_DFL for number in (signal.SIGTERM, signal.SIGCHLD)],
    "collects": gc.isenabled(),
    "drawn": [random.random(), ssl.RAND_bytes(8).hex()],
    "main": __name__,
    "celery": "celery.worker.consumer" in sys.modules,
}), flush=True)
if "stays" in sys.argv:
    print("ready", flush=True)
    time.sleep(600)
if "fails" in sys.argv:
    sys.exit(3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a module of a few lines that can be run."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "facts_of_mine.py").write_text(FACTS)
    return folder


@pytest.fixture(scope="module")
def environ(folder: Path) -> Mapping[str, str]:
    return dict(os.environ) | {"PYTHONPATH": f"{ROOT}:{folder}"}


@pytest.fixture(scope="module")
def server(environ: Mapping[str, str]) -> Iterator[ForkServer]:
    made = started_fork_server(environ)
    assert made is not None
    yield made
    made.close()


@pytest.fixture
def forked(program: MakeProgram, server: ForkServer, environ: Mapping[str, str]) -> Iterator[Callable[..., Child]]:
    """Starts a child that is forked, runs the module above with these arguments, and waits until it works."""
    started: list[Child] = []

    def start(*arguments: str, name: str = "child") -> Child:
        log = program("").log.with_name(f"{name}.log")
        child = Child(
            program(
                "",
                name=name,
                argv=(sys.executable, "-m", "facts_of_mine", *arguments),
                env=environ | {"OF_A_CHILD": name, "DIALER_CONSOLE__PASSWORD": SECRET},
                log=log,
                healthy=says(log, "ready"),
            ),
            fork_server=server,
        )
        started.append(child)
        child.start()
        return child

    yield start
    for child in started:
        child.kill()


def facts(child: Child) -> dict[str, object]:
    assert until(lambda: child.program.log.exists() and "\n" in child.program.log.read_text())
    read: dict[str, object] = json.loads(child.program.log.read_text().splitlines()[-1 if not child.alive else 0])
    return read


def test_a_forked_program_is_as_one_that_was_started_by_itself(forked, folder):
    child = forked("stays", "--here")
    child.await_health()
    seen = facts(child)
    assert seen["main"] == "__main__"
    assert seen["argv"] == [str(folder / "facts_of_mine.py"), "stays", "--here"]
    assert seen["orig_argv"] == seen["command"] == list(child.program.argv)
    assert seen["environ"] == {"OF_A_CHILD": "child"}
    assert (seen["session"], seen["threads"], seen["files"], seen["collects"]) == (True, 1, ["0", "1", "2"], True)
    assert seen["signals"] == [True, True]
    assert seen["celery"], "nothing is gained where it has the imports to do itself"
    assert Path(f"/proc/{child.pid}/cwd").readlink() == Path.cwd()


def test_a_secret_of_one_program_is_in_no_list_of_processes(forked):
    child = forked("stays")
    child.await_health()
    assert SECRET not in str(facts(child)["outside"])


def test_no_two_programs_draw_the_same(forked):
    children = [forked("stays", name=name) for name in ("one", "two")]
    for child in children:
        child.await_health()
    (one, another), (two, other) = (facts(child)["drawn"] for child in children)
    assert one != two
    assert another != other


def test_how_a_forked_program_ends_is_known(forked):
    failing = forked("fails")
    assert until(lambda: not failing.alive)
    assert failing.ending == "exit code 3"
    killed = forked("stays")
    killed.await_health()
    killed.kill()
    assert killed.ending == "killed by SIGKILL"
    polite = forked("stays")
    polite.await_health()
    polite.stop()
    assert polite.ending == "killed by SIGTERM"


def test_a_wait_ends_when_its_time_is_over(server, environ, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        process = server.fork((sys.executable, "-m", "facts_of_mine", "stays"), environ, log.fileno())
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.terminate()
    assert process.wait() == -signal.SIGTERM


def test_a_module_that_does_not_exist_is_named_in_the_programs_log(server, environ, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        process = server.fork((sys.executable, "-m", "no_such_module"), environ, log.fileno())
    assert process.wait() == 1
    assert "no_such_module" in (tmp_path / "log").read_text()


def test_a_killed_program_is_forked_again(forked, server):
    child = forked("stays")
    child.await_health()
    serving, first = server.pid, child.pid
    os.kill(first, signal.SIGKILL)
    assert until(lambda: not child.alive)
    restart(child)
    assert child.pid != first
    assert server.pid == serving


def test_programs_end_with_a_server_that_was_killed_and_another_forks_them_again(forked, server):
    children = [forked("stays", name=name) for name in ("one", "two")]
    for child in children:
        child.await_health()
    pids = [child.pid for child in children]
    os.kill(server.pid, signal.SIGKILL)
    assert until(lambda: not any(map(runs, pids)))
    for child in children:
        assert child.ending == "killed by SIGKILL"
        restart(child)
        assert facts(child)["celery"]


def restart(child: Child) -> None:
    """As a supervisor does, without the pause."""
    child.program.log.write_text("")
    now = time.monotonic()
    assert child.restart_if_dead(now) == "died"
    assert child.restart_if_dead(now + 0.6) == "restarted"
    child.await_health()


def test_a_server_that_cannot_start_leaves_programs_to_be_started_by_themselves(program, folder):
    server = ForkServer({"PYTHONHOME": str(folder)})  # where no interpreter finds its own modules
    log = program("").log
    alone = dict(os.environ) | {"PYTHONPATH": str(folder)}
    child = Child(
        program("", argv=(sys.executable, "-m", "facts_of_mine", "stays"), env=alone, healthy=says(log, "ready")),
        fork_server=server,
    )
    child.start()
    child.await_health()
    assert not facts(child)["celery"]
    child.kill()
    server.close()


def test_a_server_that_does_not_answer_delays_no_start_for_long_and_forks_nothing_later(program, environ):
    log = program("").log
    argv = (sys.executable, "-m", "facts_of_mine", "stays")
    with ExitStack() as closing:
        server = ForkServer(environ, patience=0.2)
        closing.callback(server.close)
        child = Child(program("", argv=argv, env=environ, healthy=says(log, "ready")), fork_server=server)
        server.start()
        os.kill(server.pid, signal.SIGSTOP)
        child.start()
        closing.callback(child.kill)
        child.await_health()
        assert not facts(child)["celery"], "it was started by itself"
        os.kill(server.pid, signal.SIGCONT)
        output = closing.enter_context(log.with_name("later.log").open("wb"))
        assert until(lambda: forks(server, argv[:3], environ, output.fileno())), "what was asked before is served, too"
        assert until(lambda: family(server.pid) == [server.pid])
        assert log.read_text().count("ready") == 1


def forks(server, argv, environ, log):
    """Whether it forks a program by now, which ends by itself."""
    try:
        return server.fork(argv, environ, log).wait() == 0
    except TimeoutError:
        return False


FULL = """
import errno, os, socket, sys
from workers.stack.fork_server import ForkServer

def no_room():
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

os.fork = no_room
ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()
"""


def test_a_machine_with_no_room_for_a_process_ends_no_server(environ):
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", FULL, str(theirs.fileno())]
    with ours, subprocess.Popen(command, env=environ, pass_fds=(theirs.fileno(),)) as full:
        theirs.close()
        for _time in range(2):
            replies, status = socket.socketpair()
            with replies, status:
                socket.send_fds(ours, [(2).to_bytes(4, "big")], [1, status.fileno()])
                ours.sendall(b"{}")
                assert replies.recv(20) == f"{-errno.EAGAIN}\n".encode()
        ours.close()
        assert full.wait() == 0


def test_what_is_imported_starts_nothing_and_reads_no_settings(tmp_path):
    look = f"""
import importlib, os, sys
before = os.listdir("/proc/self/fd")
for name in {IMPORTED!r}:
    importlib.import_module(name)
assert os.listdir("/proc/self/fd") == before, "a file is open"
assert len(os.listdir("/proc/self/task")) == 1, "a thread runs"
assert "workers.app" not in sys.modules, "the settings were read"
"""
    environ = {"DIALER_CONFIG": str(tmp_path / "missing.toml"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("argv", "can"),
    [
        ((sys.executable, "-m", "celery", "worker"), True),
        ((sys.executable, "-u", "-c", "pass"), False),
        (("redis-server", "-m"), False),
    ],
)
def test_only_modules_of_this_interpreter_are_forked(argv, can):
    assert can_fork(argv) is can


def test_where_programs_would_outlive_it_there_is_no_server():
    assert started_fork_server({}, "watch") is None


def test_a_command_line_that_is_too_long_is_cut_off():
    show = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from workers.stack.fork_server import show_command_line
show_command_line(["x" * 9999, "y"])
print(open("/proc/self/cmdline").read().rstrip(chr(0)))
"""
    shown = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.strip()
    assert 0 < len(shown) < 9999
    assert set(shown) == {"x"}
