"""A console in a process of its own, for a benchmark, and what it has taken of the processor."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.processes import processor_seconds


@dataclass(frozen=True, slots=True)
class ConsoleProcess:
    """A running console."""

    address: str
    pid: int

    def cpu_seconds(self) -> float:
        """What it has taken of the processor so far."""
        return processor_seconds(self.pid)


@contextmanager
def console(folder: Path, *, command: tuple[str, ...] = ("-m", "console.web"), **more: str) -> Iterator[ConsoleProcess]:
    """A console with a Webex account `bulk`; `more` are settings as variables of the environment have them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "DIALER_DATA_DIR": str(folder),
        "DIALER_ACCOUNTS": json.dumps({"bulk": {"provider": "webex", "service_key": "k", "receipt_secret": "s"}}),
        "DIALER_CONSOLE__PASSWORD": "p",
        "DIALER_CONSOLE__PORT": str(port),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIALER_")}
    process = subprocess.Popen([sys.executable, *command], env=kept | settings | more)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield ConsoleProcess(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")
