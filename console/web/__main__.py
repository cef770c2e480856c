"""Serves the console within bounds: `python -m console.web`. Where it listens is in the settings."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

import uvicorn

from console.server.connections import BACKLOG, MAX_HEAD_BYTES, BoundedProtocol, Connections, OnceAMinute
from console.web.app import PROCESS, create_app
from workers import tracing

STOP_SECONDS = 5
SWITCH_SECONDS = 0.0005
DATE_SECONDS = 1.0


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    # The event loop serves everybody: it may not wait 5 ms for each thread that computes.
    sys.setswitchinterval(SWITCH_SECONDS)
    bounds = Connections()
    app = create_app(connections=bounds)
    app.state.state.shared_metrics.start()
    console = app.state.state.settings.console
    logging.getLogger("asyncio").addFilter(OnceAMinute())
    end_traces = tracing.begin(app.state.state.settings, PROCESS)
    config = uvicorn.Config(
        app,
        host=console.host,
        port=console.port,
        http=partial(BoundedProtocol, bounds=bounds),  # type: ignore[arg-type]  # it is called as a class is
        ws="none",
        backlog=BACKLOG,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        access_log=False,  # the path of a receipt ends with the account's receipt secret
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    Server(config).run()
    end_traces()


class Server(uvicorn.Server):
    """Ends streams when it is told to stop, which it would wait for, and wakes once a second instead of ten times."""

    _stop: Callable[[], object] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, as a signal asks for."""
        self.config.app.state.state.streams.close()  # type: ignore[union-attr]
        super().handle_exit(sig, frame)
        if self._stop is not None:
            self._stop()

    async def main_loop(self) -> None:
        """Return when it is to end; until then, renew the date of replies each second."""
        told = asyncio.Event()
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, told.set)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), DATE_SECONDS)


if __name__ == "__main__":
    main()
