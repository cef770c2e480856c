"""A Redis server for a benchmark, which can be killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from dialer.bucket import connect
from workers.stack.redis_server import find_server


class RedisServer:
    """A real server on loopback, without persistence."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and return when it answers."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder.name]
        self._process = subprocess.Popen([str(find_server().path), *where], stdout=subprocess.DEVNULL)
        client = connect(self.url)
        while True:
            try:
                client.ping()
                break
            except redis.RedisError:
                time.sleep(0.02)
        client.close()

    def kill(self) -> None:
        """As when the machine loses its power: no goodbye, and all is forgotten."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop it and forget its folder."""
        self.kill()
        self._folder.cleanup()


@contextmanager
def serving() -> Iterator[RedisServer]:
    """A running server for as long as the block runs."""
    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.close()
