"""The sandbox on the wire: both vendors and the control endpoints on one port."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from dialer.sandbox.callgear.data_api import DataApi
from dialer.sandbox.callgear.notifications import Notifications
from dialer.sandbox.callgear.service import CallGear
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.control import Control
from dialer.sandbox.replies import Manner, Reply
from dialer.sandbox.webex.delivery import Deliveries
from dialer.sandbox.webex.service import Webex
from dialer.sandbox.world import World

BACKLOG = 1024
SHUTDOWN_SECONDS = 0.5
"""How long replies under way may take once the sandbox is told to stop; a late reply takes longer and is cut."""


class VendorServer:
    """Hands requests to the vendor they are for, and its replies back to the wire."""

    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self._world = world
        self._callgear = CallGear(world)
        self._data_api = DataApi(world)
        self._webex = Webex(world, deliveries.follow)

    def routes(self) -> list[web.RouteDef]:
        """Where the vendors are."""
        return [
            web.post("/v4.0", self.callgear),
            web.post("/v4.0/", self.callgear),
            web.post("/v2.0", self.data_api),
            web.post("/v2.0/", self.data_api),
            web.post("/v2/messages", self.webex),
            web.get("/v2/messages/{message_id}", self.webex_status),
        ]

    async def callgear(self, request: web.Request) -> web.Response:
        body = await request.read()
        return await self._give(request, "callgear", self._callgear.answer(body, request.charset, _ip(request)))

    async def data_api(self, request: web.Request) -> web.Response:
        body = await request.read()
        return await self._give(request, "callgear", self._data_api.answer(body, request.charset))

    async def webex(self, request: web.Request) -> web.Response:
        body = await request.read()
        return await self._give(request, "webex", self._webex.place(body, request.headers, _ip(request)))

    async def webex_status(self, request: web.Request) -> web.Response:
        reply = self._webex.status(request.match_info["message_id"], request.headers, _ip(request))
        return await self._give(request, "webex", reply)

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


def _ip(request: web.Request) -> str:
    return request.remote or "127.0.0.1"


def _cut(request: web.Request) -> web.Response:
    """Close the connection without a byte; the response returned has nowhere to go."""
    if request.transport:
        request.transport.abort()
    return web.Response()


def create_app(config: SandboxConfig) -> web.Application:
    """A sandbox with a world of its own, as an aiohttp application."""
    world = World(config)
    deliveries = Deliveries(world)
    app = web.Application()
    app.add_routes(VendorServer(world, deliveries).routes())
    app.add_routes(Control(world).routes())
    notifications = Notifications(world)
    world.placed = notifications.follow
    app.on_cleanup.append(lambda _: deliveries.close())
    app.on_cleanup.append(lambda _: notifications.close())
    return app


@asynccontextmanager
async def listening(config: SandboxConfig) -> AsyncIterator[str]:
    """Serve a sandbox while the block runs, and yield its URL. Raises OSError where the port is taken."""
    runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, backlog=BACKLOG).start()
        host, port = runner.addresses[0][:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def serve(config: SandboxConfig, ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve a sandbox until SIGTERM or SIGINT; `ready` is told its URL once it listens."""
    asyncio.run(_serve(config, ready))


async def _serve(config: SandboxConfig, ready: Callable[[str], None]) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with listening(config) as url:
        ready(url)
        await told.wait()
