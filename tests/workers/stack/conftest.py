"""Real children, a real server, and a look afterwards that none of them was left behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dialer.redis_address import RedisAddress
from tests.support.patience import PATIENCE
from workers.stack.health import Health, redis_pings
from workers.stack.ports import Ports
from workers.stack.processes import Child, Program
from workers.stack.redis_server import find_server

MakeProgram = Callable[..., Program]


def always() -> bool:
    return True


def says(log: Path, word: str) -> Health:
    return lambda: log.exists() and word in log.read_text()


def until(question: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it came true in time; how long it takes is not what is tested."""
    limit = time.monotonic() + seconds
    while not question():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


def runs(pid: int) -> bool:
    """Whether a process is there and does something: one that only waits to be counted is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes_with(word: str) -> list[int]:
    """Ids of running processes, other than this one, that carry the word in their command line or environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in text and int(folder.name) != os.getpid() and runs(int(folder.name)):
            found.append(int(folder.name))
    return found


@pytest.fixture(autouse=True)
def _nobody_left_behind(tmp_path: Path) -> Iterator[None]:
    yield
    assert until(lambda: not processes_with(str(tmp_path))), processes_with(str(tmp_path))


@pytest.fixture
def program(tmp_path: Path) -> MakeProgram:
    """Makes a program of a few lines of Python; it works once its log says `ready`."""

    def make(code: str, **changes: object) -> Program:
        log = tmp_path / "logs" / "child.log"
        given: dict[str, object] = {
            "name": "child",
            "argv": (sys.executable, "-u", "-c", code),
            "env": dict(os.environ) | {"DIALER_DATA_DIR": str(tmp_path)},
            "log": log,
            "healthy": says(log, "ready"),
        }
        return Program(**given | changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def child(program: MakeProgram) -> Iterator[Callable[..., Child]]:
    """Starts such a program and waits until it works."""
    started: list[Child] = []

    def start(code: str, **changes: object) -> Child:
        one = Child(program(code, **changes))
        started.append(one)
        one.start()
        one.await_health()
        return one

    yield start
    for one in started:
        one.kill()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server, as the stack starts it."""
    folder = tmp_path_factory.mktemp("redis")
    with Ports() as ports:
        port = ports.take(0).number
        url = f"redis://127.0.0.1:{port}/0"
        server = Child(
            Program(
                name="redis",
                argv=find_server().command(port=port, folder=folder),
                env={},
                log=folder / "redis.log",
                healthy=redis_pings(RedisAddress.parse(url)),
            )
        )
        server.start()
        server.await_health()
        yield url
        server.stop()
    assert not processes_with(str(folder))
