"""PgBouncer in transaction mode before a PostgreSQL server: Debian's, or the one that `scripts/setup dev` unpacked."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from workers.stack.processes import Child, Program

UNPACKED = Path(__file__).parents[2] / ".venv" / "pgbouncer"
ABSENT = "PgBouncer is not here: install Debian's (apt-get install pgbouncer), or run scripts/setup dev on a Debian"
SETTINGS = """\
[databases]
* = host={host} port={port} user={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 1000
server_login_retry = 1
{user}
"""


def program() -> Path | None:
    """The program, if there is one."""
    installed = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    unpacked = UNPACKED / "usr/sbin/pgbouncer"
    return Path(installed) if installed else unpacked if unpacked.exists() else None


needed = pytest.mark.skipif(program() is None, reason=ABSENT)


@contextmanager
def pooler(server_url: str, folder: Path, *, sessions: int = 20) -> Iterator[tuple[Child, str]]:
    """PgBouncer before this server, and the server's URL through it; its clients share so many sessions."""
    found = program()
    if found is None:
        raise RuntimeError(ABSENT)
    server = urlsplit(server_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = server._replace(netloc=f"{server.username}@127.0.0.1:{port}").geturl()
    as_user = "user = nobody" if os.geteuid() == 0 else ""  # it refuses to run as root
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        SETTINGS.format(
            host=server.hostname, port=server.port, name=server.username, own_port=port, sessions=sessions, user=as_user
        )
    )
    libraries = ":".join(str(path) for path in UNPACKED.glob("usr/lib/*"))
    child = Child(
        Program(
            name="pgbouncer",
            argv=(str(found), str(settings)),
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            log=folder / "pgbouncer.log",
            healthy=lambda: _answers(url),
            start_seconds=10.0,
        )
    )
    child.start()
    try:
        child.await_health()
        yield child, url
    finally:
        child.kill()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
