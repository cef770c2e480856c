"""A sandbox inside this process, on a thread of its own, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import httpx

from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.server import listening
from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.vendors import VENDORS


class SandboxHandle:
    """A running sandbox: where it is, what it saw, and how to change or stop it."""

    def __init__(self, config: SharedConfig) -> None:
        """Return once it listens. Raises OSError where the port is taken."""
        self._loop = asyncio.new_event_loop()
        self._told = asyncio.Event()
        self._url: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, args=(config,), name="sandbox", daemon=True)
        self._thread.start()
        self.url = self._url.result()
        self._http = httpx.Client(base_url=self.url, trust_env=False, verify=False)  # noqa: S501  plain HTTP

    def base_url(self, vendor: str) -> str:
        """The base URL for an account at this vendor."""
        return f"{self.url}{VENDORS[vendor].base_path}"

    def calls(self) -> list[dict[str, Any]]:
        """The log of placed calls."""
        return self._listed("/_calls")

    def requests(self) -> list[dict[str, Any]]:
        """The counts of requests by vendor, method and result."""
        return self._listed("/_requests")

    def configure(self, **changes: object) -> None:
        """Change the config while it runs. Raises ValueError where it cannot be changed so."""
        reply = self._http.post("/_config", json=changes)
        if reply.status_code != 200:
            raise ValueError(reply.json()["error"])

    def stop(self) -> None:
        """Stop serving, as a vendor that is down: connections are refused. A second stop does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._told.set)
            self._thread.join()
        self._http.close()

    def _listed(self, path: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self._http.get(path).raise_for_status().json()
        return listed

    def _run(self, config: SharedConfig) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve(config))
            except Exception as exc:
                if self._url.done():
                    raise
                self._url.set_exception(exc)

    async def _serve(self, config: SharedConfig) -> None:
        async with listening(config) as url:
            self._url.set_result(url)
            await self._told.wait()


@contextmanager
def running(config: SharedConfig | None = None) -> Iterator[SandboxHandle]:
    """Run a sandbox while the block runs; with `port=0`, the default, on a free port."""
    handle = SandboxHandle(config or SandboxConfig())
    try:
        yield handle
    finally:
        handle.stop()
