"""The sandbox on the wire: all vendors and the control endpoints on one port."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from dialer.sandbox.control import Control
from dialer.sandbox.replies import Manner, Reply
from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.vendor import Incoming
from dialer.sandbox.vendors import VENDORS
from dialer.sandbox.world import World

BACKLOG = 1024
SHUTDOWN_SECONDS = 0.5
"""How long replies under way may take once the sandbox is stopped; a late reply takes longer and is cut."""


class VendorServer:
    """Hands requests to the vendors they are for, and their replies back to the wire."""

    def __init__(self, world: World[SharedConfig]) -> None:
        self._world = world
        self._services = {name: vendor.open(world) for name, vendor in VENDORS.items()}

    def routes(self) -> list[web.RouteDef]:
        """Where the vendors are."""
        return [
            web.route(route.method, route.path, partial(self._answer, vendor, route.answer))
            for vendor, service in self._services.items()
            for route in service.routes()
        ]

    async def close(self) -> None:
        """Send nothing more."""
        for service in self._services.values():
            await service.close()

    async def _answer(self, vendor: str, answer: Callable[[Incoming], Reply], request: web.Request) -> web.Response:
        incoming = Incoming(
            body=await request.read(),
            headers=request.headers,
            charset=request.charset,
            ip=request.remote or "127.0.0.1",
            path=request.match_info,
        )
        return await self._give(request, vendor, answer(incoming))

    async def _give(self, request: web.Request, vendor: str, reply: Reply) -> web.Response:
        self._world.requests[vendor, reply.method, reply.result] += 1
        config = self._world.config
        if seconds := config.late_seconds if reply.manner is Manner.LATE else config.latency:
            await asyncio.sleep(seconds)
        if reply.manner is Manner.CUT:
            return _cut(request)
        if reply.body is None:
            return web.Response(status=reply.status)
        document = json.dumps(reply.body, ensure_ascii=False).encode(
            "utf-8", "replace"
        )  # half a character comes back as ?
        return web.Response(status=reply.status, body=document, content_type="application/json", charset="utf-8")


def _cut(request: web.Request) -> web.Response:
    """Close the connection without a byte; the response returned has nowhere to go."""
    if request.transport:
        request.transport.abort()
    return web.Response()


def create_app(config: SharedConfig) -> web.Application:
    """A sandbox with a world of its own, as an aiohttp application."""
    world = World(config)
    vendors = VendorServer(world)
    app = web.Application()
    app.add_routes(vendors.routes())
    app.add_routes(Control(world).routes())
    app.on_cleanup.append(lambda _: vendors.close())
    return app


@asynccontextmanager
async def listening(config: SharedConfig) -> AsyncIterator[str]:
    """Serve a sandbox while the block runs, and yield its URL. Raises OSError where the port is taken."""
    runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, backlog=BACKLOG).start()
        host, port = runner.addresses[0][:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def serve(config: SharedConfig, ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve a sandbox until SIGTERM or SIGINT; `ready` is told its URL once it listens."""
    asyncio.run(_serve(config, ready))


async def _serve(config: SharedConfig, ready: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with listening(config) as url:
        ready(url)
        await stopped.wait()
